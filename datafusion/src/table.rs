//! A PromQL query as a table.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion_common::arrow::datatypes::SchemaRef;
use datafusion_common::{Result, plan_err};
use datafusion_expr::{Expr, TableType};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_session::{Session, TableProvider};
use quarrel::promql::Expr as PromqlExpr;
use quarrel::storage::Storage;
use quarrel::{Prepared, QueryOptions, QueryResult, QueryTimes, SeriesSet};

use crate::columns::SampleColumns;
use crate::error::external;
use crate::exec::PromqlExec;
use crate::query::{Observer, TableQuery};

/// A PromQL query at one time or over a range, as a table of samples: each
/// scan runs the query.
///
/// The columns are those of [`SampleColumns`], with all labels in a map unless
/// [`PromqlTable::with_labels`] names some or
/// [`PromqlTable::with_answer_labels`] finds them. A scan makes the columns
/// that the SQL query uses, and stops at its limit. Filters stay with
/// DataFusion: put matchers and times into the PromQL query.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use datafusion::prelude::SessionContext;
/// use quarrel::{Engine, QueryOptions, QueryRange};
/// use quarrel_datafusion::PromqlTable;
/// use quarrel::storage::memory::MemoryStorage;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let storage = Arc::new(MemoryStorage::new());
/// for (pod, value) in [("a", 2.0), ("b", 3.0)] {
///     storage.append([("__name__", "load"), ("pod", pod)], 0, value)?;
/// }
/// let query = Engine::builder().build()?.prepare("load * 10")?;
/// let range = QueryRange::from_millis(0..=60_000, 30_000)?;
/// let table = PromqlTable::try_new(query, storage, range, QueryOptions::new())?;
/// let table = table.with_labels(["pod"])?;
///
/// let context = SessionContext::new();
/// context.register_table("load", Arc::new(table))?;
/// let sums = context.sql("SELECT pod, sum(value) FROM load GROUP BY pod").await?;
/// assert_eq!(sums.count().await?, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PromqlTable(TableQuery);

impl PromqlTable {
    /// The query over the storage at these times. Reads no data.
    ///
    /// # Errors
    /// When the query cannot be planned at these times, or its answer is a
    /// string.
    pub fn try_new(
        query: Prepared,
        storage: Arc<dyn Storage>,
        times: impl Into<QueryTimes>,
        options: QueryOptions,
    ) -> Result<Self> {
        let mut expr = query.expr();
        while let PromqlExpr::Paren(paren) = expr {
            expr = &paren.expr;
        }
        if let PromqlExpr::String(_) = expr {
            return plan_err!(
                "the PromQL query {} gives a string, no samples",
                query.text()
            );
        }
        let table = TableQuery {
            query,
            storage,
            times: times.into(),
            options,
            columns: SampleColumns::with_label_map(),
            observer: None,
        };
        table.run().plan().map_err(external)?;
        Ok(PromqlTable(table))
    }

    /// The same with a column for each of these labels: see
    /// [`SampleColumns::with_labels`].
    ///
    /// # Errors
    /// When a label is named twice.
    pub fn with_labels<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Result<Self> {
        self.0.columns = SampleColumns::with_labels(names)?;
        Ok(self)
    }

    /// The same with a column for each label of the answer. Runs the query
    /// once for that. A label that only a later answer has shows no more.
    ///
    /// # Errors
    /// Those of the query.
    pub async fn with_answer_labels(self) -> Result<Self> {
        let result = self.0.run().execute().await.map_err(external)?;
        let names = result.value.series().map(label_names);
        self.with_labels(names.unwrap_or_default())
    }

    /// The same with a function that sees each answer before its rows go on:
    /// its warnings, infos and costs, for which SQL has no place.
    pub fn with_observer(self, observer: impl Fn(&QueryResult) + Send + Sync + 'static) -> Self {
        self.observed_by(Some(Arc::new(observer)))
    }

    pub(crate) fn observed_by(mut self, observer: Option<Observer>) -> Self {
        self.0.observer = observer;
        self
    }
}

/// The names of all labels of an answer, sorted.
fn label_names(set: &SeriesSet) -> Vec<String> {
    let symbols = set.symbols().read();
    let labels = set.iter().flat_map(|series| series.labels());
    let names: BTreeSet<&str> = labels.map(|label| symbols.get(label.name)).collect();
    names.into_iter().map(str::to_string).collect()
}

#[async_trait]
impl TableProvider for PromqlTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.0.columns.schema())
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = projection.map(Vec::as_slice);
        let exec = PromqlExec::try_new(self.0.clone(), projection, limit)?;
        Ok(Arc::new(exec))
    }
}
