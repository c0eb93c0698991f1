//! The engine: threads, limits, and queries that are prepared once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quarrel_planner::ast::Expr;
use quarrel_planner::{AllowedModifiers, Tree};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{LimitError, QueryError};
use crate::exec::context::{QUEUE, QueryContext};
use crate::exec::pool::Pool;
use crate::options::{EngineOptions, QueryOptions};
use crate::query::{Query, QueryTarget};
use crate::storage::Storage;

/// Evaluates PromQL over any [`Storage`]. Cheap to clone; clones share their
/// threads and their limit of concurrent queries.
///
/// Queries run on the caller's tokio runtime where they wait (its clock must
/// be enabled), and on the engine's own threads where they compute. Without a
/// runtime they run too, but a store that waits cannot be timed out.
///
/// # Examples
/// ```
/// use quarrel_engine::{Engine, EngineOptions};
///
/// let engine = Engine::new(EngineOptions::default()).unwrap();
/// let query = engine.prepare("sum(rate(http_requests_total[5m]))").unwrap();
/// assert!(engine.prepare("sum(rate(").is_err());
/// # let _ = query;
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub options: EngineOptions,
    pub pool: Pool,
    places: Semaphore,
    waiting: AtomicUsize,
}

/// How many queries may wait for a place, for each place.
const WAITING_PER_PLACE: usize = 1000;

impl Engine {
    /// An engine with its own threads.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn new(options: EngineOptions) -> Result<Self, QueryError> {
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let pool = Pool::new(threads)?;
        let places = Semaphore::new(options.max_concurrency.clamp(1, Semaphore::MAX_PERMITS));
        let waiting = AtomicUsize::new(0);
        Ok(Engine {
            shared: Arc::new(Shared {
                options,
                pool,
                places,
                waiting,
            }),
        })
    }

    /// How the engine works.
    pub fn options(&self) -> &EngineOptions {
        &self.shared.options
    }

    /// Parses and checks a query, to be run as often as you like.
    ///
    /// # Errors
    /// When the text is not PromQL, or not well typed, or has a modifier that
    /// the engine's options forbid.
    pub fn prepare(&self, text: &str) -> Result<Prepared, QueryError> {
        let options = &self.shared.options;
        let tree = quarrel_planner::parse(text, &options.parser)?;
        let allowed = AllowedModifiers {
            at: options.enable_at_modifier,
            negative_offset: options.enable_negative_offset,
        };
        let checked = allowed.check(tree.expr());
        checked.map_err(|refused| QueryError::BadData(refused.to_string()))?;
        Ok(Prepared {
            engine: self.clone(),
            text: text.into(),
            tree: Arc::new(tree),
        })
    }

    /// Queries that run now.
    pub fn active_queries(&self) -> usize {
        let most = self.shared.options.max_concurrency.max(1);
        most.saturating_sub(self.shared.places.available_permits())
    }

    /// Queries that wait for a place.
    pub fn waiting_queries(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Shared {
    /// Waits for a place among the queries that may run.
    pub async fn enter(&self, context: &QueryContext) -> Result<SemaphorePermit<'_>, QueryError> {
        if let Ok(permit) = self.places.try_acquire() {
            return Ok(permit);
        }
        let limit = self.options.max_concurrency;
        let waiting = Waiting::new(&self.waiting);
        if waiting.before >= limit.saturating_mul(WAITING_PER_PLACE) {
            return Err(LimitError::Queue { limit }.into());
        }
        let closed = |_| QueryError::Internal("the engine's queue is closed".into());
        let permit = async { self.places.acquire().await.map_err(closed) };
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

/// A query that is parsed and checked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Prepared {
    engine: Engine,
    text: Arc<str>,
    tree: Arc<Tree>,
}

impl Prepared {
    /// The query's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The syntax tree.
    pub fn expr(&self) -> &Expr {
        self.tree.expr()
    }

    /// The query at one time, ms since the epoch.
    pub fn instant(&self, storage: Arc<dyn Storage>, at_ms: i64, options: QueryOptions) -> Query {
        let target = QueryTarget {
            storage,
            start_ms: at_ms,
            end_ms: at_ms,
            step_ms: 0,
        };
        Query::new(self.clone(), target, options)
    }

    /// The query at all times from `start_ms` to `end_ms`, `step_ms` apart. A
    /// step that is not positive is an error when the query runs.
    pub fn range(
        &self,
        storage: Arc<dyn Storage>,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
        options: QueryOptions,
    ) -> Query {
        // 0 means "instant" further down; whoever asks for a range gets one.
        let step_ms = if step_ms == 0 { -1 } else { step_ms };
        Query::new(
            self.clone(),
            QueryTarget {
                storage,
                start_ms,
                end_ms,
                step_ms,
            },
            options,
        )
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}
