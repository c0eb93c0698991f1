//! The samples that a series is still growing by.
//!
//! The reader appends while views read: a view holds the columns and how
//! many of their samples it may see. Cells are relaxed atomics, which cost
//! nothing over plain memory here; whoever hands the length to a view also
//! publishes the cells below it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// Cells of a series' first columns.
const FIRST_CAPACITY: usize = 16;
/// Samples after which columns are full; a Prometheus chunk has as many.
pub(super) const FULL: usize = 120;

/// Timestamps, values, and start timestamps where there are any.
#[derive(Debug)]
pub(super) struct Columns {
    timestamps: Box<[AtomicI64]>,
    values: Box<[AtomicU64]>,
    starts: Box<[AtomicI64]>,
}

impl Columns {
    fn new(capacity: usize, with_start: bool) -> Self {
        Columns {
            timestamps: (0..capacity).map(|_| AtomicI64::new(0)).collect(),
            values: (0..capacity).map(|_| AtomicU64::new(0)).collect(),
            starts: (0..if with_start { capacity } else { 0 })
                .map(|_| AtomicI64::new(0))
                .collect(),
        }
    }

    fn grown(&self, length: usize, capacity: usize) -> Self {
        let new = Columns::new(capacity, !self.starts.is_empty());
        for i in 0..length {
            new.timestamps[i].store(self.timestamps[i].load(Relaxed), Relaxed);
            new.values[i].store(self.values[i].load(Relaxed), Relaxed);
        }
        for i in 0..length.min(self.starts.len()) {
            new.starts[i].store(self.starts[i].load(Relaxed), Relaxed);
        }
        new
    }
}

/// Float samples in order of time, seen up to a length.
#[derive(Clone, Debug)]
pub(super) struct OpenFloats {
    columns: Arc<Columns>,
    length: u32,
}

impl OpenFloats {
    /// Empty columns; start timestamps are kept if asked for.
    pub fn new(with_start: bool) -> Self {
        OpenFloats {
            columns: Arc::new(Columns::new(FIRST_CAPACITY, with_start)),
            length: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.length as usize
    }

    pub fn is_full(&self) -> bool {
        self.len() >= FULL
    }

    pub fn has_start(&self) -> bool {
        !self.columns.starts.is_empty()
    }

    /// Appends a sample. Only the reader may, on its own longest view.
    pub fn push(&mut self, start: i64, timestamp: i64, value: f64) {
        let i = self.len();
        if i == self.columns.timestamps.len() {
            let capacity = if i >= FULL / 4 {
                FULL.max(i + i / 2)
            } else {
                i * 2
            };
            self.columns = Arc::new(self.columns.grown(i, capacity));
        }
        self.columns.timestamps[i].store(timestamp, Relaxed);
        self.columns.values[i].store(value.to_bits(), Relaxed);
        if let Some(cell) = self.columns.starts.get(i) {
            cell.store(start, Relaxed);
        }
        self.length += 1;
    }

    pub fn timestamp(&self, i: usize) -> i64 {
        self.columns.timestamps[i].load(Relaxed)
    }

    pub fn timestamps(&self) -> Vec<i64> {
        self.columns.timestamps[..self.len()]
            .iter()
            .map(|t| t.load(Relaxed))
            .collect()
    }

    pub fn values(&self) -> Vec<f64> {
        self.columns.values[..self.len()]
            .iter()
            .map(|v| f64::from_bits(v.load(Relaxed)))
            .collect()
    }

    /// Start timestamp, timestamp and value of each sample.
    pub fn iter(&self) -> impl Iterator<Item = (i64, i64, f64)> + '_ {
        (0..self.len()).map(|i| {
            (
                self.columns.starts.get(i).map_or(0, |s| s.load(Relaxed)),
                self.timestamp(i),
                f64::from_bits(self.columns.values[i].load(Relaxed)),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_keeps_what_it_saw_while_the_columns_grow() {
        let mut open = OpenFloats::new(true);
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
            assert!(view.iter().enumerate().all(|(i, s)| s.0 == i as i64 - 1));
        }
        assert!(!OpenFloats::new(false).has_start());
        assert!(open.is_full());
    }
}
