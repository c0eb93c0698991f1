//! Runs all scripts through a connector: each script loads into a storage that servers in
//! this process serve, and queries read from these.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use futures::future::BoxFuture;
use quarrel_compliance::{RunOptions, StorageOver, Summary, run_files};
use quarrel_engine::storage::{Snapshot, Storage, StorageError, TimeRange};
use tokio::runtime::Runtime;

use crate::source;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

/// A connector, and what serves it.
pub struct Served<S, R> {
    storage: S,
    _running: R,
}

impl<S, R> Served<S, R> {
    pub fn new(storage: S, running: R) -> Arc<Self> {
        Arc::new(Served {
            storage,
            _running: running,
        })
    }
}

impl<S: Storage, R: Send + Sync> Storage for Served<S, R> {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        self.storage.snapshot(range)
    }
}

/// Runs all scripts but those of some names over what `serve` makes of their storages, and
/// says whether Prometheus's own were among them.
pub fn run<F>(
    serve: impl Fn(Arc<dyn Storage>) -> F + Clone + Send + Sync + 'static,
    without: &[&str],
) -> (Summary, bool)
where
    F: Future<Output = Arc<dyn Storage>> + Send,
{
    let name = |path: &PathBuf| {
        let name = path.file_name();
        name.map(|name| name.to_string_lossy().into_owned())
    };
    let theirs = source::scripts();
    let has_theirs = theirs.is_some();
    let mut files = source::own_scripts();
    files.extend(theirs.unwrap_or_default());
    files.retain(|path| name(path).is_none_or(|name| !without.contains(&&*name)));
    // The script's own thread belongs to a runtime.
    let over = move |storage| {
        let serve = || RUNTIME.block_on(serve(storage));
        std::thread::scope(|scope| scope.spawn(serve).join().unwrap())
    };
    let options = RunOptions {
        over: Some(StorageOver::new(over)),
        ..RunOptions::default()
    };
    (run_files(&files, &options).unwrap(), has_theirs)
}
