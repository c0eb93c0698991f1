//! What a query cost.

use std::sync::atomic::Ordering;
use std::time::Duration;

use quarrel_functions::grid::Grid;

use crate::exec::context::Counters;
use crate::exec::step_counts::{StepCounts, StepSamples};

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
    /// Samples decoded; with counts by step, those that Prometheus says it read.
    pub decoded_samples: u64,
    /// Encoded bytes read.
    pub decoded_bytes: u64,
    /// Series selected.
    pub series: u64,
    /// The samples of each step, if the query asked for them.
    pub per_step: Option<PerStepStats>,
}

/// Samples by step, counted as Prometheus counts them: as if each step were a
/// query of its own. Subqueries count what they look at, not what they give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PerStepStats {
    /// The first step, ms.
    pub start_ms: i64,
    /// The distance of two steps, ms.
    pub step_ms: i64,
    /// Samples in the windows of each step.
    pub total_queryable_samples: Vec<u64>,
    /// Samples of each step that no earlier step looked at.
    pub samples_read: Vec<u64>,
}

impl QueryStats {
    pub(crate) fn take_counters(&mut self, counters: &Counters) {
        self.total_queryable_samples = counters.queryable_samples.load(Ordering::Relaxed);
        self.peak_samples = counters.peak_samples.load(Ordering::Relaxed);
        self.decoded_samples = counters.decoded_samples.load(Ordering::Relaxed);
        self.decoded_bytes = counters.decoded_bytes.load(Ordering::Relaxed);
        self.series = counters.series.load(Ordering::Relaxed);
    }

    /// Takes counts by step, which the counts of the whole query then follow.
    pub(crate) fn take_steps(&mut self, counts: &StepCounts, grid: Grid) {
        let StepSamples { total, read } = counts.of_query(grid.len);
        self.total_queryable_samples = total.iter().sum();
        self.decoded_samples = read.iter().sum();
        self.per_step = Some(PerStepStats {
            start_ms: grid.start_ms,
            step_ms: grid.step_ms,
            total_queryable_samples: total,
            samples_read: read,
        });
    }

    /// From the queue to the answer.
    pub fn total(&self) -> Duration {
        self.queue + self.prepare + self.evaluate + self.result
    }
}
