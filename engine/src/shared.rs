//! What all queries of an engine share: its options, its threads, its memory,
//! the texts that ran last, and the places of running queries.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{LimitError, QueryError};
use crate::exec::context::{ContextLimits, QUEUE, QueryContext, Semantics};
use crate::exec::memory::Counted;
use crate::exec::pool::Pool;
use crate::options::{EngineOptions, QueryOptions, least};
use crate::statements::Statements;

/// One place of this many is kept from heavy queries.
const KEPT_FOR_LIGHT: usize = 4;

#[derive(Debug)]
pub(crate) struct EngineShared {
    pub options: EngineOptions,
    pub pool: Pool,
    /// The texts that ran last.
    pub statements: Statements,
    /// The places of all running queries.
    places: Arc<Semaphore>,
    /// Heavy queries need a place of these, too.
    heavy_places: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// What a pool may lose to statements, for which it does not count: one part of
/// so many.
const POOL_PER_STATEMENTS: u64 = 16;

/// The bytes of statements that are kept.
fn kept_statements(options: &EngineOptions) -> usize {
    let most = options.memory_pool.limit() / POOL_PER_STATEMENTS;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    options.statement_cache.min(most)
}

impl EngineShared {
    /// Starts the threads.
    pub fn new(options: EngineOptions) -> Result<Self, QueryError> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = options.threads.unwrap_or_else(cores);
        let pool = Pool::new(threads)?;
        let places = options.max_concurrency.clamp(1, Semaphore::MAX_PERMITS);
        let kept = match places {
            1 => 0,
            more => (more / KEPT_FOR_LIGHT).max(1),
        };
        Ok(EngineShared {
            statements: Statements::new(kept_statements(&options)),
            options,
            pool,
            places: Arc::new(Semaphore::new(places)),
            heavy_places: Arc::new(Semaphore::new(places - kept)),
            waiting: AtomicUsize::new(0),
        })
    }

    /// The context of one run with these options.
    pub fn context(&self, options: &QueryOptions) -> Arc<QueryContext> {
        let own = &self.options;
        let limits = ContextLimits {
            timeout: least(own.timeout, options.timeout),
            pool: own.memory_pool.clone(),
            max_memory: least(own.max_memory, options.max_memory).unwrap_or(u64::MAX),
            max_samples: own.max_samples,
            max_samples_read: least(own.max_samples_read, options.max_samples_read)
                .unwrap_or(u64::MAX),
        };
        let semantics = Semantics {
            delayed_name_removal: own.enable_delayed_name_removal,
            type_and_unit_labels: own.enable_type_and_unit_labels,
            batch_items: own.batch_items.max(1),
            counts_steps: own.enable_per_step_stats && options.per_step_stats,
            operator_stats: options.operator_stats,
            max_resolution_ms: options.max_resolution_ms.max(0),
        };
        Arc::new(QueryContext::new(self.pool.clone(), limits, semantics))
    }

    /// Queries that run now.
    pub fn active(&self) -> usize {
        let most = self.options.max_concurrency.max(1);
        most.saturating_sub(self.places.available_permits())
    }

    /// Queries that wait for a place.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits for a place to run, for a heavy query for one of its kind, and until
    /// there is memory to run with.
    ///
    /// # Errors
    /// [`LimitError::Queue`], [`LimitError::TotalMemory`], and the end of the
    /// query.
    pub async fn enter(&self, context: &QueryContext, is_heavy: bool) -> Result<(), QueryError> {
        if is_heavy {
            let place = self.place(&self.heavy_places, context).await?;
            context.hold_place(place);
        }
        if self.options.memory_pool.is_crowded() {
            self.wait(context, self.memory(context)).await?;
        }
        let place = self.place(&self.places, context).await?;
        context.hold_place(place);
        Ok(())
    }

    /// A place for a query that turned out heavy, if there is one.
    pub fn try_enter_heavy(&self, context: &QueryContext) -> bool {
        let place = Arc::clone(&self.heavy_places).try_acquire_owned();
        place.map(|place| context.hold_place(place)).is_ok()
    }

    /// Waits in the line of heavy queries, without a place, and then for one.
    ///
    /// # Errors
    /// As [`EngineShared::enter`].
    pub async fn enter_heavy(&self, context: &QueryContext) -> Result<(), QueryError> {
        context.leave_places();
        self.enter(context, true).await
    }

    async fn place(
        &self,
        places: &Arc<Semaphore>,
        context: &QueryContext,
    ) -> Result<OwnedSemaphorePermit, QueryError> {
        if let Ok(place) = Arc::clone(places).try_acquire_owned() {
            return Ok(place);
        }
        let closed = |_| QueryError::Internal("the engine's queue is closed".into());
        let place = async { Arc::clone(places).acquire_owned().await.map_err(closed) };
        self.wait(context, place).await
    }

    /// Waits until the memory pool has room. Who waits in vain is told that it
    /// was for memory.
    async fn memory(&self, context: &QueryContext) -> Result<(), QueryError> {
        let pool = &self.options.memory_pool;
        let roomy = async {
            pool.roomy().await;
            Ok(())
        };
        context.guard_in(QUEUE, roomy).await.map_err(|ended| {
            let limit = pool.limit();
            let what = QUEUE.to_string();
            match ended {
                QueryError::Timeout { .. } => LimitError::TotalMemory { limit, what }.into(),
                other => other,
            }
        })
    }

    /// Waits for something, as one of the queries in line.
    async fn wait<T>(
        &self,
        context: &QueryContext,
        awaited: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let limit = self.options.max_waiting;
        let _waiting = Counted::one(&self.waiting);
        if self.waiting() > limit {
            return Err(LimitError::Queue { limit }.into());
        }
        context.guard_in(QUEUE, awaited).await
    }
}
