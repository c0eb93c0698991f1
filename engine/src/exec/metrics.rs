//! What each operator of a running plan did: time, rows, items, samples, bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::operator_tree::OperatorStats;

/// The counters of an operator, over all of its partitions. Clones share them.
#[derive(Debug, Clone)]
pub struct OperatorMetrics(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    /// What the next two count from.
    epoch: Instant,
    /// Nanoseconds; the largest number before a partition has begun.
    began_ns: AtomicU64,
    /// Nanoseconds; 0 before a partition has ended.
    ended_ns: AtomicU64,
    elapsed_ns: AtomicU64,
    rows: AtomicU64,
    items: AtomicU64,
    peak_items: AtomicU64,
    samples: AtomicU64,
    bytes: AtomicU64,
}

impl Default for OperatorMetrics {
    fn default() -> Self {
        OperatorMetrics(Arc::new(Counters {
            epoch: Instant::now(),
            began_ns: AtomicU64::new(u64::MAX),
            ended_ns: AtomicU64::default(),
            elapsed_ns: AtomicU64::default(),
            rows: AtomicU64::default(),
            items: AtomicU64::default(),
            peak_items: AtomicU64::default(),
            samples: AtomicU64::default(),
            bytes: AtomicU64::default(),
        }))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl OperatorMetrics {
    /// A partition begins.
    pub fn begin(&self, now: Instant) {
        let ns = nanos(now.saturating_duration_since(self.0.epoch));
        self.0.began_ns.fetch_min(ns, Ordering::Relaxed);
    }

    /// A partition ends.
    pub fn end(&self, now: Instant) {
        let ns = nanos(now.saturating_duration_since(self.0.epoch));
        self.0.ended_ns.fetch_max(ns, Ordering::Relaxed);
    }

    /// Counts the time since `start`.
    pub fn add_elapsed(&self, start: Instant) {
        let ns = nanos(start.elapsed());
        self.0.elapsed_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Counts a batch that went out: its rows, and their items.
    pub fn add_batch(&self, rows: usize, items: usize) {
        self.0.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.0.items.fetch_add(items as u64, Ordering::Relaxed);
        self.0.peak_items.fetch_max(items as u64, Ordering::Relaxed);
    }

    /// Counts samples in windows.
    pub fn add_samples(&self, samples: u64) {
        self.0.samples.fetch_add(samples, Ordering::Relaxed);
    }

    /// Counts encoded bytes that were read.
    pub fn add_bytes(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn stats(&self) -> OperatorStats {
        let counters = &*self.0;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let at = |ns: u64| counters.epoch.checked_add(Duration::from_nanos(ns));
        let (began, ended) = (read(&counters.began_ns), read(&counters.ended_ns));
        OperatorStats {
            began: (began < u64::MAX).then(|| at(began)).flatten(),
            ended: (ended > 0).then(|| at(ended)).flatten(),
            elapsed: Duration::from_nanos(read(&counters.elapsed_ns)),
            rows: read(&counters.rows),
            items: read(&counters.items),
            peak_items: read(&counters.peak_items),
            samples: read(&counters.samples),
            bytes: read(&counters.bytes),
        }
    }
}
