//! What each operator of a running plan did: time, rows, items, bytes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The counters of an operator, over all of its partitions. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct OperatorMetrics(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    elapsed_ns: AtomicU64,
    rows: AtomicU64,
    items: AtomicU64,
    bytes: AtomicU64,
}

impl OperatorMetrics {
    /// Counts the time since `start`.
    pub fn add_elapsed(&self, start: Instant) {
        let ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.elapsed_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Counts a batch that went out: its rows, and their items.
    pub fn add_batch(&self, rows: usize, items: usize) {
        self.0.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.0.items.fetch_add(items as u64, Ordering::Relaxed);
    }

    /// Counts encoded bytes that were read.
    pub fn add_bytes(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl fmt::Display for OperatorMetrics {
    /// In the words of DataFusion's `EXPLAIN ANALYZE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters {
            elapsed_ns,
            rows,
            items,
            bytes,
        } = &*self.0;
        let elapsed = Duration::from_nanos(read(elapsed_ns));
        write!(
            f,
            "output_rows={}, elapsed_compute={elapsed:.2?}, output_items={}, read_bytes={}",
            read(rows),
            read(items),
            read(bytes)
        )
    }
}
