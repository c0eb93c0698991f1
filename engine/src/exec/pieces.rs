//! Pieces of work on the engine's threads: those of a store's select, or of an
//! operator that has all its rows.
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

/// What is done for each piece, by its number.
pub type Each<E> = Arc<dyn Fn(usize) -> Result<(), E> + Send + Sync>;

/// Why pieces did not come to their end.
#[derive(Debug)]
pub enum Failure<E> {
    /// The query's end.
    Ended(QueryError),
    /// The error of a piece.
    Piece(E),
    /// The panic of a piece.
    Panicked(Box<dyn Any + Send>),
}

struct Work<E> {
    pieces: Each<E>,
    count: usize,
    next: AtomicUsize,
    /// The failure of the lowest piece. Pieces are taken in order, so all below a
    /// piece that failed come to their end, and it does not matter who is first.
    failed: Mutex<Option<(usize, Failure<E>)>>,
}

/// Runs pieces of work on all threads of a query.
///
/// # Errors
/// The failure of the lowest piece.
pub async fn run<E: Send + 'static>(
    context: &Arc<QueryContext>,
    count: usize,
    pieces: Each<E>,
) -> Result<(), Failure<E>> {
    let work = Arc::new(Work {
        pieces,
        count,
        next: AtomicUsize::new(0),
        failed: Mutex::new(None),
    });
    let helpers = context.partitions().min(count).saturating_sub(1);
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

impl<E> Work<E> {
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
            if self.next.load(Ordering::Relaxed) < self.count {
                give_way().await;
            }
        }
    }

    fn piece(&self, number: usize, context: &QueryContext) -> Result<(), Failure<E>> {
        context.check().map_err(Failure::Ended)?;
        catch_unwind(AssertUnwindSafe(|| (self.pieces)(number)))
            .map_err(Failure::Panicked)?
            .map_err(Failure::Piece)
    }
}

impl<E> Failure<E> {
    /// The error to tell who runs the pieces, which panics as its piece did; `stop`
    /// is told why the query ended.
    pub fn told(self, stop: impl FnOnce(QueryError) -> E) -> E {
        match self {
            Failure::Ended(error) => stop(error),
            Failure::Piece(error) => error,
            Failure::Panicked(panic) => resume_unwind(panic),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::exec::context::{ContextLimits, Semantics};
    use crate::exec::memory::MemoryPool;
    use crate::exec::pool::Pool;
    use crate::storage::StorageError;

    fn context(threads: usize) -> Arc<QueryContext> {
        let limits = ContextLimits {
            timeout: None,
            pool: MemoryPool::default(),
            max_memory: u64::MAX,
            max_samples: u64::MAX,
            max_samples_read: u64::MAX,
        };
        let semantics = Semantics {
            batch_items: 16,
            delayed_name_removal: false,
            type_and_unit_labels: false,
            counts_steps: false,
            operator_stats: false,
            max_resolution_ms: 0,
        };
        let pool = Pool::new(threads).unwrap();
        Arc::new(QueryContext::new(pool, limits, semantics))
    }

    #[test]
    fn each_piece_runs_once() {
        for (threads, count) in [(1, 5), (3, 0), (3, 1), (3, 200)] {
            let ran: Arc<Vec<AtomicUsize>> =
                Arc::new((0..count).map(|_| AtomicUsize::new(0)).collect());
            let counting = Arc::clone(&ran);
            let pieces: Each<StorageError> = Arc::new(move |number| {
                counting[number].fetch_add(1, Ordering::Relaxed);
                Ok(())
            });
            block_on(run(&context(threads), count, pieces)).unwrap();
            assert!(ran.iter().all(|n| n.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn the_lowest_failure_is_told() {
        for _ in 0..50 {
            let pieces: Each<StorageError> = Arc::new(|number| match number {
                0..7 => Ok(()),
                7 => {
                    std::thread::yield_now();
                    Err(StorageError::Other("seven".into()))
                }
                _ => Err(StorageError::Other("behind".into())),
            });
            let failure = block_on(run(&context(3), 100, pieces)).unwrap_err();
            assert!(matches!(failure, Failure::Piece(e) if e.to_string() == "seven"));
        }
    }

    #[test]
    fn the_end_of_the_query_is_the_end_of_its_pieces() {
        let context = context(2);
        let cancellation = Arc::clone(context.cancellation());
        let pieces: Each<StorageError> = Arc::new(move |number| {
            if number == 3 {
                cancellation.cancel();
            }
            Ok(())
        });
        let failure = block_on(run(&context, 1000, pieces)).unwrap_err();
        assert!(matches!(
            failure,
            Failure::Ended(QueryError::Canceled { .. })
        ));
    }

    #[test]
    fn a_panic_comes_back_to_the_store() {
        let pieces: Each<StorageError> = Arc::new(|number| {
            assert_ne!(number, 9, "nine");
            Ok(())
        });
        let failure = block_on(run(&context(2), 10, pieces)).unwrap_err();
        let told = catch_unwind(AssertUnwindSafe(|| failure.told(|_| StorageError::Stopped)));
        assert!(told.is_err());
    }
}
