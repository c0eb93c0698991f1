//! What is known of the replicas in a neighbourhood: their parts, which clocks they
//! have, and how long the intervals usually are.

use std::ops::Range;

use super::Replica;
use super::block::{Block, seek, seek_past};

/// The usual interval where no replica has two samples, ms: one block before and
/// one behind a sample belong to it.
const UNKNOWN_INTERVAL_MS: i64 = 2 * super::BLOCK_MS;

/// One in so many intervals may be shorter than the usual one. Where replicas
/// have lost samples, most intervals may be longer; where they restart, some are
/// shorter.
const SHORTER_INTERVALS: usize = 6;

/// One in so many timestamps of the sparser of two replicas with one clock is in
/// common. Replicas that scrape have next to none in common, receivers that
/// replicate nearly all.
const COMMON_TIMESTAMPS: usize = 4;

/// A replica's part of a neighbourhood.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// The replica, by its number.
    pub replica: usize,
    /// The first replica that has the same clock.
    pub clock: usize,
    /// Its samples in the neighbourhood.
    pub all: Range<usize>,
    /// Its samples in the block.
    pub own: Range<usize>,
}

/// The parts of a neighbourhood, one behind the other in time.
#[derive(Debug, Default)]
pub(super) struct Neighbourhood {
    /// Of the replicas that have samples there, in their order.
    pub parts: Vec<Part>,
    /// Where each replica's part begins, from where the next one is looked for.
    begins: Vec<usize>,
    intervals: Vec<i64>,
}

impl Neighbourhood {
    /// Begins before all blocks.
    pub fn begin(&mut self, replicas: &[Replica<'_>]) {
        self.begins.clear();
        self.begins.resize(replicas.len(), 0);
    }

    /// Moves to a block, which is later than the one before.
    pub fn move_to(&mut self, block: Block, replicas: &[Replica<'_>]) {
        let ((from, to), (first, last)) = (block.neighbourhood(), block.range());
        self.parts.clear();
        for (replica, (begin, of)) in self.begins.iter_mut().zip(replicas).enumerate() {
            let times = of.samples;
            *begin = seek(times, *begin, from);
            let own = seek(times, *begin, first);
            let own = own..seek_past(times, own, last);
            let all = *begin..seek_past(times, own.end, to);
            if !all.is_empty() {
                self.parts.push(Part {
                    replica,
                    clock: replica,
                    all,
                    own,
                });
            }
        }
    }

    /// Finds the clock of each part; tells whether all have the same.
    pub fn find_clocks(&mut self, replicas: &[Replica<'_>]) -> bool {
        let times = |part: &Part| &replicas[part.replica].samples[part.all.clone()];
        for number in 1..self.parts.len() {
            let own = times(&self.parts[number]);
            let mut before = self.parts[..number].iter();
            let same = before.find(|part| have_one_clock(times(part), own));
            if let Some(clock) = same.map(|part| part.clock) {
                self.parts[number].clock = clock;
            }
        }
        let first = self.parts.first().map(|part| part.clock);
        self.parts.iter().all(|part| Some(part.clock) == first)
    }

    /// The shortest interval of all parts, ms.
    pub fn shortest_interval(&self, replicas: &[Replica<'_>]) -> Option<i64> {
        let shortest = |part| intervals(part, replicas).min();
        self.parts.iter().filter_map(shortest).min()
    }

    /// The usual interval, ms.
    pub fn usual_interval(&mut self, replicas: &[Replica<'_>]) -> i64 {
        if let Some(shortest) = self.shortest_interval(replicas)
            && self.is_usual(shortest, replicas)
        {
            return shortest;
        }
        self.intervals.clear();
        for part in &self.parts {
            self.intervals.extend(intervals(part, replicas));
        }
        usual(&mut self.intervals)
    }

    /// Whether so many intervals are the shortest one that it is the usual one, as
    /// where samples are equally spaced.
    fn is_usual(&self, shortest: i64, replicas: &[Replica<'_>]) -> bool {
        let (mut all, mut shortest_ones) = (0, 0);
        for part in &self.parts {
            all += part.all.len() - 1;
            let same = intervals(part, replicas).map(|i| usize::from(i == shortest));
            shortest_ones += same.sum::<usize>();
        }
        shortest_ones > all.saturating_sub(1) / SHORTER_INTERVALS
    }
}

/// The intervals of a part, ms.
fn intervals<'a>(part: &Part, replicas: &[Replica<'a>]) -> impl Iterator<Item = i64> + 'a {
    let times = &replicas[part.replica].samples[part.all.clone()];
    times.windows(2).map(|pair| pair[1] - pair[0])
}

/// The usual one of some intervals, ms.
pub(super) fn usual(intervals: &mut [i64]) -> i64 {
    let Some(last) = intervals.len().checked_sub(1) else {
        return UNKNOWN_INTERVAL_MS;
    };
    *intervals.select_nth_unstable(last / SHORTER_INTERVALS).1
}

/// Whether an interval is a gap, where `usual` is the usual one.
pub(super) fn is_gap(from: i64, to: i64, usual: i64) -> bool {
    let interval = i128::from(to) - i128::from(from);
    2 * interval > 3 * i128::from(usual)
}

/// Whether two replicas have so many timestamps in common that they have one clock.
fn have_one_clock(a: &[i64], b: &[i64]) -> bool {
    let needed = a.len().min(b.len()).div_ceil(COMMON_TIMESTAMPS);
    if a == b {
        return true;
    }
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < a.len() && j < b.len() && common < needed {
        let (x, y) = (a[i], b[j]);
        common += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    common >= needed
}
