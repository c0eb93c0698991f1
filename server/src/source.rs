//! What the server reads, and how a request wants to see it.

use std::sync::Arc;

use quarrel_engine::storage::{Matcher, Storage};

/// How a request wants to see what the server reads: Thanos's parameters, and the
/// fields of its Query API that mean the same.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Whether series that differ in replica labels alone are united.
    pub dedup: bool,
    /// The replica labels.
    pub replica_labels: Vec<String>,
    /// Whether a part that fails is a warning, else an error.
    pub partial_response: bool,
    /// The coarsest resolution of downsampled data, ms; 0 for raw data alone.
    pub max_source_resolution: i64,
    /// Which stores are asked: any of these lists has to match a store's external
    /// labels and `__address__`; all stores if there is none.
    pub store_matchers: Vec<Vec<Matcher>>,
}

/// What a view is where a request does not say, by the server's flags.
#[derive(Clone, Debug, Default)]
pub struct ViewDefaults {
    /// `--query.replica-label`.
    pub replica_labels: Vec<String>,
    /// `--query.partial-response`.
    pub partial_response: bool,
    /// `--query.auto-downsampling`.
    pub auto_downsampling: bool,
    /// `--query.instant.default.max_source_resolution`, ms.
    pub instant_resolution: i64,
}

impl ViewDefaults {
    /// The view of a request that says nothing.
    pub fn view(&self) -> View {
        View {
            dedup: true,
            replica_labels: self.replica_labels.clone(),
            partial_response: self.partial_response,
            max_source_resolution: 0,
            store_matchers: Vec::new(),
        }
    }
}

/// What a server reads.
pub trait Source: Send + Sync {
    /// The storage of one request.
    fn storage(&self, view: &View) -> Arc<dyn Storage>;

    /// What views are where requests do not say; `None` where there is one view
    /// alone, and Thanos's parameters mean nothing, as in Prometheus.
    fn defaults(&self) -> Option<&ViewDefaults>;
}

/// A storage that looks the same to all requests.
pub struct Plain(pub Arc<dyn Storage>);

impl Source for Plain {
    fn storage(&self, _: &View) -> Arc<dyn Storage> {
        Arc::clone(&self.0)
    }

    fn defaults(&self) -> Option<&ViewDefaults> {
        None
    }
}
