//! One rayon pool as an executor of futures.
//!
//! Waiting is async, computing is not: a plan's streams are futures that
//! compute when polled, and they are polled here, never on a thread of the
//! caller's runtime. Tasks stand in first-in-first-out queues (rayon's own
//! `spawn` from a worker is last-in-first-out), so that a task which gives way
//! after a morsel lets other queries come in between. The beginnings of queries
//! stand in a queue of their own, which comes first three times of four.
//!
//! What it is bad at: handing a task over and back costs some 25 µs in
//! wake-ups, so tiny queries run on the caller's thread instead.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_task::{Runnable, Task};
use futures::FutureExt;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::QueryError;
use crate::storage::panic_message;

/// The engine's threads.
#[derive(Clone)]
pub struct Pool {
    threads: Arc<rayon::ThreadPool>,
    queue: Arc<Mutex<Queue>>,
    /// The turns of work that takes long and does not give way. There are half as
    /// many as threads: the others serve those who give way.
    turns: Arc<Semaphore>,
}

/// Tasks that wait for a thread.
#[derive(Default)]
struct Queue {
    /// Those by which queries begin, and which find out what they cost.
    first: VecDeque<Runnable>,
    others: VecDeque<Runnable>,
    /// How many of the former ran since one of the latter did.
    in_a_row: usize,
}

/// Most tasks of the first kind that run while others wait.
const FIRST_IN_A_ROW: usize = 3;

impl Queue {
    fn next(&mut self) -> Option<Runnable> {
        let others_turn = self.in_a_row >= FIRST_IN_A_ROW && !self.others.is_empty();
        if !others_turn && let Some(task) = self.first.pop_front() {
            self.in_a_row += 1;
            return Some(task);
        }
        self.in_a_row = 0;
        self.others.pop_front().or_else(|| self.first.pop_front())
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("threads", &self.threads())
            .finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool of `threads` threads.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn new(threads: usize) -> Result<Self, QueryError> {
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .thread_name(|i| format!("quarrel-{i}"))
            .build()
            .map_err(|e| QueryError::Internal(format!("cannot start the engine's threads: {e}")))?;
        Ok(Pool {
            turns: Arc::new(Semaphore::new((threads.current_num_threads() / 2).max(1))),
            threads: Arc::new(threads),
            queue: Arc::default(),
        })
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// Calls a function on each thread as soon as it is free.
    pub fn on_all_threads(&self, call: impl Fn() + Send + Sync + 'static) {
        self.threads.spawn_broadcast(move |_| call());
    }

    /// Runs a future on the pool. Dropping the returned task cancels it; a
    /// panic inside becomes an error of that query and the pool lives on.
    pub fn spawn<T, F>(&self, future: F) -> Task<Result<T, QueryError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, QueryError>> + Send + 'static,
    {
        self.spawn_as(future, |queue, task| queue.others.push_back(task))
    }

    /// As [`Pool::spawn`], before most of what waits already: for the beginning
    /// of a query.
    pub fn spawn_first<T, F>(&self, future: F) -> Task<Result<T, QueryError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, QueryError>> + Send + 'static,
    {
        self.spawn_as(future, |queue, task| queue.first.push_back(task))
    }

    /// As [`Pool::spawn`], for work that may take long and does not give way, such
    /// as the parsing of a long text; it waits for its turn.
    pub fn spawn_unyielding<T, F>(&self, future: F) -> Task<Result<T, QueryError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, QueryError>> + Send + 'static,
    {
        let turns = Arc::clone(&self.turns);
        self.spawn(async move {
            let _turn = turns.acquire_owned().await;
            future.await
        })
    }

    /// A turn of work that does not give way, if there is one.
    pub fn try_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).try_acquire_owned().ok()
    }

    fn spawn_as<T, F>(
        &self,
        future: F,
        push: fn(&mut Queue, Runnable),
    ) -> Task<Result<T, QueryError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, QueryError>> + Send + 'static,
    {
        let pool = self.clone();
        let schedule = move |runnable| pool.schedule(runnable, push);
        let (runnable, task) = async_task::spawn(catch_panics(future), schedule);
        runnable.schedule();
        task
    }

    fn schedule(&self, runnable: Runnable, push: fn(&mut Queue, Runnable)) {
        push(&mut self.queue.lock(), runnable);
        let queue = Arc::clone(&self.queue);
        self.threads.spawn_fifo(move || {
            let next = queue.lock().next();
            if let Some(runnable) = next {
                runnable.run();
            }
        });
    }
}

/// Turns a panic inside a future into an error.
pub async fn catch_panics<T>(
    future: impl Future<Output = Result<T, QueryError>>,
) -> Result<T, QueryError> {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(QueryError::Internal(panic_message(&*panic))),
    }
}

/// Polls a future within a runtime, whose clock and tasks it then finds on any
/// thread.
pub async fn within<F: Future>(runtime: Option<Handle>, future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(move |cx| {
        let _entered = runtime.as_ref().map(Handle::enter);
        future.as_mut().poll(cx)
    })
    .await
}

/// Gives way once, so that whoever waits in the queue comes first.
pub async fn give_way() {
    let mut first = true;
    futures::future::poll_fn(|cx| {
        if std::mem::take(&mut first) {
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_the_pool_lives_on() {
        let pool = Pool::new(2).unwrap();
        let bad = pool.spawn::<(), _>(async { panic!("boom") });
        assert!(
            matches!(futures::executor::block_on(bad), Err(QueryError::Internal(m)) if m == "boom")
        );
        let good = pool.spawn(async {
            give_way().await;
            Ok(7)
        });
        assert_eq!(futures::executor::block_on(good).unwrap(), 7);
    }
}
