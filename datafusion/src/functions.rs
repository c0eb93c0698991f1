//! The table functions `promql` and `promql_range`.

use std::fmt;
use std::sync::Arc;

use datafusion_common::Result;
use datafusion_session::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use quarrel::storage::Storage;
use quarrel::{Engine, QueryOptions, QueryRange, QueryResult, QueryTimes};

use crate::arguments::{Argument, Arguments};
use crate::error::external;
use crate::query::Observer;
use crate::table::PromqlTable;

/// Table functions that run PromQL over a storage:
///
/// - `promql(query, time, label, ...)`, the query at one time
/// - `promql_range(query, start, end, step, label, ...)`, the query over a range
///
/// A time is a timestamp, a text as in RFC 3339, or an integer of milliseconds
/// since 1970; without a time zone it is UTC. A step is an interval, a
/// duration of PromQL such as `'1m'`, or an integer of milliseconds. All are
/// constants, which may be computed: `now() - INTERVAL '1 hour'`.
///
/// The rows are samples. DataFusion calls a table function while it plans,
/// with no way to wait for data, so the columns are known without: labels are
/// in one map, `labels['pod']`, or each label that is named after the times
/// has a column: see [`SampleColumns`](crate::SampleColumns).
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use datafusion::prelude::SessionContext;
/// use quarrel::Engine;
/// use quarrel_datafusion::PromqlFunctions;
/// use quarrel::storage::memory::MemoryStorage;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let storage = Arc::new(MemoryStorage::new());
/// for (pod, value) in [("a", 2.0), ("b", 3.0)] {
///     storage.append([("__name__", "load"), ("pod", pod)], 0, value)?;
/// }
/// let context = SessionContext::new();
/// PromqlFunctions::new(Engine::builder().build()?, storage)
///     .register(|name, function| context.register_udtf(name, function));
///
/// let sql = "SELECT pod, value FROM promql('load * 10', 1000, 'pod') WHERE value > 20";
/// assert_eq!(context.sql(sql).await?.count().await?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PromqlFunctions {
    engine: Engine,
    storage: Arc<dyn Storage>,
    options: QueryOptions,
    observer: Option<Observer>,
}

impl PromqlFunctions {
    /// Functions that run on this engine, over this storage.
    pub fn new(engine: Engine, storage: Arc<dyn Storage>) -> Self {
        PromqlFunctions {
            engine,
            storage,
            options: QueryOptions::new(),
            observer: None,
        }
    }

    /// The same with options for all queries.
    pub fn with_options(mut self, options: QueryOptions) -> Self {
        self.options = options;
        self
    }

    /// The same with a function that sees each answer before its rows go on:
    /// see [`PromqlTable::with_observer`].
    pub fn with_observer(
        mut self,
        observer: impl Fn(&QueryResult) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Hands both functions with their names to `register`, such as
    /// `|name, function| context.register_udtf(name, function)`.
    pub fn register(&self, mut register: impl FnMut(&str, Arc<dyn TableFunctionImpl>)) {
        register("promql", self.instant());
        register("promql_range", self.range());
    }

    /// The function `promql` alone, to be registered under any name.
    pub fn instant(&self) -> Arc<dyn TableFunctionImpl> {
        Arc::new(Function {
            context: self.clone(),
            kind: Kind::Instant,
        })
    }

    /// The function `promql_range` alone, to be registered under any name.
    pub fn range(&self) -> Arc<dyn TableFunctionImpl> {
        Arc::new(Function {
            context: self.clone(),
            kind: Kind::Range,
        })
    }

    fn table(&self, query: &str, times: QueryTimes, labels: &[&str]) -> Result<PromqlTable> {
        let query = self.engine.prepare(query).map_err(external)?;
        let (storage, options) = (Arc::clone(&self.storage), self.options.clone());
        let table = PromqlTable::try_new(query, storage, times, options)?;
        let table = table.observed_by(self.observer.clone());
        match labels {
            [] => Ok(table),
            labels => table.with_labels(labels.iter().copied()),
        }
    }
}

impl fmt::Debug for PromqlFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PromqlFunctions")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Instant,
    Range,
}

#[derive(Debug)]
struct Function {
    context: PromqlFunctions,
    kind: Kind,
}

impl TableFunctionImpl for Function {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let table = match self.kind {
            Kind::Instant => self.instant(args),
            Kind::Range => self.range(args),
        };
        Ok(Arc::new(table?))
    }
}

impl Function {
    fn instant(&self, args: TableFunctionArgs) -> Result<PromqlTable> {
        let signature = "query, time, label...";
        let arguments = Arguments::new("promql", signature, args.exprs(), 2)?;
        let query = arguments.text(Argument(1, "query"))?;
        let time = arguments.time(Argument(2, "time"))?;
        let labels = arguments.texts(Argument(3, "label"))?;
        self.context.table(query, time.into(), &labels)
    }

    fn range(&self, args: TableFunctionArgs) -> Result<PromqlTable> {
        let signature = "query, start, end, step, label...";
        let arguments = Arguments::new("promql_range", signature, args.exprs(), 4)?;
        let query = arguments.text(Argument(1, "query"))?;
        let start = arguments.time(Argument(2, "start"))?.as_millis();
        let end = arguments.time(Argument(3, "end"))?.as_millis();
        let step_ms = arguments.step_ms(Argument(4, "step"))?;
        let labels = arguments.texts(Argument(5, "label"))?;
        let range = QueryRange::from_millis(start..=end, step_ms).map_err(external)?;
        self.context.table(query, range.into(), &labels)
    }
}
