//! Pieces of a store's work on the engine's threads.
//!
//! Whoever awaits them works along, and each thread but its own has a task that
//! helps. All take the next piece in order and give way behind it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::context::QueryContext;
use super::pool::give_way;
use crate::error::QueryError;
use crate::storage::{Pieces, StorageError};

/// Why pieces did not come to their end.
#[derive(Debug)]
pub enum Failure {
    /// The query's end.
    Ended(QueryError),
    /// The error of a piece.
    Piece(StorageError),
    /// The panic of a piece.
    Panicked(Box<dyn Any + Send>),
}

struct Work {
    pieces: Pieces,
    count: usize,
    next: AtomicUsize,
    /// The failure of the lowest piece. Pieces are taken in order, so all below a
    /// piece that failed come to their end, and it does not matter who is first.
    failed: Mutex<Option<(usize, Failure)>>,
}

/// Runs pieces of work on all threads of a query.
///
/// # Errors
/// The failure of the lowest piece.
pub async fn run(context: &Arc<QueryContext>, count: usize, pieces: Pieces) -> Result<(), Failure> {
    let work = Arc::new(Work {
        pieces,
        count,
        next: AtomicUsize::new(0),
        failed: Mutex::new(None),
    });
    let helpers = context.pool.threads().min(count).saturating_sub(1);
    let helpers: Vec<_> = (0..helpers)
        .map(|_| {
            let (work, context) = (Arc::clone(&work), Arc::clone(context));
            context.pool.clone().spawn(async move {
                work.help(&context).await;
                Ok(())
            })
        })
        .collect();
    work.help(context).await;
    for helper in helpers {
        helper.await.map_err(Failure::Ended)?;
    }
    let failed = work.failed.lock().take();
    match failed {
        None => Ok(()),
        Some((_, failure)) => Err(failure),
    }
}

impl Work {
    /// Works on pieces until there are none, or one has failed.
    async fn help(&self, context: &QueryContext) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.count {
                return;
            }
            if let Err(failure) = self.piece(number, context) {
                self.next.store(self.count, Ordering::Relaxed);
                let mut failed = self.failed.lock();
                if failed.as_ref().is_none_or(|(first, _)| number < *first) {
                    *failed = Some((number, failure));
                }
            }
            give_way().await;
        }
    }

    fn piece(&self, number: usize, context: &QueryContext) -> Result<(), Failure> {
        context.check().map_err(Failure::Ended)?;
        catch_unwind(AssertUnwindSafe(|| (self.pieces)(number)))
            .map_err(Failure::Panicked)?
            .map_err(Failure::Piece)
    }
}

impl Failure {
    /// The error to tell the store, which panics as its piece did; `stop` is told
    /// why the query ended.
    pub fn told(self, stop: impl FnOnce(QueryError) -> StorageError) -> StorageError {
        match self {
            Failure::Ended(error) => stop(error),
            Failure::Piece(error) => error,
            Failure::Panicked(panic) => resume_unwind(panic),
        }
    }
}
