//! One run of a query: plan, bind, lower, compute.

mod estimate;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use quarrel_functions::grid::Grid;
use quarrel_planner::logical::{self, LogicalPlan, PlanOp, PlanOptions};
use quarrel_planner::rules::{self, RuleContext};

pub use estimate::CostEstimate;

use crate::annotations::Level;
use crate::cost;
use crate::error::{LimitError, QueryError};
use crate::exec::context::{Cancellation, Counters, QueryContext};
use crate::exec::morsels::{Morsels, RowItems};
use crate::exec::store_control::{Gate, StoreControl};
use crate::explain::Explanation;
use crate::flow::Flow;
use crate::operator_tree::OperatorTree;
use crate::options::{QueryOptions, least};
use crate::result::{QueryResult, Trailer, Value};
use crate::root::{Root, RootRows};
use crate::selections::{Selections, time_range};
use crate::shared::EngineShared;
use crate::statement::{Statement, bytes_of, check_length, is_long};
use crate::stats::QueryStats;
use crate::storage::{self, Snapshot, Storage, TimeRange};
use crate::stream::QueryStream;
use crate::times::{QueryTimes, millis};

/// Series that a view of a store may hold for selects to run on the caller's
/// thread.
const INLINE_SERIES: u64 = 10_000;

/// Steps that any grid may have: items of a batch are numbered with 31 bits.
const MAX_STEPS: usize = 1 << 30;

/// Steps that a subquery may have whatever the limit of samples: a row's
/// buffers are small, and the row may have no sample.
const SMALL_GRID: usize = 1_000_000;

/// Where and when a query runs.
#[derive(Clone)]
pub(crate) struct QueryTarget {
    pub storage: Arc<dyn Storage>,
    pub times: QueryTimes,
}

/// One run of a query. Dropping it, or any future it gave, stops its work.
pub struct Query {
    engine: Arc<EngineShared>,
    statement: Statement,
    target: QueryTarget,
    options: QueryOptions,
    context: Arc<QueryContext>,
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query")
            .field("text", &self.statement.text)
            .field("times", &self.target.times)
            .finish_non_exhaustive()
    }
}

/// What a query that has run gives, but for its annotations.
struct Ran {
    value: Value,
    stats: QueryStats,
    operators: Option<OperatorTree>,
}

/// Ends a query from elsewhere.
#[derive(Clone, Debug)]
pub struct CancelHandle {
    cancellation: Arc<Cancellation>,
}

impl CancelHandle {
    pub(crate) fn new(cancellation: &Arc<Cancellation>) -> Self {
        let cancellation = Arc::clone(cancellation);
        CancelHandle { cancellation }
    }

    /// Ends the query within a morsel; it answers [`QueryError::Canceled`].
    pub fn cancel(&self) {
        self.cancellation.cancel();
    }
}

/// How far a query has come.
#[derive(Clone, Debug)]
pub struct Progress {
    stats: Arc<Counters>,
}

impl Progress {
    /// The share of series whose samples are decoded, from 0 to 1; 1 once the
    /// query has come to its end.
    pub fn fraction(&self) -> f64 {
        let (done, total) = self.stats.morsels();
        if self.stats.finished.load(Ordering::Relaxed) {
            1.0
        } else if total == 0 {
            0.0
        } else {
            (done as f64 / total as f64).min(1.0)
        }
    }

    /// Samples decoded so far.
    pub fn decoded_samples(&self) -> u64 {
        self.stats.decoded_samples.load(Ordering::Relaxed)
    }
}

impl Query {
    pub(crate) fn new(
        engine: Arc<EngineShared>,
        statement: Statement,
        target: QueryTarget,
        options: QueryOptions,
    ) -> Self {
        let context = engine.context(&options);
        Query {
            context,
            engine,
            statement,
            target,
            options,
        }
    }

