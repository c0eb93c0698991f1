//! Thanos API servers behind the server.

use std::sync::Arc;

use futures::future::{BoxFuture, ready};
use quarrel_engine::storage::{Storage, StorageError};
use quarrel_storage::store_api::{EndpointStatus, Endpoints, StoreApi, StoreMetrics, StoreQuery};

use crate::source::{Database, ReadDefaults, ReadOptions, Source};

/// What the server reads where there are Thanos API servers behind it.
pub struct Stores {
    endpoints: Arc<Endpoints>,
    defaults: ReadDefaults,
    max_concurrent_selects: usize,
}

impl Stores {
    /// The stores of `endpoints`; a query asks so many at a time.
    pub fn new(
        endpoints: Arc<Endpoints>,
        defaults: ReadDefaults,
        max_concurrent_selects: usize,
    ) -> Self {
        Stores {
            endpoints,
            defaults,
            max_concurrent_selects,
        }
    }
}

impl Source for Stores {
    fn storage(&self, options: &ReadOptions) -> Arc<dyn Storage> {
        let mut query = StoreQuery::default();
        query.partial_response = options.partial_response;
        query.store_matchers.clone_from(&options.store_matchers);
        query.shard.clone_from(&options.shard);
        query.max_concurrent_selects = Some(self.max_concurrent_selects);
        if options.dedup {
            query.replica_labels.clone_from(&options.replica_labels);
        }
        Arc::new(StoreApi::new(Arc::clone(&self.endpoints), query))
    }

    fn databases(&self) -> BoxFuture<'_, Result<Vec<Database>, StorageError>> {
        let stores = self.endpoints.status();
        let stores = stores.iter().filter(|store| store.is_healthy());
        let facts = stores.filter_map(|store| store.info.as_ref()?.store.as_ref());
        let databases = facts.flat_map(|store| &store.tsdbs).map(|tsdb| Database {
            labels: tsdb.labels.to_vec(),
            range: Some(tsdb.range),
        });
        Box::pin(ready(Ok(databases.collect())))
    }

    fn stores(&self) -> Vec<EndpointStatus> {
        self.endpoints.status()
    }

    fn store_metrics(&self) -> Vec<StoreMetrics> {
        self.endpoints.metrics()
    }

    fn defaults(&self) -> Option<&ReadDefaults> {
        Some(&self.defaults)
    }
}
