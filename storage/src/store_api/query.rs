//! What a query asks of the stores beside its selects.

use std::sync::Arc;

use quarrel_engine::storage::Matcher;

use super::observe::{Call, CallObserver, ObservedCall};
use crate::shard::Shard;

/// How a query reads from the stores: the parameters of Thanos's query API, but for
/// `max_source_resolution`, which is the engine's.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreQuery {
    /// Whether the answer of some stores is enough: a store that fails is a warning,
    /// else the query's error. `partial_response`.
    pub partial_response: bool,
    /// Picks stores by their address, as the label `__address__`, and external labels.
    /// A store is asked if any of the selectors matches; all are if there is none.
    /// `storeMatch[]`.
    pub store_matchers: Vec<Vec<Matcher>>,
    /// The shard of the series that the query wants. `shard_info`.
    pub shard: Option<Shard>,
    /// Labels that tell replicas apart. Series keep them; the answers to look-ups of
    /// label names and values are those of series without them. `replicaLabels[]`,
    /// none where `dedup` is off.
    pub replica_labels: Vec<String>,
    /// The tenant that stores are told of.
    pub tenant: Option<String>,
    /// Series that a select may find in all stores together.
    pub max_series: Option<u64>,
    /// Samples that one store may send for a select, by the headers of its chunks.
    pub max_samples: Option<u64>,
    /// Selects that may wait for stores at the same time.
    /// `--query.max-concurrent-select`.
    pub max_concurrent_selects: Option<usize>,
    /// Sees the calls to stores.
    pub observer: Option<Arc<dyn CallObserver>>,
}

impl StoreQuery {
    /// Matchers as PromQL has them, if somebody watches calls.
    pub(super) fn printed(&self, matchers: &[Matcher]) -> Vec<String> {
        match self.observer {
            Some(_) => matchers.iter().map(ToString::to_string).collect(),
            None => Vec::new(),
        }
    }

    /// Begins a call, which somebody may watch.
    pub(super) fn observed(
        &self,
        endpoint: &str,
        method: &'static str,
        matchers: &[String],
    ) -> Option<Box<dyn ObservedCall>> {
        let observer = self.observer.as_ref()?;
        Some(observer.begin(&Call {
            endpoint,
            method,
            matchers,
        }))
    }
}

impl Default for StoreQuery {
    /// As `thanos query` without parameters.
    fn default() -> Self {
        StoreQuery {
            partial_response: true,
            store_matchers: Vec::new(),
            shard: None,
            replica_labels: Vec::new(),
            tenant: None,
            max_series: None,
            max_samples: None,
            max_concurrent_selects: Some(4),
            observer: None,
        }
    }
}
