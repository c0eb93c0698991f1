//! Runs all scripts through the StoreAPI: each script loads into a storage that two fake
//! stores serve, which send the same, and queries read these.

mod source;

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use quarrel_compliance::{RunOptions, StorageOver, run_files};
use quarrel_engine::storage::{Snapshot, Storage, StorageError, TimeRange};
use quarrel_storage::store_api::testing::{FakeStore, RunningStore};
use quarrel_storage::store_api::{Endpoints, EndpointsConfig, StoreApi, StoreQuery};
use tokio::runtime::Runtime;

/// Scripts with start timestamps, which the chunks of the StoreAPI do not have.
const WITH_START_TIMESTAMPS: [&str; 1] = ["start_timestamps.test"];

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

/// The connector, and the stores that it reads.
struct Served {
    storage: StoreApi,
    _running: Vec<RunningStore>,
}

impl Storage for Served {
    fn snapshot(
        &self,
        range: TimeRange,
    ) -> futures::future::BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        self.storage.snapshot(range)
    }
}

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
    Arc::new(Served {
        storage: StoreApi::new(endpoints, query),
        _running: running,
    })
}

#[test]
fn scripts_over_two_stores_of_the_same_series() {
    let name = |path: &PathBuf| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let mut files = source::own_scripts();
    files.extend(source::scripts().unwrap_or_default());
    files.retain(|path| name(path).is_none_or(|name| !WITH_START_TIMESTAMPS.contains(&&*name)));
    // The script's own thread belongs to a runtime.
    let over = move |storage| {
        let serve = || RUNTIME.block_on(serve(storage, 2));
        std::thread::scope(|scope| scope.spawn(serve).join().unwrap())
    };
    let options = RunOptions {
        over: Some(StorageOver::new(over)),
        ..RunOptions::default()
    };
    let summary = run_files(&files, &options).unwrap();
    assert!(summary.success() && summary.passed() > 300, "{summary}");
}