    /// A handle that ends this query.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle::new(self.context.cancellation())
    }

    /// A look at how far this query has come.
    pub fn progress(&self) -> Progress {
        Progress {
            stats: Arc::clone(&self.context.stats),
        }
    }

    /// The closed range of time whose samples the query looks at; `None` if it
    /// has no selector.
    ///
    /// # Errors
    /// When the query cannot be planned.
    pub fn time_range(&self) -> Result<Option<TimeRange>, QueryError> {
        let plan = self.optimized()?;
        let selects = plan.selects();
        Ok((!selects.is_empty())
            .then(|| time_range(&selects, self.context.semantics.max_resolution_ms)))
    }

    /// The same query over another storage.
    pub(crate) fn over(mut self, storage: Arc<dyn Storage>) -> Self {
        self.target.storage = storage;
        self
    }

    /// Runs the query to its end.
    ///
    /// # Errors
    /// Whatever can go wrong, see [`QueryError`].
    pub async fn execute(self) -> Result<QueryResult, QueryError> {
        let ran = self.context.contained(Box::pin(self.run())).await?;
        Ok(self.result(ran))
    }

    /// Runs the query and gives its answer in parts.
    ///
    /// # Errors
    /// As [`Query::execute`], as far as they show before the first part.
    pub async fn stream(self) -> Result<QueryStream, QueryError> {
        let begun = self.context.caught(Box::pin(self.begin())).await;
        let (root, stats) = begun?;
        if let Some(rows) = root.rows().filter(|rows| self.may_flow(rows)) {
            let (name, rows) = (rows.type_name(), rows.clone());
            let context = Arc::clone(&self.context);
            let watched = self.options.operator_stats.then(|| Arc::clone(&rows.plan));
            let end = move |stats| self.ended(stats);
            let flow = Flow::begin(context, rows, stats, watched, end);
            return Ok(QueryStream::running(name, flow));
        }
        let run = Box::pin(self.finish_run(root, stats));
        let ran = self.context.contained(run).await?;
        Ok(self.result(ran).into())
    }

    fn result(&self, ran: Ran) -> QueryResult {
        let Trailer {
            warnings,
            infos,
            stats,
            ..
        } = self.ended(ran.stats);
        QueryResult {
            value: ran.value,
            warnings,
            infos,
            stats,
            operators: ran.operators,
        }
    }

    /// Warnings, infos and costs, when the answer is there.
    fn ended(&self, mut stats: QueryStats) -> Trailer {
        self.engine.statements.keep(&self.statement);
        stats.take_counters(&self.context.stats);
        if let Some(counts) = &self.context.step_counts {
            stats.take_steps(counts, self.grid());
        }
        let render = |level| {
            self.context
                .annotations
                .render(level, &self.statement.text, 0)
        };
        Trailer {
            warnings: render(Level::Warning),
            infos: render(Level::Info),
            stats,
            operators: None,
        }
    }

    /// Whether rows may leave before the last one is there: many of them, in the
    /// answer's order, and so that no limit of the answer can be passed.
    fn may_flow(&self, rows: &RootRows) -> bool {
        let series = rows.labels.len() as u64;
        let samples = series.saturating_mul(rows.grid.len as u64);
        rows.in_order
            && !self.context.is_inline()
            && self.max_series().is_none_or(|limit| series <= limit)
            && samples <= self.context.max_samples()
    }

    fn max_series(&self) -> Option<u64> {
        least(self.engine.options.max_series, self.options.max_series)
    }

    /// The logical plan, before and after each optimizer rule, without data.
    ///
    /// # Errors
    /// When the query cannot be planned.
    pub fn plan(&self) -> Result<Explanation, QueryError> {
        Ok(self.explained_plan()?.1)
    }

    /// The logical and the physical plan; labels are read, samples are not,
    /// but for those that labels depend on.
    ///
    /// # Errors
    /// As [`Query::execute`].
    pub async fn explain(self) -> Result<Explanation, QueryError> {
        let explain = async {
            self.enter().await?;
            let (plan, mut explanation) = self.planned(Query::explained_plan).await?;
            let root = self.bind(plan).await?;
            explanation.set_physical(&root, false);
            Ok(explanation)
        };
        self.context.contained(Box::pin(explain)).await
    }

    /// As [`Query::explain`], but runs the query and shows what each operator
    /// did: time, rows, samples, bytes.
    ///
    /// # Errors
    /// As [`Query::execute`].
    pub async fn analyze(self) -> Result<Explanation, QueryError> {
        let analyze = async {
            self.enter().await?;
            let mut stats = QueryStats::default();
            let preparing = Instant::now();
            let (plan, mut explanation) = self.planned(Query::explained_plan).await?;
            let root = self.bind(plan).await?;
            stats.prepare = preparing.elapsed();
            let evaluating = Instant::now();
            drop(self.compute(&root, None).await?);
            stats.evaluate = evaluating.elapsed();
            stats.take_counters(&self.context.stats);
            explanation.set_physical(&root, true);
            explanation.stats = Some(stats);
            Ok(explanation)
        };
        self.context.contained(Box::pin(analyze)).await
    }

    /// The query begins: its time runs, and it waits for its place.
    async fn enter(&self) -> Result<(), QueryError> {
        self.context.start_clock();
        check_length(&self.statement.text, &self.engine.options)?;
        self.engine
            .enter(&self.context, is_long(&self.statement.text))
            .await?;
        self.context.check()
    }

    /// Parses and plans: here if the text is short, else on the engine's
    /// threads, with memory for what comes of it.
    async fn planned<T: Send + 'static>(
        &self,
        plan: fn(&Query) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        let text = &self.statement.text;
        if !is_long(text) {
            return plan(self);
        }
        self.context.reserve_lasting(bytes_of(text), "query text")?;
        let query = Query {
            engine: Arc::clone(&self.engine),
            statement: self.statement.clone(),
            target: self.target.clone(),
            options: self.options.clone(),
            context: Arc::clone(&self.context),
        };
        let planning = async move { plan(&query) };
        self.context.run_unyielding(planning).await
    }

    fn lookback_ms(&self) -> i64 {
        // As in Prometheus, one below a millisecond finds nothing.
        let own = self.options.lookback_delta.map(millis);
        own.unwrap_or_else(|| millis(self.engine.options.lookback_delta).max(1))
    }

    fn use_start_timestamps(&self) -> bool {
        let own = self.options.use_start_timestamps;
        own.unwrap_or(self.engine.options.use_start_timestamps)
    }

    fn grid(&self) -> Grid {
        self.target.times.grid()
    }

    fn rule_context(&self) -> RuleContext<'_> {
        RuleContext {
            query: &self.statement.text,
            counts_samples: self.context.semantics.counts_steps,
        }
    }

    /// The plan after all rules: the text's last one, if it was made for the same
    /// times but for their start.
    fn optimized(&self) -> Result<Arc<LogicalPlan>, QueryError> {
        let options = self.plan_options();
        let parsed = self.statement.parsed(&self.engine.options)?;
        let counts = self.context.semantics.counts_steps;
        if let Some(plan) = parsed.plan_at(&options, counts) {
            return Ok(plan);
        }
        let mut plan = self.built(&options)?;
        rules::optimize(&mut plan, self.rule_context());
        let plan = Arc::new(plan);
        parsed.keep_plan(&options, counts, &plan);
        Ok(plan)
    }

    /// The plan after all rules, and what each of them did.
    fn explained_plan(&self) -> Result<(Arc<LogicalPlan>, Explanation), QueryError> {
        let mut plan = self.built(&self.plan_options())?;
        let explanation = Explanation::of_plan(&mut plan, self.rule_context());
        Ok((Arc::new(plan), explanation))
    }

    fn plan_options(&self) -> PlanOptions {
        // A plan's step is 0 in an instant query.
        let (start, end, step_ms) = match self.target.times {
            QueryTimes::Instant(at) => (at, at, 0),
            QueryTimes::Range(range) => (range.start(), range.end(), range.step_millis()),
        };
        let subquery_step = self.options.subquery_step.as_ref();
        PlanOptions {
            start_ms: start.as_millis(),
            end_ms: end.as_millis(),
            step_ms,
            lookback_delta_ms: self.lookback_ms(),
            subquery_step: Arc::clone(subquery_step.unwrap_or(&self.engine.options.subquery_step)),
            use_start_timestamps: self.use_start_timestamps(),
            downsampled: self.options.max_resolution_ms > 0,
        }
    }

    /// The plan before all rules.
    fn built(&self, options: &PlanOptions) -> Result<LogicalPlan, QueryError> {
        let parsed = self.statement.parsed(&self.engine.options)?;
        let plan = logical::build(parsed.tree().expr(), &self.statement.text, options)?;
        self.check_steps(&plan, options.grid())?;
        Ok(plan)
    }

    /// Refuses grids whose steps alone are too many, before any buffer is
    /// made for them.
    fn check_steps(&self, root: &LogicalPlan, grid: Grid) -> Result<(), QueryError> {
        let limit = self.context.max_samples();
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let inner_most = most.clamp(SMALL_GRID, MAX_STEPS);
        let fits = grid.len <= most.min(MAX_STEPS) && cost::longest_grid(root) <= inner_most;
        if fits {
            Ok(())
        } else {
            Err(LimitError::Samples { limit }.into())
        }
    }

    async fn run(&self) -> Result<Ran, QueryError> {
        let (root, stats) = self.begin().await?;
        self.finish_run(root, stats).await
    }

    /// All that comes before the first sample.
    async fn begin(&self) -> Result<(Root, QueryStats), QueryError> {
        let mut stats = QueryStats::default();
        let queued = Instant::now();
        self.enter().await?;
        stats.queue = queued.elapsed();
        let preparing = Instant::now();
        let plan = self.planned(Query::optimized).await?;
        let root = self.bind(plan).await?;
        stats.prepare = preparing.elapsed();
        Ok((root, stats))
    }

    async fn finish_run(&self, root: Root, mut stats: QueryStats) -> Result<Ran, QueryError> {
        let evaluating = Instant::now();
        let (value, shaping) = self.compute(&root, self.max_series()).await?;
        stats.evaluate = evaluating.elapsed().saturating_sub(shaping);
        stats.result = shaping;
        Ok(Ran {
            value,
            stats,
            operators: self.options.operator_stats.then(|| root.operators()),
        })
    }

    fn check_selected(&self, series: u64) -> Result<(), QueryError> {
        let options = &self.engine.options;
        match least(
            options.max_selected_series,
            self.options.max_selected_series,
        ) {
            Some(limit) if series > limit => Err(LimitError::SelectedSeries { limit }.into()),
            _ => Ok(()),
        }
    }

    /// From the optimized plan to the physical one.
    async fn bind(&self, plan: Arc<LogicalPlan>) -> Result<Root, QueryError> {
        if let Some(counts) = &self.context.step_counts {
            counts.learn(&plan, self.grid());
        }
        let mut selections = self.admitted(&plan).await?;
        selections.keep();
        self.context.set_inline(cost::is_small(
            &plan,
            &selections,
            self.engine.options.inline_samples,
        ));
        self.expect_morsels(&plan, &selections)?;
        let (context, grid) = (Arc::clone(&self.context), self.grid());
        let instant = matches!(self.target.times, QueryTimes::Instant(_));
        // Labels of many series take their time: not on the caller's thread.
        let binding =
            async move { Root::bind(&plan, &context, &selections, (grid, instant)).await };
        self.context.run(binding).await
    }

    /// The series of all selectors. They show what the query costs: a heavy one
    /// needs a place of its kind, and if it has to wait for that, it lets go of
    /// what it has selected and selects again afterwards.
    async fn admitted(&self, plan: &Arc<LogicalPlan>) -> Result<Selections, QueryError> {
        if is_long(&self.statement.text) {
            return self.selected(plan, None).await;
        }
        let (engine, context) = (Arc::clone(&self.engine), Arc::clone(&self.context));
        let gate: Gate = Arc::new(move || engine.try_enter_heavy(&context));
        let selected = self.selected(plan, Some(Arc::clone(&gate))).await;
        if !self.context.take_turned_heavy() {
            let selections = selected?;
            if cost::is_light(plan, &selections) || self.context.is_heavy() || gate() {
                return Ok(selections);
            }
        }
        self.engine.enter_heavy(&self.context).await?;
        self.selected(plan, None).await
    }

    async fn selected(
        &self,
        plan: &Arc<LogicalPlan>,
        gate: Option<Gate>,
    ) -> Result<Selections, QueryError> {
        let selections = self.select(plan, gate).await?;
        self.check_selected(selections.series() as u64)?;
        Ok(selections)
    }

    /// Asks the store for the series of all selectors: here if the store is small,
    /// or answers at once, or the caller brings them, else on the engine's threads.
    async fn select(
        &self,
        plan: &Arc<LogicalPlan>,
        gate: Option<Gate>,
    ) -> Result<Selections, QueryError> {
        let selects = plan.selects();
        if selects.is_empty() {
            return Ok(Selections::default());
        }
        let range = time_range(&selects, self.context.semantics.max_resolution_ms);
        let view = async { Ok(storage::snapshot(&*self.target.storage, range).await?) };
        let snapshot: Arc<dyn Snapshot> = self.context.guard(view).await?;
        self.context.add_storage_warnings(snapshot.warnings());
        let control = StoreControl::new(&self.context, gate.clone());
        let series = snapshot.series_count();
        if snapshot.is_fed_by_caller() || series.is_some_and(|n| n <= INLINE_SERIES) {
            let asking = Selections::load(&selects, &*snapshot, &self.context, control);
            return self.context.guard(asking).await;
        }
        if series.is_some() {
            let asking = Selections::load(&selects, &*snapshot, &self.context, control.brief());
            let asked = self.context.guard(asking).await;
            if !self.context.take_turned_long() {
                return asked;
            }
        }
        let may_turn_heavy = gate.is_some();
        let control = StoreControl::new(&self.context, gate);
        let (plan, context) = (Arc::clone(plan), Arc::clone(&self.context));
        let asking = async move {
            let control = if may_turn_heavy {
                control.short()
            } else {
                control
            };
            Selections::load(&plan.selects(), &*snapshot, &context, control).await
        };
        match may_turn_heavy {
            true => self.context.run_within_runtime(asking).await,
            false => self.context.run_unyielding(asking).await,
        }
    }

    /// Counts what all scans will do, those behind pipeline breakers as well,
    /// so that progress never goes back.
    fn expect_morsels(
        &self,
        plan: &LogicalPlan,
        selections: &Selections,
    ) -> Result<(), QueryError> {
        let mut nodes = plan.nodes();
        // The copies of a common subtree are scanned once.
        nodes.sort_by_key(|plan| plan.node.id);
        nodes.dedup_by_key(|plan| plan.node.id);
        for plan in nodes {
            let PlanOp::Window(window) = &plan.op else {
                continue;
            };
            let rows = selections.of(plan.node.id)?.labels.len();
            let items = RowItems::new(plan.node.grid.len, window.select.time_range);
            let morsels = Morsels::count_of(rows, items);
            self.context.stats.expect_morsels(morsels);
        }
        Ok(())
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
        let computed = self.context.run(computing).await?;
        self.context.stats.finished.store(true, Ordering::Relaxed);
        Ok(computed)
    }
}
