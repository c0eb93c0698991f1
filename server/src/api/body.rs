//! Reads the bodies of requests, within a bound on what all of them hold.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use futures::StreamExt as _;
use parking_lot::Mutex;
use quarrel_engine::{MemoryPool, Reservation};

/// The bytes taken when a body begins, unless it is known to be smaller.
const FIRST: usize = 16 << 10;

/// What a body may hold without the budget, bytes: the requests of most clients.
/// A few large bodies that never end must not keep these out. The number of
/// connections bounds them.
const ALLOWANCE: usize = 32 << 10;

/// A bound on the bytes that the bodies of all requests hold, beyond a small
/// allowance for each.
pub trait BodyBudget: fmt::Debug + Send + Sync {
    /// Takes `bytes`. `false` means that they are not to be had now, and that
    /// nothing was taken.
    fn try_reserve(&self, bytes: usize) -> bool;

    /// Gives back what was taken.
    fn release(&self, bytes: usize);
}

/// A budget of a fixed number of bytes.
#[derive(Debug)]
pub struct FixedBudget {
    free: AtomicUsize,
}

impl FixedBudget {
    /// A budget of `bytes`.
    pub fn new(bytes: usize) -> Self {
        FixedBudget {
            free: AtomicUsize::new(bytes),
        }
    }

    /// The bytes that are left.
    pub fn free(&self) -> usize {
        self.free.load(Relaxed)
    }
}

impl BodyBudget for FixedBudget {
    fn try_reserve(&self, bytes: usize) -> bool {
        let taken = |free: usize| free.checked_sub(bytes);
        self.free.fetch_update(Relaxed, Relaxed, taken).is_ok()
    }

    fn release(&self, bytes: usize) {
        self.free.fetch_add(bytes, Relaxed);
    }
}

/// A budget of a fixed number of bytes, which are a memory pool's.
#[derive(Debug)]
pub struct PooledBudget {
    own: FixedBudget,
    room: Option<Mutex<Reservation>>,
}

impl PooledBudget {
    /// A budget of `bytes` of a pool.
    pub fn new(bytes: usize, pool: &MemoryPool) -> Self {
        PooledBudget {
            own: FixedBudget::new(bytes),
            room: pool.reserve(0).map(Mutex::new),
        }
    }
}

impl BodyBudget for PooledBudget {
    fn try_reserve(&self, bytes: usize) -> bool {
        if !self.own.try_reserve(bytes) {
            return false;
        }
        let room = self.room.as_ref();
        let fits = room.is_some_and(|room| room.lock().grow(bytes as u64));
        if !fits {
            self.own.release(bytes);
        }
        fits
    }

    fn release(&self, bytes: usize) {
        self.own.release(bytes);
        if let Some(room) = &self.room {
            room.lock().shrink(bytes as u64);
        }
    }
}

/// Bytes taken from a budget but for the [`ALLOWANCE`], given back on drop.
#[derive(Debug)]
pub(crate) struct Room {
    budget: Arc<dyn BodyBudget>,
    bytes: usize,
}

impl Room {
    pub(crate) fn empty(budget: Arc<dyn BodyBudget>) -> Self {
        Room { budget, bytes: 0 }
    }

    /// Takes more bytes.
    ///
    /// # Errors
    /// If the budget does not have them.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), BodyError> {
        let larger = self.bytes + bytes;
        let more = charged(larger) - charged(self.bytes);
        if more > 0 && !self.budget.try_reserve(more) {
            return Err(BodyError::NoRoom);
        }
        self.bytes = larger;
        Ok(())
    }

    /// Gives back all but `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        if bytes < self.bytes {
            let less = charged(self.bytes) - charged(bytes);
            if less > 0 {
                self.budget.release(less);
            }
            self.bytes = bytes;
        }
    }
}

/// What the budget pays of so many bytes.
fn charged(bytes: usize) -> usize {
    bytes.saturating_sub(ALLOWANCE)
}

impl Drop for Room {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

/// Why a body was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// It did not end in time.
    #[error("i/o timeout")]
    Late,
    /// Bodies hold all the memory that they may.
    #[error("too many requests with large bodies")]
    NoRoom,
    /// It is larger than a form may be.
    #[error("http: POST too large")]
    TooLarge,
    /// The connection or its framing failed.
    #[error("{0}")]
    Broken(String),
}

/// A whole body, with the memory that it holds.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
    pub(crate) room: Room,
}

impl Received {
    pub(super) fn nothing(budget: Arc<dyn BodyBudget>) -> Self {
        Received {
            bytes: Vec::new(),
            room: Room::empty(budget),
        }
    }

