//! Queries that see one snapshot and run side by side, as rules do.

use std::sync::Arc;

use futures::StreamExt;
use tokio::runtime::Handle;

use crate::error::QueryError;
use crate::exec::pool::within;
use crate::options::QueryOptions;
use crate::pinned::PinnedStorage;
use crate::prepared::Prepared;
use crate::query::Query;
use crate::result::QueryResult;
use crate::shared::EngineShared;
use crate::storage::{Storage, TimeRange};
use crate::times::QueryTimes;

/// Queries over one storage that all see the same snapshot of it and run side
/// by side on the engine's threads: the rules of a group, the panels of a
/// dashboard.
///
/// [`QueryGroup::execute`] runs whole queries on the engine's threads, small
/// ones too, so that the caller's task only waits. At most as many run at once
/// as the engine's option `max_concurrency` allows; those that wait for their
/// turn within the group do not count as waiting queries of the engine, and
/// their timeouts do not run yet.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use quarrel_engine::{Engine, QueryError, QueryOptions, Timestamp, storage::Storage};
///
/// async fn evaluate(storage: Arc<dyn Storage>) -> Result<(), QueryError> {
///     let engine = Engine::builder().build()?;
///     let rules = [
///         engine.prepare("sum by (job) (rate(requests_total[5m]))")?,
///         engine.prepare("up == 0")?,
///     ];
///     let mut group = engine.group(storage);
///     for rule in &rules {
///         group.push(rule, Timestamp::now(), QueryOptions::new());
///     }
///     for (rule, result) in rules.iter().zip(group.execute().await) {
///         match result {
///             Ok(result) => println!("{}: {} series", rule.text(), result.value.iter().count()),
///             Err(error) => println!("{}: {error}", rule.text()),
///         }
///     }
///     Ok(())
/// }
/// # let _ = evaluate;
/// ```
pub struct QueryGroup {
    engine: Arc<EngineShared>,
    storage: Arc<dyn Storage>,
    queries: Vec<Query>,
    /// What all queries together look at.
    range: Option<TimeRange>,
}

impl std::fmt::Debug for QueryGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryGroup")
            .field("queries", &self.queries)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

impl QueryGroup {
    pub(crate) fn new(engine: Arc<EngineShared>, storage: Arc<dyn Storage>) -> Self {
        QueryGroup {
            engine,
            storage,
            queries: Vec::new(),
            range: None,
        }
    }

    /// Adds a query. The query that is given back has its
    /// [`cancel_handle`](Query::cancel_handle) and its
    /// [`progress`](Query::progress).
    ///
    /// # Examples
    /// ```no_run
    /// # use std::sync::Arc;
    /// # use quarrel_engine::{Engine, QueryError, QueryOptions, Timestamp, storage::Storage};
    /// # fn add(engine: &Engine, storage: Arc<dyn Storage>) -> Result<(), QueryError> {
    /// let mut group = engine.group(storage);
    /// let rule = engine.prepare("sum(up)")?;
    /// let limits = QueryOptions::new().max_series(1000);
    /// let cancel = group.push(&rule, Timestamp::now(), limits).cancel_handle();
    /// # cancel.cancel();
    /// # Ok(())
    /// # }
    /// ```
    pub fn push(
        &mut self,
        prepared: &Prepared,
        times: impl Into<QueryTimes>,
        options: QueryOptions,
    ) -> &Query {
        let query = prepared.query(Arc::clone(&self.storage), times, options);
        // A query that cannot be planned says why when it runs.
        if let Ok(Some(own)) = query.time_range() {
            let all = self.range.unwrap_or(own);
            self.range = Some(TimeRange {
                start: all.start.min(own.start),
                end: all.end.max(own.end),
            });
        }
        let index = self.queries.len();
        self.queries.push(query);
        &self.queries[index]
    }

    /// How many queries there are.
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// Runs all queries and gives their results in the order in which they
    /// were added. One snapshot is taken, over all that they look at. If the
    /// future is dropped, all queries end within a morsel.
    pub async fn execute(self) -> Vec<Result<QueryResult, QueryError>> {
        let QueryGroup {
            engine,
            storage,
            queries,
            range,
        } = self;
        // A range that no query asks for, where none looks at series.
        let range = range.unwrap_or(TimeRange { start: 0, end: -1 });
        let storage: Arc<dyn Storage> = Arc::new(PinnedStorage::new(storage, range));
        let (pool, runtime) = (&engine.pool, Handle::try_current().ok());
        let results = queries.into_iter().enumerate().map(|(i, query)| {
            let query = query.over(Arc::clone(&storage));
            let task = pool.spawn(within(runtime.clone(), query.execute()));
            async move { (i, task.await) }
        });
        let results = futures::stream::iter(results);
        let at_once = engine.options.max_concurrency.max(1);
        let mut results: Vec<_> = results.buffer_unordered(at_once).collect().await;
        results.sort_unstable_by_key(|(i, _)| *i);
        results.into_iter().map(|(_, result)| result).collect()
    }
}
