//! Runs all scripts through remote read: each script loads into a storage that a fake
//! server serves, and queries read from it, by chunks and by samples.

mod connector;
mod source;

use std::sync::Arc;

use connector::Served;
use quarrel_engine::storage::Storage;
use quarrel_storage::remote_read::testing::FakeRemote;
use quarrel_storage::remote_read::{RemoteRead, RemoteReadConfig, ResponseForm};

/// Scripts with start timestamps, which samples do not have.
const WITH_START_TIMESTAMPS: [&str; 1] = ["start_timestamps.test"];

/// Evaluations of Prometheus's scripts whose answers samples change: a histogram that says
/// that its counter was not reset says nothing of that as the first one of a chunk, and
/// what came as samples is chunks in quarrel. See docs/remote-read.md.
const WITHOUT_HINTS: usize = 7;

async fn serve(storage: Arc<dyn Storage>, form: ResponseForm) -> Arc<dyn Storage> {
    let running = FakeRemote::over(storage).start().await;
    let mut config = RemoteReadConfig::new(running.url());
    config.forms = vec![form];
    Served::new(RemoteRead::new(config).unwrap(), running)
}

/// Runs all scripts but some. So many evaluations of Prometheus's own differ.
fn scripts(form: ResponseForm, without: &[&str], differ: usize) {
    let (summary, has_theirs) = connector::run(move |storage| serve(storage, form), without);
    let differ = if has_theirs { differ } else { 0 };
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
