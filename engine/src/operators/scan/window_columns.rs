//! The columns that downsampled chunks are decoded to, how long their windows are, and
//! what can be wrong with them.

use quarrel_chunks::ChunkError;
use quarrel_functions::table::Aggregate;

use super::counters::Counters;
use crate::storage::{Chunk, ChunkData, TimeRange};

/// The finer of Thanos's resolutions, ms.
pub(super) const FINE_MS: i64 = 5 * 60 * 1000;
/// The coarser of Thanos's resolutions, ms: no window is longer.
pub(super) const COARSE_MS: i64 = 60 * 60 * 1000;

/// What is wrong with a downsampled chunk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AggregatesError {
    /// The store was asked for an aggregate and has not given it.
    #[error("no {} of its windows", .0.name())]
    Missing(Aggregate),
    /// An aggregate that cannot be decoded.
    #[error("{}: {error}", aggregate.name())]
    Chunk {
        /// Which one.
        aggregate: Aggregate,
        /// Why.
        error: ChunkError,
    },
    /// Windows that are not in order of time.
    #[error("{}: windows out of order", .0.name())]
    Order(Aggregate),
    /// Numbers of samples and sums that are not of the same windows.
    #[error("count and sum of different windows")]
    Apart,
}

/// What downsampled chunks are decoded to, and memory for it.
#[derive(Debug, Default)]
pub(super) struct AggregateScratch {
    pub(super) timestamps: Vec<i64>,
    pub(super) values: Vec<f64>,
    pub(super) counters: Counters,
}

impl AggregateScratch {
    /// Bytes that the columns hold.
    pub(super) fn bytes(&self) -> usize {
        (self.timestamps.capacity() + self.values.capacity()) * 8 + self.counters.bytes()
    }
}

/// The range in which samples decide about windows of `range`, if chunks have
/// any: a sample may lie at the other end of a window.
pub(super) fn reach_of_windows(chunks: &[Chunk], range: TimeRange) -> Option<TimeRange> {
    let reach = TimeRange {
        start: range.start.saturating_sub(COARSE_MS),
        end: range.end.saturating_add(COARSE_MS),
    };
    let has_windows = |chunk: &Chunk| {
        matches!(chunk.data, ChunkData::Aggregates(_))
            && reach.overlaps(chunk.min_time, chunk.max_time)
    };
    chunks.iter().any(has_windows).then_some(reach)
}

/// How long the windows of a chunk are, ms. All but the last one, which may end
/// with the chunk, end with their hour or their five minutes.
pub(super) fn resolution_of(times: &[i64]) -> i64 {
    let whole = match times {
        [] | [_] => times,
        [whole @ .., _] => whole,
    };
    let hourly = |&time: &i64| (time.wrapping_add(1)).rem_euclid(COARSE_MS) == 0;
    match whole.iter().all(hourly) {
        true => COARSE_MS,
        false => FINE_MS,
    }
}
