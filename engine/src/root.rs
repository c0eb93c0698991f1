//! The root of a query: from its physical plan to an answer.

use std::sync::Arc;

use futures::StreamExt;
use quarrel_functions::grid::Grid;
use quarrel_functions::table::ValueType;
use quarrel_planner::logical::LogicalPlan;

use crate::batch::SeriesBatch;
use crate::bound::{Bound, lower_root};
use crate::error::{LimitError, QueryError};
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::memory::Held;
use crate::exec::operator::{Input, series_batch};
use crate::exec::plan_node::PlanNode;
use crate::labels::LabelList;
use crate::operator_tree::OperatorTree;
use crate::operators::broadcast;
use crate::operators::raw::{RawRoot, RawSeries};
use crate::physical_planner;
use crate::result::{Samples, SeriesSet, Value};
use crate::selections::Selections;

/// What stands at the root.
#[derive(Clone, Debug)]
pub(crate) enum Root {
    /// A string.
    Text { at_ms: i64, text: String },
    /// Rows over the query's times.
    Rows(RootRows),
    /// Samples as they are.
    Raw(Arc<RawRoot>),
}

/// Rows over the query's times.
#[derive(Clone, Debug)]
pub(crate) struct RootRows {
    pub plan: Arc<PlanNode>,
    pub labels: Arc<LabelList>,
    pub grid: Grid,
    pub scalar: bool,
    pub instant: bool,
    /// Whether the plan gives rows in the answer's order.
    pub in_order: bool,
}

impl RootRows {
    /// What the answer is called.
    pub fn type_name(&self) -> &'static str {
        match (self.instant, self.scalar) {
            (true, true) => "scalar",
            (true, false) => "vector",
            (false, _) => "matrix",
        }
    }

    /// The answer of batches: all of them, or a part of those that are in order.
    pub fn answer(
        &self,
        batches: Vec<SeriesBatch>,
        context: &QueryContext,
        held: [Arc<Held>; 2],
    ) -> Value {
        let mut order: Vec<(u32, u32)> = batches
            .iter()
            .enumerate()
            .flat_map(|(b, batch)| (0..batch.len()).map(move |r| (b as u32, r as u32)))
            .collect();
        if !self.instant && !self.in_order {
            let symbols = context.symbols.read();
            let labels_of = |(b, r): &(u32, u32)| {
                let row = batches[*b as usize].row(*r as usize);
                self.labels.get(row.series as usize)
            };
            order.sort_by(|a, b| symbols.compare(labels_of(a), labels_of(b)));
        }
        let set = SeriesSet {
            symbols: Arc::clone(&context.symbols),
            labels: Arc::clone(&self.labels),
            samples: Arc::new(Samples::Grid {
                grid: self.grid,
                batches,
            }),
            from: 0,
            len: order.len(),
            order: order.into(),
            _held: held,
        };
        match self.instant {
            true => Value::Vector(set),
            false => Value::Matrix(set),
        }
    }
}

/// Whether rows come in the answer's order. Those of a chain above a scan come as
/// their labels stand in the node's list; an instant answer keeps that order.
fn in_order(bound: &Bound, context: &QueryContext, instant: bool) -> bool {
    let sorted = || {
        let symbols = context.symbols.read();
        let labels = &bound.labels;
        (1..labels.len()).all(|i| symbols.compare(labels.get(i - 1), labels.get(i)).is_le())
    };
    bound.morsels.is_some() && (instant || sorted())
}

/// What the root computed.
#[derive(Debug)]
pub(crate) enum Computed {
    Nothing,
    Rows(Vec<SeriesBatch>, Account),
    Raw(Vec<RawSeries>, Account),
}

impl Root {
    /// Binds and lowers what stands at the root of a plan.
    pub async fn bind(
        plan: &LogicalPlan,
        context: &Arc<QueryContext>,
        selections: &Selections,
        (grid, instant): (Grid, bool),
    ) -> Result<Root, QueryError> {
        Ok(match plan {
            LogicalPlan::Rows(plan) => {
                let bound = physical_planner::bind_root(plan, context, selections).await?;
                let bound = broadcast::bind(bound, grid);
                Root::Rows(RootRows {
                    labels: Arc::clone(&bound.labels),
                    plan: lower_root(&bound, context),
                    grid,
                    scalar: plan.value_type == ValueType::Scalar,
                    instant,
                    in_order: !context.is_inline() && in_order(&bound, context, instant),
                })
            }
            LogicalPlan::RawSelect(raw) => {
                let selection = selections.of(raw.node.id)?.clone();
                Root::Raw(Arc::new(RawRoot::of_select(context, raw, selection)))
            }
            LogicalPlan::RawSubquery(raw) => {
                let root = physical_planner::bind_raw_subquery(raw, context, selections).await?;
                Root::Raw(Arc::new(root))
            }
            LogicalPlan::Text(text) => Root::Text {
                at_ms: grid.start_ms,
                text: text.text.clone(),
            },
        })
    }

