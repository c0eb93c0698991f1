//! What a query cost.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::exec::context::Counters;

/// Wall times of a query's phases and counts of what it touched.
#[derive(Clone, Debug, Default)]
pub struct QueryStats {
    /// Waiting for a place.
    pub queue: Duration,
    /// Planning, selecting and binding.
    pub prepare: Duration,
    /// Computing.
    pub evaluate: Duration,
    /// Bringing the answer into shape.
    pub result: Duration,
    /// Samples in windows, each counted once for each step whose window
    /// holds it.
    pub total_queryable_samples: u64,
    /// The most samples alive at once.
    pub peak_samples: u64,
    /// Samples decoded.
    pub decoded_samples: u64,
    /// Encoded bytes read.
    pub decoded_bytes: u64,
    /// Series selected.
    pub series: u64,
}

impl QueryStats {
    pub(crate) fn take_counters(&mut self, counters: &Counters) {
        self.total_queryable_samples = counters.queryable_samples.load(Ordering::Relaxed);
        self.peak_samples = counters.peak_samples.load(Ordering::Relaxed);
        self.decoded_samples = counters.decoded_samples.load(Ordering::Relaxed);
        self.decoded_bytes = counters.decoded_bytes.load(Ordering::Relaxed);
        self.series = counters.series.load(Ordering::Relaxed);
    }

    /// From the queue to the answer.
    pub fn total(&self) -> Duration {
        self.queue + self.prepare + self.evaluate + self.result
    }
}
