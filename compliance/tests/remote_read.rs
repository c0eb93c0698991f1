//! Runs all scripts through remote read: each script loads into a storage that a fake
//! server serves, and queries read from it, by chunks and by samples.

mod source;

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use quarrel_compliance::{RunOptions, StorageOver, run_files};
use quarrel_engine::storage::{Snapshot, Storage, StorageError, TimeRange};
use quarrel_storage::remote_read::testing::{FakeRemote, RunningRemote};
use quarrel_storage::remote_read::{RemoteRead, RemoteReadConfig, ResponseForm};
use tokio::runtime::Runtime;

/// Scripts with start timestamps, which samples do not have.
const WITH_START_TIMESTAMPS: [&str; 1] = ["start_timestamps.test"];

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

/// Evaluations of Prometheus's scripts whose answers samples change: a histogram that says
/// that its counter was not reset says nothing of that as the first one of a chunk, and
/// what came as samples is chunks in quarrel. See docs/remote-read.md.
const WITHOUT_HINTS: usize = 7;

/// The connector, and the server that it reads.
struct Served {
    storage: RemoteRead,
    _running: RunningRemote,
}

impl Storage for Served {
    fn snapshot(
        &self,
        range: TimeRange,
    ) -> futures::future::BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        self.storage.snapshot(range)
    }
}

async fn serve(storage: Arc<dyn Storage>, form: ResponseForm) -> Arc<dyn Storage> {
    let running = FakeRemote::over(storage).start().await;
    let mut config = RemoteReadConfig::new(running.url());
    config.forms = vec![form];
    Arc::new(Served {
        storage: RemoteRead::new(config).unwrap(),
        _running: running,
    })
}

/// Runs all scripts but some. So many evaluations of Prometheus's own differ.
fn scripts(form: ResponseForm, without: &[&str], differ: usize) {
    let name = |path: &PathBuf| {
        let name = path.file_name();
        name.map(|name| name.to_string_lossy().into_owned())
    };
    let mut files = source::own_scripts();
    let theirs = source::scripts();
    let differ = theirs.as_ref().map_or(0, |_| differ);
    files.extend(theirs.unwrap_or_default());
    files.retain(|path| name(path).is_none_or(|name| !without.contains(&&*name)));
    // The script's own thread belongs to a runtime.
    let over = move |storage| {
        let serve = || RUNTIME.block_on(serve(storage, form));
        std::thread::scope(|scope| scope.spawn(serve).join().unwrap())
    };
    let options = RunOptions {
        over: Some(StorageOver::new(over)),
        ..RunOptions::default()
    };
    let summary = run_files(&files, &options).unwrap();
    assert_eq!(summary.failed(), differ, "{summary}");
    assert!(summary.passed() > 300, "{summary}");
}

#[test]
fn scripts_by_chunks() {
    scripts(ResponseForm::Chunks, &[], 0);
}

#[test]
fn scripts_by_samples() {
    scripts(ResponseForm::Samples, &WITH_START_TIMESTAMPS, WITHOUT_HINTS);
}
