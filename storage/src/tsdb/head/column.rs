//! The samples that a series is still growing by.
//!
//! The reader appends while views read: a view holds the cells and how many
//! of the samples it may see. Cells are relaxed atomics, which cost nothing
//! over plain memory here; whoever hands the length to a view also publishes
//! the cells below it. A sample's parts stand side by side, so that appending
//! touches one cache line of the many that a scrape of many series touches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Samples that a series' first cells hold.
const FIRST_CAPACITY: usize = 16;
/// Samples that a Prometheus chunk should have. Where it ends is as there,
/// but for a limit in bytes: at multiples of two hours, at which blocks end,
/// too, and between them so that all chunks will be about the same.
pub(super) const TARGET: usize = 120;
/// Length of the blocks that Prometheus makes from a head, ms.
const BLOCK_RANGE: i64 = 2 * 3600 * 1000;

/// The end of the block range that a time is in, ms.
pub(super) fn end_of_range(timestamp: i64) -> i64 {
    (timestamp / BLOCK_RANGE * BLOCK_RANGE).saturating_add(BLOCK_RANGE)
}

/// Float samples in order of time, seen up to a length.
#[derive(Clone, Debug)]
pub(super) struct OpenFloats {
    /// Timestamp, value and, where there is any, start timestamp by turns.
    cells: Arc<[AtomicU64]>,
    length: u32,
    /// Cells of one sample: two or three.
    width: u32,
}

fn cells(count: usize) -> Arc<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

impl OpenFloats {
    /// No samples yet; start timestamps are kept if asked for. A series that
    /// has filled cells before will do so again.
    pub fn new(with_start: bool, will_fill: bool) -> Self {
        let width = 2 + usize::from(with_start);
        let capacity = if will_fill { TARGET } else { FIRST_CAPACITY };
        OpenFloats {
            cells: cells(capacity * width),
            length: 0,
            width: width as u32,
        }
    }

    pub fn len(&self) -> usize {
        self.length as usize
    }

    /// Times of the first and the last sample; for one sample or more.
    pub fn range(&self) -> (i64, i64) {
        (self.timestamp(0), self.timestamp(self.len() - 1))
    }

    /// Whether a sample shall be added here rather than to a new chunk, which
    /// begins at `next_chunk_at`. That is set anew when there are enough
    /// samples to guess how many will come until the end of the block range.
    #[inline]
    pub fn has_room(&self, timestamp: i64, last_time: i64, next_chunk_at: &mut i64) -> bool {
        if self.len() == TARGET / 4 {
            *next_chunk_at = self.guess_end(last_time, *next_chunk_at);
        }
        timestamp < *next_chunk_at && self.len() < 2 * TARGET
    }

    #[cold]
    fn guess_end(&self, last_time: i64, end: i64) -> i64 {
        let first = self.timestamp(0);
        let left = end.saturating_sub(first) as f64;
        let quarter = last_time.saturating_sub(first).saturating_add(1) as f64;
        let chunks = left / (quarter * 4.0);
        if chunks <= 1.0 {
            return end;
        }
        (first as f64 + left / chunks.floor()) as i64
    }

    pub fn has_start(&self) -> bool {
        self.width == 3
    }

    /// Appends a sample. Only the reader may, on its own longest view.
    #[inline]
    pub fn push(&mut self, start: i64, timestamp: i64, value: f64) {
        let at = self.len() * self.width as usize;
        if at == self.cells.len() {
            self.grow();
        }
        self.cells[at].store(timestamp as u64, Relaxed);
        self.cells[at + 1].store(value.to_bits(), Relaxed);
        if self.has_start() {
            self.cells[at + 2].store(start as u64, Relaxed);
        }
        self.length += 1;
    }

    #[cold]
    fn grow(&mut self) {
        let larger = cells((self.cells.len() * 2).max(TARGET * self.width as usize));
        for (to, from) in larger.iter().zip(self.cells.iter()) {
            to.store(from.load(Relaxed), Relaxed);
        }
        self.cells = larger;
    }

    pub fn timestamp(&self, i: usize) -> i64 {
        self.cells[i * self.width as usize].load(Relaxed) as i64
    }

    fn samples(&self) -> impl Iterator<Item = &[AtomicU64]> {
        self.cells
            .chunks_exact(self.width as usize)
            .take(self.len())
    }

    pub fn timestamps(&self) -> Vec<i64> {
        self.samples().map(|s| s[0].load(Relaxed) as i64).collect()
    }

    pub fn values(&self) -> Vec<f64> {
        self.samples()
            .map(|s| f64::from_bits(s[1].load(Relaxed)))
            .collect()
    }

    /// Start timestamp, timestamp and value of each sample.
    pub fn iter(&self) -> impl Iterator<Item = (i64, i64, f64)> + '_ {
        self.samples().map(|s| {
            (
                s.get(2).map_or(0, |start| start.load(Relaxed) as i64),
                s[0].load(Relaxed) as i64,
                f64::from_bits(s[1].load(Relaxed)),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_keeps_what_it_saw_while_the_cells_grow() {
        for with_start in [true, false] {
            let mut open = OpenFloats::new(with_start, false);
            let mut views = Vec::new();
            for i in 0..300 {
                views.push(open.clone());
                open.push(i - 1, i * 10, i as f64);
            }
            for (n, view) in views.iter().enumerate() {
                assert_eq!(
                    view.timestamps(),
                    (0..n as i64).map(|i| i * 10).collect::<Vec<_>>()
                );
                assert_eq!(view.values(), (0..n).map(|i| i as f64).collect::<Vec<_>>());
                let start = |i: usize| if with_start { i as i64 - 1 } else { 0 };
                assert!(view.iter().enumerate().all(|(i, s)| s.0 == start(i)));
            }
            assert_eq!(open.has_start(), with_start);
            assert_eq!(open.len(), 300);
        }
    }
}
