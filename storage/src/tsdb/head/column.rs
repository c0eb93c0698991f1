//! The open float chunk of a series.
//!
//! The reader appends while views read: a view holds the cells and the number of
//! samples that it may see. Cells are relaxed atomics, which are as fast as plain
//! memory here; handing the length to a view also publishes the cells below it.
//! The parts of a sample are adjacent, so that an append touches one cache line.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Capacity of the first cells of a series, in samples.
const FIRST_CAPACITY: usize = 16;
/// Target number of samples in a chunk. Chunks end as in Prometheus except for
/// its limit in bytes: at multiples of two hours, where blocks end, and between
/// them such that all chunks have about the same length.
pub(super) const TARGET: usize = 120;
/// Length of the blocks that Prometheus makes from a head, ms.
const BLOCK_RANGE: i64 = 2 * 3600 * 1000;

/// The end of the block range of a timestamp, ms.
pub(super) fn end_of_range(timestamp: i64) -> i64 {
    (timestamp / BLOCK_RANGE * BLOCK_RANGE).saturating_add(BLOCK_RANGE)
}

/// Float samples in order of time, visible up to a length.
#[derive(Clone, Debug)]
pub(super) struct OpenFloats {
    /// For each sample timestamp, value and, if kept, start timestamp.
    cells: Arc<[AtomicU64]>,
    length: u32,
    /// Number of cells of a sample, two or three.
    width: u32,
}

fn cells(count: usize) -> Arc<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

impl OpenFloats {
    /// An empty chunk. With `will_fill` it has the capacity of a full one, for a
    /// series that has filled a chunk before.
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

    /// Times of the first and the last sample of a chunk that is not empty.
    pub fn range(&self) -> (i64, i64) {
        (self.timestamp(0), self.timestamp(self.len() - 1))
    }

    /// Whether a sample belongs to this chunk instead of a new one, which begins
    /// at `next_chunk_at`. Updates that time when there are enough samples to
    /// estimate their number until the end of the block range.
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

    /// Appends a sample. Only the reader calls it, on the longest view.
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
    fn a_view_does_not_change_while_the_cells_grow() {
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
