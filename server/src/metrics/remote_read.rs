//! Requests of remote read, under the names of Prometheus's handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use super::{Histogram, Metrics, head, single};

/// The counters of remote read.
#[derive(Debug, Default)]
pub(super) struct HandlerMetrics {
    queries: AtomicI64,
    waits: Histogram,
}

impl HandlerMetrics {
    pub(super) fn write(&self, out: &mut String) {
        single(
            out,
            "prometheus_remote_read_handler_queries",
            "gauge",
            "The current number of remote read queries that are in execution.",
            self.queries.load(Relaxed),
        );
        let name = "prometheus_remote_read_handler_gate_wait_duration_seconds";
        let help = "How long a remote read request spent waiting for the concurrency gate.";
        head(out, name, "histogram", help);
        self.waits.write(out, name, "");
    }
}

/// Counts a request until it is dropped.
#[derive(Debug)]
pub(crate) struct RemoteReadTimer(Arc<Metrics>);

impl Metrics {
    /// Counts a request that has waited for so long.
    pub(crate) fn remote_read(self: &Arc<Self>, waited: Duration) -> RemoteReadTimer {
        self.remote_read.waits.observe(waited);
        self.remote_read.queries.fetch_add(1, Relaxed);
        RemoteReadTimer(Arc::clone(self))
    }
}

impl Drop for RemoteReadTimer {
    fn drop(&mut self) {
        self.0.remote_read.queries.fetch_sub(1, Relaxed);
    }
}