    /// The rows, if the answer has any that are not raw.
    pub fn rows(&self) -> Option<&RootRows> {
        match self {
            Root::Rows(rows) if !(rows.scalar && rows.instant) => Some(rows),
            _ => None,
        }
    }

    /// The operators, and what each did if it has run.
    pub fn operators(&self) -> OperatorTree {
        match self {
            Root::Text { text, .. } => {
                let text = format!("Text: {}", quarrel_functions::fmt::quote(text));
                OperatorTree::of_one("Text", text)
            }
            Root::Raw(raw) => raw.operators(),
            Root::Rows(rows) => rows.plan.operators(),
        }
    }

    /// Computes all rows.
    pub async fn compute(&self, context: &Arc<QueryContext>) -> Result<Computed, QueryError> {
        match self {
            Root::Text { .. } => Ok(Computed::Nothing),
            Root::Raw(raw) => {
                let (series, account) = raw.compute(context).await?;
                Ok(Computed::Raw(series, account))
            }
            Root::Rows(RootRows { plan, .. }) => {
                let mut account = context.account("result");
                let mut stream = Input::new(Arc::clone(plan) as _).open(0);
                let mut batches = Vec::new();
                while let Some(record) = stream.next().await {
                    let batch = series_batch(&record?)?;
                    account.grow(batch.bytes())?;
                    account.hold_samples(batch.items() as u64)?;
                    batches.push(batch);
                }
                Ok(Computed::Rows(batches, account))
            }
        }
    }
}

impl Computed {
    /// The answer in its order.
    pub fn into_value(
        self,
        root: &Root,
        context: &QueryContext,
        max_series: Option<u64>,
    ) -> Result<Value, QueryError> {
        let check = |series: usize| match max_series {
            Some(limit) if series as u64 > limit => Err(LimitError::Series { limit }.into()),
            _ => Ok::<_, QueryError>(()),
        };
        match (self, root) {
            (Computed::Nothing, Root::Text { at_ms, text }) => Ok(Value::String {
                timestamp: *at_ms,
                value: text.clone(),
            }),
            (Computed::Raw(series, account), Root::Raw(raw)) => {
                check(series.len())?;
                let held = held(account, &raw.labels, context);
                Ok(Value::Matrix(raw_set(series, &raw.labels, context, held)))
            }
            (Computed::Rows(batches, account), Root::Rows(rows)) => {
                if rows.scalar && rows.instant {
                    let value = batches.first().map_or(f64::NAN, |b| b.row(0).values[0]);
                    return Ok(Value::Scalar {
                        timestamp: rows.grid.start_ms,
                        value,
                    });
                }
                check(batches.iter().map(SeriesBatch::len).sum())?;
                let held = held(account, &rows.labels, context);
                Ok(rows.answer(batches, context, held))
            }
            _ => Err(QueryError::Internal(
                "the answer is not of its root's kind".into(),
            )),
        }
    }
}

/// What an answer holds of the query's memory: its samples and its labels.
fn held(account: Account, labels: &LabelList, context: &QueryContext) -> [Arc<Held>; 2] {
    let labels = hold_labels(labels, context);
    [Arc::new(account.hand_on()), Arc::new(labels)]
}

/// What labels, and the strings of all labels, hold of the query's memory.
pub(crate) fn hold_labels(labels: &LabelList, context: &QueryContext) -> Held {
    let strings = context.symbols.bytes();
    context.hand_on_lasting(labels.bytes() + strings)
}

fn raw_set(
    mut series: Vec<RawSeries>,
    labels: &Arc<LabelList>,
    context: &QueryContext,
    held: [Arc<Held>; 2],
) -> SeriesSet {
    let symbols = context.symbols.read();
    series.sort_by(|a, b| symbols.compare(labels.get(a.row as usize), labels.get(b.row as usize)));
    let order: Vec<(u32, u32)> = (0..series.len() as u32).map(|i| (i, 0)).collect();
    SeriesSet {
        symbols: Arc::clone(&context.symbols),
        labels: Arc::clone(labels),
        samples: Arc::new(Samples::Raw(series)),
        from: 0,
        len: order.len(),
        order: order.into(),
        _held: held,
    }
}
