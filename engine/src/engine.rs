//! The engine: threads, limits, and texts that become queries.

use std::sync::Arc;

use quarrel_planner::Tree;

use crate::error::QueryError;
use crate::group::QueryGroup;
use crate::lookup::{Lookup, Selectors};
use crate::options::{EngineOptions, QueryOptions};
use crate::prepared::Prepared;
use crate::query::{Query, QueryTarget};
use crate::shared::EngineShared;
use crate::statement::{self, Parsed, bytes_of, check_length, is_long};
use crate::storage::{Storage, TimeRange};
use crate::times::QueryTimes;

/// Evaluates PromQL over any [`Storage`]. Cheap to clone; clones share their
/// threads and their limit of concurrent queries.
///
/// Queries run on the caller's tokio runtime where they wait (its clock must
/// be enabled), and on the engine's own threads where they compute. Without a
/// runtime they run too, but a store that waits cannot be timed out.
///
/// # Examples
/// ```
/// use quarrel_engine::Engine;
///
/// let engine = Engine::builder().threads(4).build().unwrap();
/// let query = engine.prepare("sum(rate(http_requests_total[5m]))").unwrap();
/// assert!(engine.prepare("sum(rate(").is_err());
/// # let _ = query;
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<EngineShared>,
}

impl Engine {
    /// Options to be set one by one, from which [`EngineOptions::build`] makes
    /// an engine.
    pub fn builder() -> EngineOptions {
        EngineOptions::new()
    }

    /// An engine with its own threads.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn new(options: EngineOptions) -> Result<Self, QueryError> {
        let shared = Arc::new(EngineShared::new(options)?);
        Ok(Engine { shared })
    }

    /// How the engine works.
    pub fn options(&self) -> &EngineOptions {
        &self.shared.options
    }

    /// Parses and checks a query, to be run as often as you like.
    ///
    /// # Errors
    /// When the text is too long, not PromQL, or not well typed, or has a
    /// modifier that the engine's options forbid.
    pub fn prepare(&self, text: &str) -> Result<Prepared, QueryError> {
        let parsed = Parsed::new(statement::parse(text, &self.shared.options)?);
        let shared = Arc::clone(&self.shared);
        Ok(Prepared::new(shared, text.into(), Arc::new(parsed)))
    }

    /// A query that is parsed when it runs, unless the text ran before: within its
    /// limits, and if its text is long on the engine's threads. For texts from strangers, such as a
    /// server's clients; what [`Engine::prepare`] refuses, running it does.
    ///
    /// # Examples
    /// ```no_run
    /// # use std::sync::Arc;
    /// # use quarrel_engine::{Engine, QueryError, QueryOptions, Timestamp, storage::Storage};
    /// # async fn run(engine: Engine, storage: Arc<dyn Storage>) -> Result<(), QueryError> {
    /// let options = QueryOptions::new().max_memory(64 << 20);
    /// let query = engine.query("sum(up)", storage, Timestamp::now(), options);
    /// let cancel = query.cancel_handle();
    /// let result = query.execute().await?;
    /// # let _ = (cancel, result);
    /// # Ok(())
    /// # }
    /// ```
    pub fn query(
        &self,
        text: &str,
        storage: Arc<dyn Storage>,
        times: impl Into<QueryTimes>,
        options: QueryOptions,
    ) -> Query {
        let times = times.into();
        let target = QueryTarget { storage, times };
        let shared = Arc::clone(&self.shared);
        let statement = shared.statements.of(text);
        Query::new(shared, statement, target, options)
    }

    /// Parses a text and gives what `make` makes of its tree: on the engine's
    /// threads, with a place among the running queries and a query's limits.
    /// Modifiers that the engine's options forbid are allowed.
    ///
    /// # Errors
    /// When the text is too long, not PromQL or not well typed; the limits.
    pub async fn with_tree<T: Send + 'static>(
        &self,
        text: &str,
        options: &QueryOptions,
        make: impl FnOnce(&Tree) -> T + Send + 'static,
    ) -> Result<T, QueryError> {
        let shared = &self.shared;
        let context = shared.context(options);
        let running = async {
            context.start_clock();
            check_length(text, &shared.options)?;
            shared.enter(&context, is_long(text)).await?;
            context.reserve_lasting(bytes_of(text), "query text")?;
            let any_long = is_long(text);
            let (text, parser) = (text.to_owned(), shared.options.parser);
            let parsing = async move { Ok(make(&quarrel_planner::parse(&text, &parser)?)) };
            match any_long {
                true => context.run_unyielding(parsing).await,
                false => context.run(parsing).await,
            }
        };
        context.contained(Box::pin(running)).await
    }

    /// A look-up of the series that any of some selectors matches, in a range of
    /// time.
    pub fn lookup(
        &self,
        storage: Arc<dyn Storage>,
        selectors: impl Into<Selectors>,
        range: TimeRange,
        options: QueryOptions,
    ) -> Lookup {
        let shared = Arc::clone(&self.shared);
        Lookup::new(shared, storage, selectors.into(), range, &options)
    }

    /// A group of queries over one storage, empty yet: queries that see one
    /// snapshot and run side by side.
    pub fn group(&self, storage: Arc<dyn Storage>) -> QueryGroup {
        QueryGroup::new(Arc::clone(&self.shared), storage)
    }

    /// Calls a function on each of the engine's threads as soon as it is free,
    /// such as one that makes the allocator give back what it keeps by thread.
    pub fn on_all_threads(&self, call: impl Fn() + Send + Sync + 'static) {
        self.shared.pool.on_all_threads(call);
    }

    /// Queries that run now.
    pub fn active_queries(&self) -> usize {
        self.shared.active()
    }

    /// Queries that wait for a permit to run.
    pub fn waiting_queries(&self) -> usize {
        self.shared.waiting()
    }
}

impl EngineOptions {
    /// Starts an engine.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn build(self) -> Result<Engine, QueryError> {
        Engine::new(self)
    }
}
