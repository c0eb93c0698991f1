//! One run of a query: plan, bind, lower, compute.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quarrel_functions::grid::Grid;
use quarrel_functions::table::ValueType;
use quarrel_planner::PlanError;
use quarrel_planner::logical::{self, Plan, PlanOp, PlanOptions};
use quarrel_planner::rules::{self, RuleContext};

use crate::annotations::Level;
use crate::bind::late::Late;
use crate::bind::selections::{Selections, selects, time_range};
use crate::bind::{Binder, QueryTimes, lower_root};
use crate::engine::Prepared;
use crate::error::{LimitError, QueryError};
use crate::exec::context::{Cancellation, ContextLimits, QueryContext, Semantics};
use crate::exec::pool::catch_panics;
use crate::explain::Explanation;
use crate::operators::{broadcast, merge, raw};
use crate::options::QueryOptions;
use crate::output::Root;
use crate::result::{QueryResult, Value};
use crate::stats::QueryStats;
use crate::storage::Storage;
use crate::stream::QueryStream;

/// Items of rows up to which a query runs on the caller's thread; an operator
/// takes about a nanosecond for each.
const INLINE_ITEMS: usize = 100_000;

/// Steps that any grid may have: items of a batch are numbered with 31 bits.
const MAX_STEPS: usize = 1 << 30;

/// Steps that a subquery may have whatever the limit of samples: a row's
/// buffers are small, and the row may have no sample.
const SMALL_GRID: usize = 1_000_000;

/// Where and when a query runs.
#[derive(Clone)]
pub(crate) struct QueryTarget {
    pub storage: Arc<dyn Storage>,
    pub start_ms: i64,
    pub end_ms: i64,
    /// 0 for an instant query.
    pub step_ms: i64,
}

/// One run of a query. Dropping it, or any future it gave, stops its work.
pub struct Query {
    prepared: Prepared,
    target: QueryTarget,
    options: QueryOptions,
    context: Arc<QueryContext>,
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let QueryTarget {
            start_ms,
            end_ms,
            step_ms,
            ..
        } = self.target;
        f.debug_struct("Query")
            .field("text", &self.prepared.text())
            .field("times", &(start_ms, end_ms, step_ms))
            .finish_non_exhaustive()
    }
}

/// Ends a query from elsewhere.
#[derive(Clone, Debug)]
pub struct CancelHandle {
    cancellation: Arc<Cancellation>,
}

impl CancelHandle {
    /// Ends the query within a morsel; it answers [`QueryError::Canceled`].
    pub fn cancel(&self) {
        self.cancellation.cancel();
    }
}

/// How far a query has come.
#[derive(Clone, Debug)]
pub struct Progress {
    context: Arc<QueryContext>,
}

impl Progress {
    /// The share of series whose samples are decoded, from 0 to 1.
    pub fn fraction(&self) -> f64 {
        let (done, total) = self.context.stats.morsels();
        if total == 0 {
            0.0
        } else {
            (done as f64 / total as f64).min(1.0)
        }
    }

    /// Samples decoded so far.
    pub fn decoded_samples(&self) -> u64 {
        self.context
            .stats
            .decoded_samples
            .load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// The most steps that any node of a plan has.
fn longest_grid(root: &Plan) -> usize {
    let (mut longest, mut stack) = (0, vec![root]);
    while let Some(plan) = stack.pop() {
        longest = longest.max(steps_of(plan));
        stack.extend(plan.inputs());
    }
    longest
}

/// The steps of a node, or of the rows that it asks its input for.
fn steps_of(plan: &Plan) -> usize {
    match &plan.op {
        PlanOp::SubqueryWindow { inner, .. } | PlanOp::RawSubquery { inner, .. } => {
            inner.len.max(plan.grid.len)
        }
        _ => plan.grid.len,
    }
}

/// Cancels a query unless told that it came to its end.
struct CancelOnDrop<'a>(Option<&'a Cancellation>);

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(cancellation) = self.0 {
            cancellation.cancel();
        }
    }
}