    /// Appends a part. While the bytes move to a larger buffer, both count.
    fn push(&mut self, part: &[u8], limit: usize) -> Result<(), BodyError> {
        let needed = self.bytes.len() + part.len();
        if needed > limit {
            return Err(BodyError::TooLarge);
        }
        let old = self.bytes.capacity();
        if needed > old {
            let capacity = needed.max((old * 2).min(limit));
            self.room.grow(capacity)?;
            let mut larger = Vec::with_capacity(capacity);
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
            self.room.shrink_to(capacity);
        }
        self.bytes.extend_from_slice(part);
        Ok(())
    }
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// If the body is too large, does not end within `most`, or breaks off, or if
/// the budget does not suffice.
pub(crate) async fn receive(
    body: Body,
    limit: usize,
    most: Duration,
    budget: Arc<dyn BodyBudget>,
) -> Result<Received, BodyError> {
    let read = async {
        let mut received = Received::nothing(budget);
        // Not by the announced size: what is not sent takes no room.
        let first = body.size_hint().lower().min(FIRST as u64) as usize;
        received.room.grow(first)?;
        received.bytes = Vec::with_capacity(first);
        let mut parts = body.into_data_stream();
        while let Some(part) = parts.next().await {
            let part = part.map_err(broken)?;
            match received.push(&part, limit) {
                Err(BodyError::NoRoom) => {
                    let seen = received.bytes.len() + part.len();
                    drop((received, part));
                    discard(&mut parts, limit - seen).await?;
                    return Err(BodyError::NoRoom);
                }
                pushed => pushed?,
            }
        }
        Ok(received)
    };
    let read = tokio::time::timeout(most, read).await;
    read.unwrap_or(Err(BodyError::Late))
}

fn broken(error: axum::Error) -> BodyError {
    BodyError::Broken(error.to_string())
}

/// Reads at most `most` bytes and keeps none. A client that has not sent its body
/// does not see an answer: the connection is closed while it writes.
pub(super) async fn discard(parts: &mut BodyDataStream, most: usize) -> Result<(), BodyError> {
    let mut left = most;
    while let Some(part) = parts.next().await {
        match left.checked_sub(part.map_err(broken)?.len()) {
            Some(rest) => left = rest,
            None => return Ok(()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const SOON: Duration = Duration::from_secs(5);

    fn parts(parts: usize, size: usize) -> Body {
        let part = move |_| Ok::<_, std::io::Error>(Bytes::from(vec![7; size]));
        Body::from_stream(futures::stream::iter((0..parts).map(part)))
    }

    /// A body that says it has a megabyte.
    struct Announced(Body);

    impl axum::body::HttpBody for Announced {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            context: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
            std::pin::Pin::new(&mut self.0).poll_frame(context)
        }

        fn size_hint(&self) -> hyper::body::SizeHint {
            hyper::body::SizeHint::with_exact(1 << 20)
        }
    }

    #[tokio::test]
    async fn bodies_hold_what_they_take_until_they_are_dropped() {
        let budget = Arc::new(FixedBudget::new(100_000));
        let read = |body| receive(body, 1 << 20, SOON, Arc::clone(&budget) as _);
        let one = read(parts(60, 1000)).await.unwrap();
        assert_eq!(one.bytes, [7; 60_000]);
        let left = 100_000 - (one.bytes.capacity() - ALLOWANCE);
        assert_eq!(budget.free(), left);
        assert_eq!(read(parts(99, 1000)).await.unwrap_err(), BodyError::NoRoom);
        assert_eq!(budget.free(), left);
        drop(one);
        assert_eq!(budget.free(), 100_000);
    }

    #[test]
    fn a_pooled_budget_is_part_of_its_pool() {
        let pool = MemoryPool::new(1000);
        let budget = PooledBudget::new(500, &pool);
        assert!(budget.try_reserve(400));
        assert_eq!(pool.reserved(), 400);
        assert!(!budget.try_reserve(101), "its own bound");
        let other = pool.reserve(350).unwrap();
        assert!(!budget.try_reserve(100), "that of the pool");
        drop(other);
        assert!(budget.try_reserve(100));
        budget.release(500);
        assert_eq!((pool.reserved(), budget.own.free()), (0, 500));
    }

    #[tokio::test]
    async fn the_announced_size_takes_no_room() {
        let budget = Arc::new(FixedBudget::new(5));
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let announced = Announced(Body::from_stream(never));
        let soon = Duration::from_millis(5);
        let shared = Arc::clone(&budget) as _;
        let late = receive(Body::new(announced), 1 << 20, soon, shared).await;
        assert_eq!(late.unwrap_err(), BodyError::Late);
        let whole = Body::from(vec![7; ALLOWANCE * 2]);
        let error = receive(whole, 1 << 20, SOON, Arc::clone(&budget) as _).await;
        assert_eq!(error.unwrap_err(), BodyError::NoRoom);
        assert_eq!(budget.free(), 5);
    }

    #[tokio::test]
    async fn a_body_without_room_is_read_before_it_is_refused() {
        let none: Arc<dyn BodyBudget> = Arc::new(FixedBudget::new(0));
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = |parts: usize| {
            let sent = Arc::clone(&sent);
            let part = move |_| {
                sent.fetch_add(1000, Relaxed);
                Ok::<_, std::io::Error>(Bytes::from(vec![7; 1000]))
            };
            Body::from_stream(futures::stream::iter((0..parts).map(part)))
        };
        let error = receive(counted(100), 1 << 20, SOON, Arc::clone(&none)).await;
        assert_eq!(error.unwrap_err(), BodyError::NoRoom);
        assert_eq!(sent.swap(0, Relaxed), 100_000);
        let error = receive(counted(2000), 200_000, SOON, none).await;
        assert_eq!(error.unwrap_err(), BodyError::NoRoom);
        assert_eq!(sent.load(Relaxed), 201_000, "no more than a body may have");
    }

    #[tokio::test]
    async fn small_bodies_need_no_budget() {
        let none = Arc::new(FixedBudget::new(0));
        let small = receive(parts(16, 1000), 1 << 20, SOON, none).await;
        assert_eq!(small.unwrap().bytes.len(), 16_000);
    }

    #[tokio::test]
    async fn a_body_has_a_limit_and_a_time() {
        let budget: Arc<dyn BodyBudget> = Arc::new(FixedBudget::new(1 << 20));
        let error = receive(parts(3, 50), 149, SOON, Arc::clone(&budget)).await;
        assert_eq!(error.unwrap_err(), BodyError::TooLarge);
        let exact = receive(parts(3, 50), 150, SOON, Arc::clone(&budget)).await;
        assert_eq!(exact.unwrap().bytes.len(), 150);
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let soon = Duration::from_millis(5);
        let error = receive(Body::from_stream(never), 10, soon, budget).await;
        assert_eq!(error.unwrap_err(), BodyError::Late);
    }
}
