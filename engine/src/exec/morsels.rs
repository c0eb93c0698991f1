//! Morsels: fixed runs of consecutive series, handed out to partitions.
//!
//! Their size depends on the query alone, never on threads, so that answers do
//! not either. What it is bad at: samples that lie far more than a minute apart,
//! or chunks that no window touches, make morsels smaller than need be.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::batch::TARGET_ITEMS;

/// The most series in a morsel: with few steps a series costs its chunk's
/// decoding, and a query must be able to give way often enough.
const MAX_SERIES: usize = 256;

/// How far apart the samples of a series are taken to be, ms: the plan knows
/// what time they span, and not how many they are.
const SAMPLE_MS: u64 = 60_000;

/// Morsels of a scan whose rows span long times: more than that are not made for
/// the samples that lie between steps. Most of many rows may be short-lived.
const FOR_SAMPLES: usize = 64;

/// What a row of a scan costs: a step, or a sample, is one item.
#[derive(Clone, Copy, Debug)]
pub struct RowItems {
    steps: usize,
    samples: usize,
}

impl RowItems {
    /// Of `steps` steps, for which samples of `time_range` are read, ms. Where
    /// steps are far apart, what lies between them counts: a few series of a
    /// long time have all threads.
    pub fn new(steps: usize, time_range: (i64, i64)) -> Self {
        let (start, end) = time_range;
        let spanned_ms = if start < end { end.abs_diff(start) } else { 0 };
        let samples = usize::try_from(spanned_ms / SAMPLE_MS).unwrap_or(usize::MAX);
        RowItems { steps, samples }
    }

    /// How many of `all` rows a morsel has.
    fn rows(self, all: u32) -> u32 {
        let filled_by = |items: usize| TARGET_ITEMS / items.max(1);
        let few = filled_by(self.samples).max((all as usize).div_ceil(FOR_SAMPLES));
        filled_by(self.steps).min(few).clamp(1, MAX_SERIES) as u32
    }
}

/// Which morsel each partition works on, and the next one to take.
#[derive(Debug)]
pub struct Morsels {
    next: AtomicU32,
    count: u32,
    size: u32,
    rows: u32,
    current: Vec<AtomicU32>,
}

impl Morsels {
    /// The morsels of `rows` rows of `items` each, for `partitions` takers.
    pub fn new(rows: usize, items: RowItems, partitions: usize) -> Self {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        Morsels {
            next: AtomicU32::new(0),
            count: Self::count_of(rows as usize, items),
            size: items.rows(rows),
            rows,
            current: (0..partitions.max(1)).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// The same morsels, for rows that were kept: nobody takes them, each batch
    /// says which one it is of.
    pub fn replayed(&self) -> Self {
        Morsels {
            next: AtomicU32::new(self.count),
            current: self.current.iter().map(|_| AtomicU32::new(0)).collect(),
            ..*self
        }
    }

    /// Says of which morsel the next batch of a partition is.
    pub fn set_current(&self, partition: usize, morsel: u32) {
        self.current[partition].store(morsel, Ordering::Release);
    }

    /// How many morsels `rows` rows of `items` each are.
    pub fn count_of(rows: usize, items: RowItems) -> u32 {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        rows.div_ceil(items.rows(rows))
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How many partitions take them.
    pub fn partitions(&self) -> usize {
        self.current.len()
    }

    /// Takes the next morsel for a partition: its range of rows.
    pub fn take(&self, partition: usize) -> Option<Range<u32>> {
        let morsel = self.next.fetch_add(1, Ordering::Relaxed);
        if morsel >= self.count {
            return None;
        }
        self.current[partition].store(morsel, Ordering::Release);
        let start = morsel * self.size;
        Some(start..start.saturating_add(self.size).min(self.rows))
    }

    /// The morsel that a partition took last; its latest batch belongs to it.
    pub fn current(&self, partition: usize) -> u32 {
        self.current[partition].load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn a_morsel_has_rows_by_their_steps_or_by_the_time_they_span() {
        let rows = |steps, hours| RowItems::new(steps, (0, hours * HOUR_MS)).rows(10);
        assert_eq!(rows(1, 0), 256);
        assert_eq!(rows(241, 2), 67);
        assert_eq!(rows(1440, 30 * 24), 1);
        assert_eq!(rows(121, 24), 11);
        assert_eq!(RowItems::new(1, (i64::MIN, i64::MAX)).rows(10), 1);
        assert_eq!(RowItems::new(1, (HOUR_MS, 0)).rows(10), 256);
        let ten_days = RowItems::new(1000, (0, 240 * HOUR_MS));
        assert_eq!(Morsels::count_of(10, ten_days), 10);
        // Of very many rows none is cut for that.
        assert_eq!(ten_days.rows(1_000_000), 16);
        assert_eq!(ten_days.rows(400), 7);
    }
}
