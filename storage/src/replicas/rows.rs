//! The samples of united rows.

use std::ops::Range;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt, try_join_all};
use quarrel_engine::storage::{Chunk, SeriesSource, StorageError};

/// Rows that are each made of some rows of a store.
pub(super) struct Rows {
    inner: Arc<dyn SeriesSource>,
    /// The rows of the store, row by row.
    rows: Vec<u32>,
    /// Where the rows of each row end in `rows`.
    ends: Vec<u32>,
}

impl Rows {
    pub fn new(inner: Arc<dyn SeriesSource>, rows: Vec<u32>, ends: Vec<u32>) -> Self {
        Rows { inner, rows, ends }
    }

    /// The rows of the store that some rows are made of.
    fn of(&self, rows: Range<u32>) -> &[u32] {
        let end = |row: u32| {
            row.checked_sub(1)
                .and_then(|row| self.ends.get(row as usize))
        };
        let start = end(rows.start).map_or(0, |&end| end as usize);
        let end = end(rows.end).map_or(0, |&end| end as usize);
        self.rows.get(start..end).unwrap_or_default()
    }

    /// These as ranges.
    fn ranges(&self, rows: Range<u32>) -> Vec<Range<u32>> {
        let mut inner = self.of(rows).to_vec();
        inner.sort_unstable();
        let runs = inner.chunk_by(|a, b| *a + 1 == *b);
        runs.filter_map(|run| Some(*run.first()?..*run.last()? + 1))
            .collect()
    }
}

impl SeriesSource for Rows {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        if row as usize >= self.ends.len() {
            let rows = self.ends.len();
            return Err(StorageError::Other(format!("row {row} of {rows} series")));
        }
        let mut next = 0;
        for &inner in self.of(row..row + 1) {
            let from = out.len();
            self.inner.chunks(inner, out)?;
            let first = next;
            for chunk in &mut out[from..] {
                // The store may have replicas of its own.
                chunk.replica = chunk.replica.saturating_add(first);
                next = next.max(chunk.replica.saturating_add(1));
            }
        }
        Ok(())
    }

    fn prefetch(&self, rows: Range<u32>) -> Option<BoxFuture<'static, Result<(), StorageError>>> {
        let ranges = self.ranges(rows).into_iter();
        let fetches: Vec<_> = ranges
            .filter_map(|range| self.inner.prefetch(range))
            .collect();
        if fetches.is_empty() {
            return None;
        }
        Some(try_join_all(fetches).map(|done| done.map(|_| ())).boxed())
    }

    fn take_warnings(&self) -> Vec<String> {
        self.inner.take_warnings()
    }

    fn release(&self, rows: Range<u32>) {
        for range in self.ranges(rows) {
            self.inner.release(range);
        }
    }

    fn held_bytes(&self) -> usize {
        self.inner.held_bytes()
    }

    fn origin(&self, row: u32) -> Option<String> {
        if row as usize >= self.ends.len() {
            return None;
        }
        let inner = self.of(row..row + 1).iter();
        let mut all: Vec<String> = inner.filter_map(|&row| self.inner.origin(row)).collect();
        all.dedup();
        (!all.is_empty()).then(|| all.join(", "))
    }

    fn estimated_samples(&self) -> Option<u64> {
        self.inner.estimated_samples()
    }
}
