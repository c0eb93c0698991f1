//! The calls of a connection, counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The calls that a connection has now.
#[derive(Debug, Default)]
pub(super) struct Running {
    now: AtomicUsize,
    /// Calls that began so far.
    begun: AtomicUsize,
}

/// A call, until it is dropped.
#[derive(Debug)]
pub(super) struct RunningCall(Arc<Running>);

impl Running {
    pub(super) fn begin(self: &Arc<Self>) -> RunningCall {
        self.now.fetch_add(1, Relaxed);
        self.begun.fetch_add(1, Relaxed);
        RunningCall(Arc::clone(self))
    }
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Relaxed);
    }
}

/// Waits until the connection has had no call for some time.
pub(super) async fn idle(running: &Running, limit: Duration) {
    let mut begun = 0;
    loop {
        sleep_until(Instant::now() + limit).await;
        let before = std::mem::replace(&mut begun, running.begun.load(Relaxed));
        if running.now.load(Relaxed) == 0 && before == begun {
            return;
        }
    }
}
