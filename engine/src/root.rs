//! The root of a query: from its physical plan to an answer.

use std::sync::Arc;

use futures::StreamExt;
use quarrel_functions::grid::Grid;

use crate::batch::SeriesBatch;
use crate::error::{LimitError, QueryError};
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::memory::Held;
use crate::exec::operator::{Input, series_batch};
use crate::exec::plan_node::PlanNode;
use crate::labels::LabelList;
use crate::operators::raw::{RawRoot, RawSeries};
use crate::result::{Samples, SeriesSet, Value};

/// What stands at the root.
#[derive(Clone, Debug)]
pub(crate) enum Root {
    /// A string.
    Text { at_ms: i64, text: String },
    /// Rows over the query's times.
    Rows {
        plan: Arc<PlanNode>,
        labels: Arc<LabelList>,
        grid: Grid,
        scalar: bool,
        instant: bool,
    },
    /// Samples as they are.
    Raw(Arc<RawRoot>),
}

/// What the root computed.
#[derive(Debug)]
pub(crate) enum Computed {
    Nothing,
    Rows(Vec<SeriesBatch>, Account),
    Raw(Vec<RawSeries>, Account),
}

impl Root {
    /// Computes all rows.
    pub async fn compute(&self, context: &Arc<QueryContext>) -> Result<Computed, QueryError> {
        match self {
            Root::Text { .. } => Ok(Computed::Nothing),
            Root::Raw(raw) => {
                let (series, account) = raw.compute(context).await?;
                Ok(Computed::Raw(series, account))
            }
            Root::Rows { plan, .. } => {
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
            (
                Computed::Rows(batches, account),
                Root::Rows {
                    labels,
                    grid,
                    scalar,
                    instant,
                    ..
                },
            ) => {
                if *scalar && *instant {
                    let value = batches.first().map_or(f64::NAN, |b| b.row(0).values[0]);
                    return Ok(Value::Scalar {
                        timestamp: grid.start_ms,
                        value,
                    });
                }
                check(batches.iter().map(SeriesBatch::len).sum())?;
                let held = held(account, labels, context);
                let set = rows_set(batches, (labels, *grid), context, !*instant, held);
                Ok(if *instant {
                    Value::Vector(set)
                } else {
                    Value::Matrix(set)
                })
            }
            _ => Err(QueryError::Internal(
                "the answer is not of its root's kind".into(),
            )),
        }
    }
}

/// What an answer holds of the query's memory: its samples, its labels, and the
/// strings of these.
fn held(account: Account, labels: &LabelList, context: &QueryContext) -> Arc<[Held]> {
    let strings = context.symbols.bytes();
    let labels = context.hand_on_lasting(labels.bytes() + strings);
    Arc::new([account.hand_on(), labels])
}

fn rows_set(
    batches: Vec<SeriesBatch>,
    (labels, grid): (&Arc<LabelList>, Grid),
    context: &QueryContext,
    sorted: bool,
    held: Arc<[Held]>,
) -> SeriesSet {
    let mut order: Vec<(u32, u32)> = batches
        .iter()
        .enumerate()
        .flat_map(|(b, batch)| (0..batch.len()).map(move |r| (b as u32, r as u32)))
        .collect();
    if sorted {
        let symbols = context.symbols.read();
        let labels_of =
            |(b, r): &(u32, u32)| labels.get(batches[*b as usize].row(*r as usize).series as usize);
        order.sort_by(|a, b| symbols.compare(labels_of(a), labels_of(b)));
    }
    SeriesSet {
        symbols: Arc::clone(&context.symbols),
        labels: Arc::clone(labels),
        samples: Arc::new(Samples::Grid { grid, batches }),
        from: 0,
        len: order.len(),
        order: order.into(),
        _held: held,
    }
}

fn raw_set(
    mut series: Vec<RawSeries>,
    labels: &Arc<LabelList>,
    context: &QueryContext,
    held: Arc<[Held]>,
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