/// The smaller of two limits, where there are any.
fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl Query {
    pub(crate) fn new(prepared: Prepared, target: QueryTarget, options: QueryOptions) -> Self {
        let shared = prepared.engine().shared();
        let limits = ContextLimits {
            timeout: least(shared.options.timeout, options.timeout),
            max_memory: least(shared.options.max_memory, options.max_memory).unwrap_or(u64::MAX),
            max_samples: shared.options.max_samples,
            max_samples_read: least(shared.options.max_samples_read, options.max_samples_read)
                .unwrap_or(u64::MAX),
        };
        let semantics = Semantics {
            delayed_name_removal: shared.options.enable_delayed_name_removal,
            type_and_unit_labels: shared.options.enable_type_and_unit_labels,
            batch_items: shared.options.batch_items.max(1),
            counts_steps: shared.options.enable_per_step_stats && options.per_step_stats,
        };
        let context = QueryContext::new(shared.pool.clone(), limits, semantics);
        Query {
            context: Arc::new(context),
            prepared,
            target,
            options,
        }
    }

    /// A handle that ends this query.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle {
            cancellation: Arc::clone(self.context.cancellation()),
        }
    }

    /// A look at how far this query has come.
    pub fn progress(&self) -> Progress {
        Progress {
            context: Arc::clone(&self.context),
        }
    }

    /// Runs the query to its end.
    ///
    /// # Errors
    /// Whatever can go wrong, see [`QueryError`].
    pub async fn execute(self) -> Result<QueryResult, QueryError> {
        let (value, stats) = self.contained(self.run()).await?;
        let render = |level| {
            self.context
                .annotations
                .render(level, self.prepared.text(), 0)
        };
        let (warnings, infos) = (render(Level::Warning), render(Level::Info));
        Ok(QueryResult {
            value,
            warnings,
            infos,
            stats,
        })
    }

    /// Runs the query and gives its answer in parts.
    ///
    /// # Errors
    /// As [`Query::execute`], as far as they show before the first part.
    pub async fn stream(self) -> Result<QueryStream, QueryError> {
        Ok(QueryStream::new(self.execute().await?))
    }

    /// The logical plan, before and after each optimizer rule, without data.
    ///
    /// # Errors
    /// When the query cannot be planned.
    pub fn plan(&self) -> Result<Explanation, QueryError> {
        Ok(Explanation::of_plan(self.built()?, self.rule_context()))
    }

    /// The logical and the physical plan; labels are read, samples are not.
    ///
    /// # Errors
    /// As [`Query::execute`].
    pub async fn explain(self) -> Result<Explanation, QueryError> {
        let explain = async {
            self.context.start_clock();
            let shared = Arc::clone(self.prepared.engine().shared());
            let _place = shared.enter(&self.context).await?;
            let mut explanation = self.plan()?;
            let root = self.prepare(&mut QueryStats::default()).await?;
            explanation.set_physical(&root, false);
            Ok(explanation)
        };
        self.contained(explain).await
    }

    /// As [`Query::explain`], but runs the query and shows what each operator
    /// did: time, rows, samples, bytes.
    ///
    /// # Errors
    /// As [`Query::execute`].
    pub async fn analyze(self) -> Result<Explanation, QueryError> {
        let analyze = async {
            self.context.start_clock();
            let shared = Arc::clone(self.prepared.engine().shared());
            let _place = shared.enter(&self.context).await?;
            let mut explanation = self.plan()?;
            let mut stats = QueryStats::default();
            let root = self.prepare(&mut stats).await?;
            let evaluating = Instant::now();
            drop(self.compute(&root, None).await?);
            stats.evaluate = evaluating.elapsed();
            stats.take_counters(&self.context.stats);
            explanation.set_physical(&root, true);
            explanation.stats = Some(stats);
            Ok(explanation)
        };
        self.contained(analyze).await
    }

    /// Awaits the query's work. No panic of the engine or of a store gets out
    /// of it, and if the caller drops the future, what runs on the engine's
    /// threads ends within a morsel.
    async fn contained<T>(
        &self,
        work: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let mut dropped = CancelOnDrop(Some(self.context.cancellation()));
        let result = catch_panics(work).await;
        dropped.0 = None;
        result
    }

    fn lookback_ms(&self) -> i64 {
        let own = self.options.lookback_delta_ms.filter(|ms| *ms > 0);
        own.unwrap_or(self.prepared.engine().options().lookback_delta_ms)
    }

    fn use_start_timestamps(&self) -> bool {
        let own = self.options.use_start_timestamps;
        own.unwrap_or(self.prepared.engine().options().use_start_timestamps)
    }

    fn grid(&self) -> Grid {
        let QueryTarget {
            start_ms,
            end_ms,
            step_ms,
            ..
        } = self.target;
        if step_ms == 0 {
            Grid::instant(start_ms)
        } else {
            Grid::range(start_ms, end_ms, step_ms)
        }
    }

    fn rule_context(&self) -> RuleContext<'_> {
        RuleContext {
            query: self.prepared.text(),
            counts_samples: self.context.semantics.counts_steps,
        }
    }

    /// The plan after all rules.
    fn logical(&self) -> Result<Plan, QueryError> {
        let mut plan = self.built()?;
        rules::optimize(&mut plan, self.rule_context());
        Ok(plan)
    }

    /// The plan before all rules.
    fn built(&self) -> Result<Plan, QueryError> {
        let QueryTarget {
            start_ms,
            end_ms,
            step_ms,
            ..
        } = self.target;
        if step_ms < 0 {
            return Err(QueryError::BadData(
                "the step of a range query must be positive".into(),
            ));
        }
        let subquery_step = self.options.subquery_step.as_ref();
        let options = PlanOptions {
            start_ms,
            end_ms,
            step_ms,
            lookback_delta_ms: self.lookback_ms(),
            subquery_step: Arc::clone(
                subquery_step.unwrap_or(&self.prepared.engine().options().subquery_step),
            ),
            use_start_timestamps: self.use_start_timestamps(),
        };
        let plan = logical::build(self.prepared.expr(), self.prepared.text(), &options)?;
        self.check_steps(&plan, options.grid())?;
        Ok(plan)
    }

    /// Refuses grids whose steps alone are too many, before any buffer is
    /// made for them.
    fn check_steps(&self, root: &Plan, grid: Grid) -> Result<(), QueryError> {
        let limit = self.context.max_samples();
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let inner_most = most.clamp(SMALL_GRID, MAX_STEPS);
        let fits = grid.len <= most.min(MAX_STEPS) && longest_grid(root) <= inner_most;
        if fits {
            Ok(())
        } else {
            Err(LimitError::Samples { limit }.into())
        }
    }

    async fn run(&self) -> Result<(Value, QueryStats), QueryError> {
        let mut stats = QueryStats::default();
        let queued = Instant::now();
        self.context.start_clock();
        let shared = Arc::clone(self.prepared.engine().shared());
        let _place = shared.enter(&self.context).await?;
        stats.queue = queued.elapsed();
        let root = self.prepare(&mut stats).await?;
        let evaluating = Instant::now();
        let max_series = least(shared.options.max_series, self.options.max_series);
        let (value, shaping) = self.compute(&root, max_series).await?;
        stats.evaluate = evaluating.elapsed().saturating_sub(shaping);
        stats.result = shaping;
        stats.take_counters(&self.context.stats);
        if let Some(counts) = &self.context.step_counts {
            stats.take_steps(counts, self.grid());
        }
        Ok((value, stats))
    }

    fn check_selected(&self, series: u64) -> Result<(), QueryError> {
        let options = self.prepared.engine().options();
        match least(
            options.max_selected_series,
            self.options.max_selected_series,
        ) {
            Some(limit) if series > limit => Err(LimitError::SelectedSeries { limit }.into()),
            _ => Ok(()),
        }
    }

    /// Everything up to the physical plan.
    async fn prepare(&self, stats: &mut QueryStats) -> Result<Root, QueryError> {
        let preparing = Instant::now();
        self.context.start_clock();
        self.context.check()?;
        let plan = self.logical()?;
        let QueryTarget {
            start_ms,
            end_ms,
            step_ms,
            storage,
        } = &self.target;
        let instant = *step_ms == 0;
        let grid = self.grid();
        if let Some(counts) = &self.context.step_counts {
            counts.learn(&plan, grid);
        }
        if let PlanOp::String(text) = &plan.op {
            return Ok(Root::Text {
                at_ms: *start_ms,
                text: text.clone(),
            });
        }
        let asked = selects(&plan);
        let selections = if asked.is_empty() {
            Selections::default()
        } else {
            self.context
                .guard(async {
                    let snapshot = storage.snapshot(time_range(&asked)).await?;
                    self.context.add_storage_warnings(snapshot.warnings());
                    Selections::load(&asked, &*snapshot, &self.context).await
                })
                .await?
        };
        self.check_selected(selections.series() as u64)?;
        let steps = longest_grid(&plan);
        let items = steps.saturating_mul(selections.series().max(1));
        let limit = self.prepared.engine().options().inline_samples;
        let inline = limit > 0
            && selections.estimated_samples() <= limit
            && steps as u64 <= limit
            && items <= INLINE_ITEMS;
        self.context.set_inline(inline);
        let times = QueryTimes {
            start_ms: *start_ms,
            end_ms: *end_ms,
            step_ms: *step_ms,
        };
        drop(asked);
        let context = Arc::clone(&self.context);
        // Labels of many series take their time: not on the caller's thread.
        let binding = async move {
            let mut late = Late::evaluate(&plan, &context, times, &selections).await?;
            let bind_root = |binder: &Binder<'_>| match &plan.op {
                PlanOp::RawSelect(_) | PlanOp::RawSubquery { .. } => raw::bind(binder, &plan),
                _ => {
                    let bound = merge::finish(binder.bind(&plan)?, plan.span);
                    let bound = broadcast::bind(bound, grid);
                    Ok(Root::Rows {
                        labels: Arc::clone(&bound.labels),
                        plan: lower_root(&bound, &context),
                        grid,
                        scalar: plan.value_type == ValueType::Scalar,
                        instant,
                    })
                }
            };
            late.bind(bind_root).await
        };
        let root = self.context.run(binding).await?;
        stats.prepare = preparing.elapsed();
        Ok(root)
    }

    /// Computes the answer and brings it into shape, which takes so long as
    /// the second value says.
    async fn compute(
        &self,
        root: &Root,
        max_series: Option<u64>,
    ) -> Result<(Value, Duration), QueryError> {
        let (root, context) = (root.clone(), Arc::clone(&self.context));
        let computing = async move {
            let output = root.compute(&context).await?;
            let shaping = Instant::now();
            let value = output.into_value(&root, &context, max_series)?;
            Ok((value, shaping.elapsed()))
        };
        self.context.run(computing).await
    }
}

impl From<PlanError> for QueryError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Unsupported { what, span, .. } => QueryError::unsupported(what, span),
            PlanError::Invalid { message, .. } => QueryError::BadData(message),
            PlanError::Execution { message, span } => QueryError::execution(message, span),
        }
    }
}
