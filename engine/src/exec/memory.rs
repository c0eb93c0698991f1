//! Memory in bytes: the pool that queries share, and what one query holds of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The part of a pool that stays free for queries below their fair share: one
/// of this many.
const KEPT_FREE: u64 = 4;

/// A budget of bytes that all queries of an engine draw from, running ones and
/// finished answers. Several engines may share a pool, and what else a process
/// holds for its clients can be reserved of it ([`MemoryPool::reserve`]).
/// Cheap to clone; clones are the same pool.
///
/// A query's fair share is the pool divided by those who hold some of it. Who
/// holds more than that may fill three quarters of the pool, the last one is
/// for the others: heavy queries do not starve light ones. A query that the
/// pool cannot serve ends with
/// [`LimitError::TotalMemory`](crate::LimitError::TotalMemory); one that comes
/// while the pool is three quarters full waits in the engine's queue.
///
/// # Examples
/// ```
/// use quarrel_engine::{EngineOptions, MemoryPool};
///
/// let pool = MemoryPool::new(1 << 30);
/// let interactive = EngineOptions::new().memory_pool(pool.clone()).build()?;
/// let rules = EngineOptions::new().memory_pool(pool.clone()).build()?;
/// let body = pool.reserve(4096);
/// assert!(body.is_some() && pool.reserved() == 4096);
/// drop(body);
/// assert_eq!(pool.reserved(), 0);
/// # let _ = (interactive, rules);
/// # Ok::<(), quarrel_engine::QueryError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit: u64,
    reserved: AtomicU64,
    /// The most that was reserved at once.
    peak: AtomicU64,
    /// How many queries hold bytes.
    holders: AtomicUsize,
    /// How many queries wait until less is reserved.
    waiting: AtomicUsize,
    released: Notify,
}

impl Default for MemoryPool {
    /// A pool without a limit, which counts.
    fn default() -> Self {
        MemoryPool::new(u64::MAX)
    }
}

impl MemoryPool {
    /// A pool of `limit` bytes.
    pub fn new(limit: u64) -> Self {
        MemoryPool {
            shared: Arc::new(Shared {
                limit,
                reserved: AtomicU64::new(0),
                peak: AtomicU64::new(0),
                holders: AtomicUsize::new(0),
                waiting: AtomicUsize::new(0),
                released: Notify::new(),
            }),
        }
    }

    /// The limit, in bytes.
    pub fn limit(&self) -> u64 {
        self.shared.limit
    }

    /// Bytes that are reserved now.
    pub fn reserved(&self) -> u64 {
        self.shared.reserved.load(Ordering::Relaxed)
    }

    /// The most bytes that were reserved at once since the pool was made.
    pub fn peak(&self) -> u64 {
        self.shared.peak.load(Ordering::Relaxed)
    }

    /// Reserves bytes for something beside queries, such as request bodies;
    /// `None` if the pool does not have them.
    pub fn reserve(&self, bytes: u64) -> Option<Reservation> {
        let mut reservation = Reservation {
            pool: self.clone(),
            bytes: 0,
        };
        reservation.grow(bytes).then_some(reservation)
    }

    /// What every holder may have whatever the others do, bytes.
    fn share(&self) -> u64 {
        let holders = self.shared.holders.load(Ordering::Relaxed).max(1);
        self.shared.limit / holders as u64
    }

    /// The bytes that those beyond their share leave free.
    fn kept_free(&self) -> u64 {
        match self.shared.limit {
            u64::MAX => 0,
            limit => limit / KEPT_FREE,
        }
    }

    /// Reserves `bytes` more for a holder who has `own` bytes with them.
    fn take(&self, bytes: u64, own: u64) -> bool {
        let limit = if own <= self.share() {
            self.limit()
        } else {
            self.limit() - self.kept_free()
        };
        let sum = add_within(&self.shared.reserved, bytes, limit);
        if let Some(sum) = sum {
            self.shared.peak.fetch_max(sum, Ordering::Relaxed);
        }
        sum.is_some()
    }

    fn release(&self, bytes: u64) {
        self.shared.reserved.fetch_sub(bytes, Ordering::Relaxed);
        if self.shared.waiting.load(Ordering::Relaxed) > 0 && !self.is_crowded() {
            self.shared.released.notify_waiters();
        }
    }

    /// Whether so much is reserved that new queries wait.
    pub(crate) fn is_crowded(&self) -> bool {
        self.reserved() > self.limit() - self.kept_free()
    }

    /// Waits until new queries may run.
    pub(crate) async fn roomy(&self) {
        let _waiting = Counted::one(&self.shared.waiting);
        loop {
            let released = self.shared.released.notified();
            tokio::pin!(released);
            released.as_mut().enable();
            if !self.is_crowded() {
                return;
            }
            released.await;
        }
    }
}

/// Adds within a limit; gives the sum if it allows that.
fn add_within(reserved: &AtomicU64, bytes: u64, limit: u64) -> Option<u64> {
    let more = |reserved: u64| {
        let sum = reserved.checked_add(bytes)?;
        (sum <= limit).then_some(sum)
    };
    let before = reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    before.ok().map(|before| before + bytes)
}

