//! Nodes whose labels depend on evaluated samples, and joins of so many with so
//! many that labels alone do not tell what can meet. Their inputs are run while
//! binding; what comes out is rows at hand, with labels.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use quarrel_functions::grid::Grid;
use quarrel_functions::table::{HistogramFunction, Kind};
use quarrel_planner::ast::AggregateOp;
use quarrel_planner::logical::{Plan, PlanOp};

use super::selections::Selections;
use super::{Binder, Bound, Marks, QueryTimes, lower_root};
use crate::batch::{Rows, SeriesBatch};
use crate::error::QueryError;
use crate::exec::context::{Account, QueryContext};
use crate::exec::operator::Input;
use crate::labels::LabelList;
use crate::operators;
use crate::operators::params::Values;

/// Rows that are there already.
#[derive(Debug, Clone)]
pub(crate) struct LateRows {
    /// Their labels.
    pub labels: Arc<LabelList>,
    /// Whether no two are equal.
    pub unique: bool,
    /// Which lose their name in the answer.
    pub marks: Marks,
    /// Their evaluation times.
    pub grid: Grid,
    /// The rows.
    pub batches: Arc<Vec<SeriesBatch>>,
    /// What they hold of the query's memory.
    pub account: Arc<Account>,
}

/// Nodes whose labels depend on samples.
#[derive(Debug, Clone, Copy)]
enum LateKind {
    CountValues,
    Quantiles,
    Info,
}

fn late_kind(plan: &Plan) -> Option<LateKind> {
    match &plan.op {
        PlanOp::Aggregate {
            op: AggregateOp::CountValues,
            ..
        } => Some(LateKind::CountValues),
        PlanOp::Info { .. } => Some(LateKind::Info),
        PlanOp::Histogram { function, .. } => match function.kind {
            Kind::Histogram(HistogramFunction::Quantiles) => Some(LateKind::Quantiles),
            _ => None,
        },
        _ => None,
    }
}

/// The late nodes of a plan, inner ones first.
fn late_nodes(plan: &Plan) -> Vec<(&Plan, LateKind)> {
    let mut out = Vec::new();
    let mut stack = vec![plan];
    while let Some(plan) = stack.pop() {
        if let Some(kind) = late_kind(plan) {
            out.push((plan, kind));
        }
        stack.extend(plan.inputs());
    }
    out.sort_by_key(|(plan, _)| plan.id);
    out
}

/// Binds a plan, and computes what has to be there before.
pub(crate) struct Late<'a> {
    plan: &'a Plan,
    context: &'a Arc<QueryContext>,
    times: QueryTimes,
    selections: &'a Selections,
    done: HashMap<u32, LateRows>,
}

impl<'a> Late<'a> {
    /// Evaluates all late nodes of a plan.
    ///
    /// # Errors
    /// Those of the nodes' inputs, and the query's limits.
    pub async fn evaluate(
        plan: &'a Plan,
        context: &'a Arc<QueryContext>,
        times: QueryTimes,
        selections: &'a Selections,
    ) -> Result<Self, QueryError> {
        let mut late = Late {
            plan,
            context,
            times,
            selections,
            done: HashMap::new(),
        };
        for (node, kind) in late_nodes(plan) {
            let rows = match kind {
                LateKind::CountValues => late.count_values(node).await?,
                LateKind::Quantiles => late.quantiles(node).await?,
                LateKind::Info => late.info(node).await?,
            };
            late.done.insert(node.id, rows);
        }
        Ok(late)
    }

    async fn count_values(&mut self, node: &Plan) -> Result<LateRows, QueryError> {
        let PlanOp::Aggregate { input, .. } = &node.op else {
            return Err(QueryError::Internal("not an aggregation".into()));
        };
        let (bound, rows) = self.collect(input, None, "count_values").await?;
        let (labels, grid) = (&bound.labels, bound.grid);
        operators::count_values::evaluate(self.context, node, labels, grid, rows)
    }

    async fn quantiles(&mut self, node: &Plan) -> Result<LateRows, QueryError> {
        use operators::histogram::quantiles::{self, Asked};
        let (input, _, params) = quantiles::parts(node)?;
        let mut asked = Vec::new();
        for param in params {
            let (_, (rows, _account)) = self.collect(param, None, "parameter").await?;
            asked.push(Asked {
                span: param.argument_span,
                values: Values::of_rows(&rows, node.grid.len)?,
            });
        }
        let (bound, rows) = self
            .collect(input, Some(node.grid), "histogram_quantiles")
            .await?;
        let binder = Binder::new(self.context, self.times, self.selections, &self.done);
        quantiles::evaluate(&binder, node, &bound, rows, &asked)
    }

