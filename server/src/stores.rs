//! Thanos API servers behind the server.

use std::sync::Arc;

use quarrel_engine::storage::Storage;
use quarrel_storage::store_api::{Endpoints, StoreApi, StoreQuery};

use crate::source::{Source, View, ViewDefaults};

/// What the server reads where there are Thanos API servers behind it.
pub struct Stores {
    endpoints: Arc<Endpoints>,
    defaults: ViewDefaults,
    max_concurrent_selects: usize,
}

impl Stores {
    /// The stores of `endpoints`; a query asks so many at a time.
    pub fn new(
        endpoints: Arc<Endpoints>,
        defaults: ViewDefaults,
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
    fn storage(&self, view: &View) -> Arc<dyn Storage> {
        let mut query = StoreQuery::default();
        query.partial_response = view.partial_response;
        query.max_source_resolution_ms = view.max_source_resolution;
        query.store_matchers.clone_from(&view.store_matchers);
        query.max_concurrent_selects = Some(self.max_concurrent_selects);
        if view.dedup {
            query.replica_labels.clone_from(&view.replica_labels);
        }
        Arc::new(StoreApi::new(Arc::clone(&self.endpoints), query))
    }

    fn defaults(&self) -> Option<&ViewDefaults> {
        Some(&self.defaults)
    }
}
