//! One series out of the samples of several replicas: which of them count.
//!
//! Replicas are in an order of preference. Time is cut into absolute blocks of
//! [`BLOCK_MS`]; what counts in a block is a function of the samples in it and in
//! its two neighbours, so that it is the same wherever a query begins or ends.
//!
//! 1. Replicas that have a quarter of the timestamps of the sparser one in common
//!    have the same clock, that of the first of them. The samples of one clock are
//!    united; of equal timestamps, the first replica's counts.
//! 2. The *usual interval* is such that a sixth of the intervals between
//!    neighbouring samples of all replicas is not longer; 20 minutes if there is
//!    none.
//! 3. The samples of the first clock count. Those of each next one count in the
//!    gaps of what counts already: between neighbours `a` and `b` that are more
//!    than one and a half usual intervals apart, from half an interval after `a` to
//!    half an interval before `b`. Before the first and after the last sample of a
//!    neighbourhood is a gap, too.
//! 4. A stale marker counts unless a replica runs on: has a sample at that time, or
//!    one before and one behind that no gap and no marker of its own parts.
//!
//! [`lift`] is what counters need besides; [`penalty`] is Thanos's algorithm.

mod block;
mod lift;
#[cfg(test)]
mod naive;
mod neighbourhood;
mod penalty;
mod stale;
#[cfg(test)]
mod tests;
mod unite;

pub use block::BLOCK_MS;
pub use lift::{CounterValues, Lift, lift};
pub use penalty::{FloatValues, PenaltySample, penalty};
pub use stale::{StaleMarker, stale_markers};
pub use unite::{Run, Scratch, unite};

use block::Block;

/// How far samples are looked at on both sides of a range, ms, whatever is asked
/// for: three blocks.
pub const REACH_MS: i64 = 3 * BLOCK_MS;

/// The samples that a closed range of time depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Where those that count are looked for, so that those in the range can be
    /// lifted.
    pub counting: (i64, i64),
    /// Where the replicas' samples are looked at.
    pub samples: (i64, i64),
}

impl Reach {
    /// That of the range `from..=to`, of a counter or another series.
    pub fn of((from, to): (i64, i64), is_counter: bool) -> Self {
        let (before, neighbours) = if is_counter { (BLOCK_MS, 2) } else { (0, 1) };
        let samples = |time: i64| Block::of(time).with_neighbours(neighbours);
        Reach {
            counting: (from.saturating_sub(before), to),
            samples: (samples(from).0, samples(to).1),
        }
    }
}

/// The samples of one replica.
#[derive(Clone, Copy, Debug, Default)]
pub struct Replica<'a> {
    /// The times of its samples but for stale markers, ms, strictly ascending.
    pub samples: &'a [i64],
    /// The times of its stale markers, ms, strictly ascending; none is that of a
    /// sample.
    pub stale: &'a [i64],
}

/// A sample of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The replica, by its number.
    pub replica: usize,
    /// The sample, by its number in [`Replica::samples`].
    pub index: usize,
}
