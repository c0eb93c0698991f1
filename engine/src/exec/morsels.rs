//! Morsels: fixed runs of consecutive series, handed out to partitions.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::batch::TARGET_ITEMS;

/// The most series in a morsel: with few steps a series costs its chunk's
/// decoding, and a query must be able to give way often enough.
const MAX_SERIES: usize = 256;

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
    /// The morsels of `rows` rows of `steps` steps, for `partitions` takers.
    /// Their size depends on the steps alone, so that answers do not depend on
    /// the number of threads.
    pub fn new(rows: usize, steps: usize, partitions: usize) -> Self {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        Morsels {
            next: AtomicU32::new(0),
            count: Self::count_of(rows as usize, steps),
            size: size(steps),
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

    /// How many morsels `rows` rows of `steps` steps are.
    pub fn count_of(rows: usize, steps: usize) -> u32 {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        rows.div_ceil(size(steps))
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

/// The rows of a morsel, of `steps` steps each.
fn size(steps: usize) -> u32 {
    (TARGET_ITEMS / steps.max(1)).clamp(1, MAX_SERIES) as u32
}