    async fn info(&mut self, node: &Plan) -> Result<LateRows, QueryError> {
        use operators::info::{self, Collected};
        let parts = info::parts(node)?;
        let (bound, (rows, account)) = self.collect(parts.input, Some(node.grid), "info").await?;
        let series = self
            .bind(|binder| {
                let bound = binder.bind(parts.series)?;
                Ok(operators::broadcast::bind(bound, node.grid))
            })
            .await?;
        let keep = info::wanted(self.context, parts, (&bound, &rows), &series);
        series.prune(&keep);
        let (info_rows, info_account) = self.rows_of(&series, "info").await?;
        let base = Collected {
            bound,
            rows,
            account,
        };
        let series = Collected {
            bound: series,
            rows: info_rows,
            account: info_account,
        };
        info::evaluate(self.context, node, base, series, &keep)
    }

    /// Binds with all late rows at hand. Joins whose table would be too large
    /// without knowing which rows have samples get their inputs computed first.
    ///
    /// # Errors
    /// Those of `bind`, and those of joins' inputs.
    pub async fn bind<T>(
        &mut self,
        bind: impl Fn(&Binder<'_>) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        loop {
            let wanted = {
                let binder = Binder::new(self.context, self.times, self.selections, &self.done);
                match bind(&binder) {
                    Ok(bound) => return Ok(bound),
                    Err(error) => binder.rows_wanted().ok_or(error)?,
                }
            };
            let join = node_of(self.plan, wanted)?;
            for input in join.inputs() {
                if !self.done.contains_key(&input.id) {
                    self.rows_at_hand(input, join.grid).await?;
                }
            }
        }
    }

    /// Computes a node's rows at the times of the node above, and keeps those
    /// that have samples.
    fn rows_at_hand<'s>(
        &'s mut self,
        node: &'s Plan,
        grid: Grid,
    ) -> BoxFuture<'s, Result<(), QueryError>> {
        async move {
            let (bound, (rows, account)) = self.collect(node, Some(grid), "join").await?;
            let rows = LateRows::present(&bound, rows, account);
            self.done.insert(node.id, rows);
            Ok(())
        }
        .boxed()
    }

    /// Computes a node, over `grid` if it is given.
    async fn collect(
        &mut self,
        node: &Plan,
        grid: Option<Grid>,
        what: &'static str,
    ) -> Result<(Bound, (Rows, Account)), QueryError> {
        let bound = self
            .bind(|binder| {
                let bound = binder.bind(node)?;
                Ok(match grid {
                    Some(grid) => operators::broadcast::bind(bound, grid),
                    None => bound,
                })
            })
            .await?;
        let rows = self.rows_of(&bound, what).await?;
        Ok((bound, rows))
    }

    /// Computes the rows of a bound node.
    async fn rows_of(
        &self,
        bound: &Bound,
        what: &'static str,
    ) -> Result<(Rows, Account), QueryError> {
        let lowered = lower_root(bound, self.context);
        let collecting = Input::new(lowered as _).collect(bound.labels.len(), self.context, what);
        self.context.run(collecting).await
    }
}

fn node_of(plan: &Plan, id: u32) -> Result<&Plan, QueryError> {
    let mut stack = vec![plan];
    while let Some(plan) = stack.pop() {
        if plan.id == id {
            return Ok(plan);
        }
        stack.extend(plan.inputs());
    }
    Err(QueryError::Internal(format!("there is no plan node {id}")))
}

impl LateRows {
    /// The rows of a node that have samples.
    fn present(bound: &Bound, rows: Rows, account: Account) -> Self {
        let order: Vec<u32> = rows.arrived().map(|row| row.series).collect();
        let mut number = vec![0; rows.capacity()];
        for (i, &row) in order.iter().enumerate() {
            number[row as usize] = i as u32;
        }
        let renumbered = rows
            .into_batches()
            .into_iter()
            .map(|batch| batch.renumber(|row| number[row as usize]));
        LateRows {
            labels: Arc::new(bound.labels.take(&order)),
            unique: bound.unique,
            marks: bound.marks.take(&order),
            grid: bound.grid,
            batches: Arc::new(renumbered.collect()),
            account: Arc::new(account),
        }
    }

    /// All rows, found by number.
    pub fn rows(&self) -> Rows {
        let mut rows = Rows::new(self.labels.len());
        for batch in self.batches.iter() {
            rows.add(batch.clone());
        }
        rows
    }
}
