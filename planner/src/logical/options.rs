//! For which times and under which options a query is planned.

use std::sync::Arc;

use super::Grid;
use super::times::canonical;
use crate::ast::AtModifier;

/// For which times a query is planned. All times are ms since the epoch.
#[derive(Clone)]
pub struct PlanOptions {
    /// The first evaluation time.
    pub start_ms: i64,
    /// The last evaluation time may not be later.
    pub end_ms: i64,
    /// The distance of two evaluation times, ms; 0 for an instant query at
    /// `start_ms`.
    pub step_ms: i64,
    /// How long a sample stays visible to an instant selector, ms.
    pub lookback_delta_ms: i64,
    /// The step of a subquery that gives none, ms, from its range, ms.
    pub subquery_step: Arc<dyn Fn(i64) -> i64 + Send + Sync>,
    /// Whether functions of counters look at start timestamps.
    pub use_start_timestamps: bool,
    /// Whether there may be downsampled data, so that selectors read what the
    /// function or aggregator right above them wants of it.
    pub downsampled: bool,
}

impl std::fmt::Debug for PlanOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanOptions")
            .field("start_ms", &self.start_ms)
            .field("end_ms", &self.end_ms)
            .field("step_ms", &self.step_ms)
            .field("lookback_delta_ms", &self.lookback_delta_ms)
            .field("use_start_timestamps", &self.use_start_timestamps)
            .field("downsampled", &self.downsampled)
            .finish_non_exhaustive()
    }
}

impl PlanOptions {
    /// Whether the query asks for one time.
    pub fn is_instant(&self) -> bool {
        self.step_ms <= 0
    }

    /// The time that `@` fixes in a prepared tree, ms.
    pub(super) fn at(&self, at: Option<AtModifier>) -> Option<i64> {
        match at? {
            AtModifier::Timestamp(ms) => Some(ms),
            AtModifier::End if !self.is_instant() => Some(self.end_ms),
            AtModifier::Start | AtModifier::End => Some(self.start_ms),
        }
    }

    /// The query's evaluation times.
    pub fn grid(&self) -> Grid {
        canonical(if self.is_instant() {
            Grid::instant(self.start_ms)
        } else {
            Grid::range(self.start_ms, self.end_ms, self.step_ms)
        })
    }
}