/// Counts one more until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    /// One more.
    pub fn one(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes of a [`MemoryPool`] that something beside queries holds; they are
/// given back on drop.
#[derive(Debug)]
pub struct Reservation {
    pool: MemoryPool,
    bytes: u64,
}

impl Reservation {
    /// Reserves more; gives whether the pool has them.
    #[must_use = "the bytes may not be there"]
    pub fn grow(&mut self, bytes: u64) -> bool {
        let fits = self.pool.take(bytes, u64::MAX);
        self.bytes += if fits { bytes } else { 0 };
        fits
    }

    /// Gives some of the bytes back.
    pub fn shrink(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.pool.release(bytes);
        self.bytes -= bytes;
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.pool.release(self.bytes);
    }
}

/// What one query holds of a pool, up to a limit of its own.
#[derive(Debug)]
pub(crate) struct QueryMemory {
    pool: MemoryPool,
    limit: u64,
    reserved: AtomicU64,
    /// Whether the pool counts this query among its holders.
    holds: AtomicBool,
}

/// Which limit refused bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The query's.
    Query {
        /// Bytes.
        limit: u64,
    },
    /// That of the pool, or the query's share of it.
    Pool {
        /// Bytes.
        limit: u64,
    },
}

impl QueryMemory {
    /// At most `limit` bytes of `pool`.
    pub fn new(pool: MemoryPool, limit: u64) -> Self {
        QueryMemory {
            pool,
            limit,
            reserved: AtomicU64::new(0),
            holds: AtomicBool::new(false),
        }
    }

    /// Reserves bytes.
    pub fn reserve(&self, bytes: u64) -> Result<(), Refused> {
        if !self.holds.swap(true, Ordering::Relaxed) {
            self.pool.shared.holders.fetch_add(1, Ordering::Relaxed);
        }
        let Some(own) = add_within(&self.reserved, bytes, self.limit) else {
            return Err(Refused::Query { limit: self.limit });
        };
        if !self.pool.take(bytes, own) {
            self.reserved.fetch_sub(bytes, Ordering::Relaxed);
            let limit = self.pool.limit();
            return Err(Refused::Pool { limit });
        }
        Ok(())
    }

    /// Gives reserved bytes back.
    pub fn release(&self, bytes: u64) {
        self.reserved.fetch_sub(bytes, Ordering::Relaxed);
        self.pool.release(bytes);
    }

    /// Bytes that are reserved now.
    #[cfg(test)]
    pub fn reserved(&self) -> u64 {
        self.reserved.load(Ordering::Relaxed)
    }
}

impl Drop for QueryMemory {
    fn drop(&mut self) {
        if *self.holds.get_mut() {
            self.pool.shared.holders.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Bytes that an answer holds after its query has ended; they are given back on
/// drop.
#[derive(Debug)]
pub(crate) struct Held {
    memory: Arc<QueryMemory>,
    bytes: u64,
}

impl Held {
    /// Takes over bytes that are reserved already.
    pub fn new(memory: Arc<QueryMemory>, bytes: u64) -> Self {
        Held { memory, bytes }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_end_at_the_limit() {
        let pool = QueryMemory::new(MemoryPool::default(), 100);
        let refused = Err(Refused::Query { limit: 100 });
        assert_eq!(pool.reserve(60), Ok(()));
        assert_eq!(pool.reserve(41), refused, "beyond the limit");
        assert_eq!(pool.reserve(u64::MAX), refused, "no overflow");
        assert_eq!(pool.reserve(40), Ok(()));
        pool.release(100);
        assert_eq!(pool.reserve(100), Ok(()));
    }

    #[test]
    fn queries_share_a_pool_and_give_it_back() {
        let pool = MemoryPool::new(1000);
        let refused = Err(Refused::Pool { limit: 1000 });
        let heavy = QueryMemory::new(pool.clone(), u64::MAX);
        assert_eq!(heavy.reserve(700), Ok(()));
        let light = QueryMemory::new(pool.clone(), u64::MAX);
        assert_eq!(light.reserve(10), Ok(()));
        assert_eq!(heavy.reserve(100), refused, "beyond its share");
        assert_eq!(light.reserve(200), Ok(()), "the last quarter is for it");
        assert!(pool.is_crowded());
        assert!(pool.reserve(1).is_none(), "bodies leave the quarter free");
        light.release(210);
        drop(light);
        assert_eq!(pool.reserved(), 700);
        assert_eq!(heavy.reserve(300), Ok(()), "alone it has all");
        heavy.release(1000);
        assert_eq!(pool.reserved(), 0);
        assert_eq!(heavy.reserved(), 0);
    }

    #[tokio::test]
    async fn who_waits_for_room_is_woken() {
        let pool = MemoryPool::new(1000);
        let query = QueryMemory::new(pool.clone(), u64::MAX);
        assert_eq!(query.reserve(900), Ok(()));
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move { pool.roomy().await }
        });
        while pool.shared.waiting.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished());
        query.release(500);
        waiting.await.unwrap();
        assert_eq!(pool.shared.waiting.load(Ordering::Relaxed), 0);
    }
}
