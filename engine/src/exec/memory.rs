//! The memory that a query may hold, in bytes.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts reserved bytes up to a limit.
#[derive(Debug)]
pub struct MemoryPool {
    reserved: AtomicU64,
    limit: u64,
}

impl MemoryPool {
    /// A pool of `limit` bytes.
    pub fn new(limit: u64) -> Self {
        MemoryPool {
            reserved: AtomicU64::new(0),
            limit,
        }
    }

    /// The limit, in bytes.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Reserves bytes; gives whether the limit allows it.
    pub fn reserve(&self, bytes: u64) -> bool {
        let more = |reserved: u64| {
            let sum = reserved.checked_add(bytes)?;
            (sum <= self.limit).then_some(sum)
        };
        self.reserved
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    /// Gives reserved bytes back.
    pub fn release(&self, bytes: u64) {
        self.reserved.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_end_at_the_limit() {
        let pool = MemoryPool::new(100);
        assert!(pool.reserve(60));
        assert!(!pool.reserve(41), "beyond the limit");
        assert!(!pool.reserve(u64::MAX), "no overflow");
        assert!(pool.reserve(40));
        pool.release(100);
        assert!(pool.reserve(100));
    }
}
