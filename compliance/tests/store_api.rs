//! Runs all scripts through the StoreAPI: each script loads into a storage that two fake
//! stores serve, which send the same, and queries read these.

mod connector;
mod source;

use std::sync::Arc;

use connector::Served;
use quarrel_engine::storage::Storage;
use quarrel_storage::store_api::testing::{FakeStore, RunningStore};
use quarrel_storage::store_api::{Endpoints, EndpointsConfig, StoreApi, StoreQuery};

/// Scripts with start timestamps, which the chunks of the StoreAPI do not have.
const WITH_START_TIMESTAMPS: [&str; 1] = ["start_timestamps.test"];

async fn serve(storage: Arc<dyn Storage>, stores: usize) -> Arc<dyn Storage> {
    let mut running = Vec::new();
    for _ in 0..stores {
        running.push(FakeStore::over(Arc::clone(&storage)).start().await);
    }
    let config = EndpointsConfig::new(running.iter().map(RunningStore::spec));
    let endpoints = Arc::new(Endpoints::start(config).unwrap());
    endpoints.ready().await;
    let mut query = StoreQuery::default();
    query.partial_response = false;
    Served::new(StoreApi::new(endpoints, query), running)
}

#[test]
fn scripts_over_two_stores_of_the_same_series() {
    let (summary, _) = connector::run(|storage| serve(storage, 2), &WITH_START_TIMESTAMPS);
    assert!(summary.success() && summary.passed() > 300, "{summary}");
}
