//! Where requests read from, and how.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use quarrel_engine::storage::{MatchOp, Matcher, Storage, StorageError, TimeRange};
use quarrel_engine::{EngineOptions, QueryOptions};
use quarrel_matchers::RegexError;
use quarrel_storage::bucket::Bucket;
use quarrel_storage::remote_read::RemoteReadMetrics;
use quarrel_storage::shard::Shard;
use quarrel_storage::store_api::{CallObserver, EndpointStatus, Endpoints, StoreMetrics};

/// Thanos's resolutions of downsampled data, ms.
const FIVE_MINUTES_MS: i64 = 300_000;
const HOUR_MS: i64 = 3_600_000;

/// How a request wants its data read: Thanos's parameters, and the fields of its Query
/// API that mean the same. [`Source::options`] has what holds where a request does not
/// say.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// Whether series that differ in replica labels alone are one.
    pub dedup: bool,
    /// The replica labels.
    pub replica_labels: Vec<String>,
    /// Whether a store that fails is a warning, else an error.
    pub partial_response: bool,
    /// The coarsest resolution of downsampled data, ms; 0 for raw data alone.
    pub max_resolution_ms: i64,
    /// Which stores are read: any of these lists has to match a store's external
    /// labels and `__address__`; all stores if there is none.
    pub store_matchers: Vec<Vec<Matcher>>,
    /// Which of several shards of all series is read; `None` for all of them.
    pub shard: Option<Shard>,
    /// Who asks.
    pub tenant: Option<String>,
    /// Sees the calls to endpoints.
    pub observer: Option<Arc<dyn CallObserver>>,
}

impl ReadOptions {
    /// The options of a query that reads so.
    pub fn for_query(&self, own: QueryOptions, engine: &EngineOptions) -> QueryOptions {
        let mut options = own;
        options.max_resolution_ms = self.max_resolution_ms;
        if self.max_resolution_ms > 0 && options.lookback_delta.is_none() {
            options.lookback_delta = Some(self.lookback(engine.lookback_delta));
        }
        options
    }

    /// The lookback for data of the resolution that may be read, at least `own`: a
    /// window's one sample is as far from the next one. As in Thanos.
    fn lookback(&self, own: Duration) -> Duration {
        let own_ms = i64::try_from(own.as_millis()).unwrap_or(i64::MAX);
        let coarsest = match self.max_resolution_ms {
            max if max > own_ms.max(FIVE_MINUTES_MS) => HOUR_MS,
            max if max > own_ms => FIVE_MINUTES_MS,
            _ => return own,
        };
        own.max(Duration::from_millis(coarsest.unsigned_abs()))
    }
}

/// What holds where requests do not say, by the server's flags.
#[derive(Clone, Debug, Default)]
pub struct ReadDefaults {
    /// `--query.replica-label`.
    pub replica_labels: Vec<String>,
    /// `--query.partial-response`.
    pub partial_response: bool,
    /// `--query.auto-downsampling`.
    pub auto_downsampling: bool,
    /// `--query.instant.default.max_source_resolution`, ms.
    pub instant_resolution_ms: i64,
}

/// The label by which a tenant's things are told from those of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantLabel {
    /// Its name.
    pub name: String,
    /// The tenant.
    pub tenant: String,
}

impl TenantLabel {
    /// Whether the label is one of these names and values.
    pub fn is_in<'a>(&self, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
        let own = (self.name.as_str(), self.tenant.as_str());
        labels.into_iter().any(|label| label == own)
    }

    /// The matcher of its series.
    ///
    /// # Errors
    /// If there can be no such matcher: then there are no such series.
    pub fn matcher(&self) -> Result<Matcher, RegexError> {
        Matcher::new(MatchOp::Equal, &self.name, &self.tenant)
    }
}

/// A database with labels of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// External labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// The closed range of its samples; `None` if it has none, or does not know.
    pub range: Option<TimeRange>,
}

/// Where requests read from.
pub trait Source: Send + Sync {
    /// The storage as a request wants it read. Its series have the external labels.
    fn storage(&self, options: &ReadOptions) -> Arc<dyn Storage>;

    /// The databases behind it.
    fn databases(&self) -> BoxFuture<'_, Result<Vec<Database>, StorageError>>;

    /// The Thanos API servers behind it.
    fn stores(&self) -> Vec<EndpointStatus> {
        Vec::new()
    }

    /// These, to be asked for what they have beside series.
    fn endpoints(&self) -> Option<Arc<Endpoints>> {
        None
    }

    /// The label that whatever is shown to a tenant beside series has to have: rules,
    /// targets, exemplars, and the series of a metric with metadata. `None` where
    /// everybody sees everything.
    fn tenant_label(&self, _tenant: &str) -> Option<TenantLabel> {
        None
    }

    /// What is counted of these.
    fn store_metrics(&self) -> Vec<StoreMetrics> {
        Vec::new()
    }

    /// What is counted of servers of remote read behind it.
    fn remote_read_metrics(&self) -> Vec<RemoteReadMetrics> {
        Vec::new()
    }

    /// The bucket behind it.
    fn bucket(&self) -> Option<&Arc<Bucket>> {
        None
    }

    /// What holds where requests do not say; `None` where there are neither replicas
    /// nor stores nor resolutions, so that parameters about these mean nothing, as in
    /// Prometheus.
    fn defaults(&self) -> Option<&ReadDefaults> {
        None
    }

    /// The options of a request that says nothing.
    fn options(&self) -> ReadOptions {
        let defaults = self.defaults().cloned().unwrap_or_default();
        ReadOptions {
            dedup: true,
            replica_labels: defaults.replica_labels,
            partial_response: defaults.partial_response,
            ..ReadOptions::default()
        }
    }
}

impl fmt::Debug for dyn Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    #[test]
    fn lookback_grows_with_the_resolution() {
        for (max_resolution_ms, own_ms, wanted_ms) in [
            (0, 5 * MINUTE, 5 * MINUTE),
            (1, 5 * MINUTE, 5 * MINUTE),
            (5 * MINUTE, 5 * MINUTE, 5 * MINUTE),
            (5 * MINUTE + 1, 5 * MINUTE, HOUR),
            (HOUR, 5 * MINUTE, HOUR),
            (5 * HOUR, 5 * MINUTE, HOUR),
            // With another lookback of the engine.
            (0, MINUTE, MINUTE),
            (MINUTE, MINUTE, MINUTE),
            (2 * MINUTE, MINUTE, 5 * MINUTE),
            (6 * MINUTE, MINUTE, HOUR),
            (6 * MINUTE, 10 * MINUTE, 10 * MINUTE),
            (11 * MINUTE, 10 * MINUTE, HOUR),
            (3 * HOUR, 2 * HOUR, 2 * HOUR),
        ] {
            let options = ReadOptions {
                max_resolution_ms,
                ..ReadOptions::default()
            };
            let own = Duration::from_millis(own_ms.unsigned_abs());
            let lookback = options.lookback(own).as_millis() as i64;
            assert_eq!(lookback, wanted_ms, "{max_resolution_ms} {own_ms}");
        }
    }
}
