//! What all queries of an engine share: its options, its threads, and the
//! permits to run.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{LimitError, QueryError};
use crate::exec::context::{QUEUE, QueryContext};
use crate::exec::pool::Pool;
use crate::options::EngineOptions;

#[derive(Debug)]
pub(crate) struct EngineShared {
    pub options: EngineOptions,
    pub pool: Pool,
    permits: Semaphore,
    waiting: AtomicUsize,
}

/// How many queries may wait for a permit, for each permit.
const WAITING_PER_PERMIT: usize = 1000;

impl EngineShared {
    /// Starts the threads.
    pub fn new(options: EngineOptions) -> Result<Self, QueryError> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = options.threads.unwrap_or_else(cores);
        let pool = Pool::new(threads)?;
        let permits = Semaphore::new(options.max_concurrency.clamp(1, Semaphore::MAX_PERMITS));
        Ok(EngineShared {
            options,
            pool,
            permits,
            waiting: AtomicUsize::new(0),
        })
    }

    /// Queries that run now.
    pub fn active(&self) -> usize {
        let most = self.options.max_concurrency.max(1);
        most.saturating_sub(self.permits.available_permits())
    }

    /// Queries that wait for a permit.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits for a permit to run.
    pub async fn enter(&self, context: &QueryContext) -> Result<SemaphorePermit<'_>, QueryError> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let limit = self.options.max_concurrency;
        let waiting = Waiting::new(&self.waiting);
        if waiting.before >= limit.saturating_mul(WAITING_PER_PERMIT) {
            return Err(LimitError::Queue { limit }.into());
        }
        let closed = |_| QueryError::Internal("the engine's queue is closed".into());
        let permit = async { self.permits.acquire().await.map_err(closed) };
        context.guard_in(QUEUE, permit).await
    }
}

/// Counts a query that waits, until it no longer does.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        Waiting {
            before: count.fetch_add(1, Ordering::Relaxed),
            count,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}
