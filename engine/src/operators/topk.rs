//! `topk` and `bottomk`: what the reference's heap keeps, replayed for each
//! step with the rows in the order in which they arrive, which decides ties.

use std::fmt;
use std::sync::Arc;

use quarrel_functions::aggregate::{KeepOrder, TopK as Heaps};
use quarrel_planner::ast::{AggregateOp, Span};
use quarrel_planner::logical::{Plan, PlanOp};
use rustc_hash::FxHashMap;

use super::aggregate::grouping::{self, Groups};
use super::broadcast;
use super::params::{Params, Values};
use crate::batch::Rows;
use crate::bind::{Binder, Bound};
use crate::error::QueryError;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};

/// Parameters at and beyond these are refused, as they are no int64.
const MIN_PARAMETER: f64 = -9_223_372_036_854_775_808.0;
const MAX_PARAMETER: f64 = 9_223_372_036_854_774_784.0;

#[derive(Debug)]
struct TopK {
    order: KeepOrder,
    limit: Params,
    groups: Vec<u32>,
    count: usize,
    steps: usize,
    span: Span,
}

/// Binds `topk` or `bottomk`.
pub(crate) fn bind(
    binder: &Binder<'_>,
    plan: &Plan,
    op: AggregateOp,
    param: Option<&Plan>,
    input: &Plan,
) -> Result<Bound, QueryError> {
    let PlanOp::Aggregate {
        grouping, without, ..
    } = &plan.op
    else {
        return Err(QueryError::Internal("not an aggregation".into()));
    };
    let input = broadcast::bind(binder.bind(input)?, plan.grid);
    let Groups { of_row, labels } =
        grouping::group(&input.labels, grouping, *without, &binder.context.symbols);
    let row_labels = input.row_labels();
    let mut inputs = vec![input];
    let limit = Params::bind(binder, param, plan.grid, &mut inputs)?;
    let order = if op == AggregateOp::TopK {
        KeepOrder::Top
    } else {
        KeepOrder::Bottom
    };
    let topk = TopK {
        order,
        limit,
        groups: of_row,
        count: labels.len(),
        steps: plan.grid.len,
        span: plan.span,
    };
    Ok(Bound::whole(Arc::new(topk), inputs, row_labels, plan.grid))
}

impl Operator for TopK {
    fn name(&self) -> &'static str {
        match self.order {
            KeepOrder::Top => "TopK",
            KeepOrder::Bottom => "BottomK",
        }
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            ": k={} groups={} of {}",
            self.limit,
            self.count,
            self.groups.len()
        )
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move { self.compute(&run).await })
    }
}

impl TopK {
    async fn compute(&self, run: &Run) -> Result<Output, QueryError> {
        let params = self.limit.get(run).await?;
        let Some(limit) = params.first() else {
            return Err(QueryError::Internal("topk without a parameter".into()));
        };
        let collecting = run.inputs[0].collect(self.groups.len(), &run.context, "topk");
        let (input, mut account) = collecting.await?;
        if !self.check(limit)? {
            return Ok(Output::default());
        }
        let arrived: Vec<u32> = input.arrived().map(|row| row.series).collect();
        let mut groups: Vec<Option<Heaps>> = vec![None; self.count];
        let mut order = Vec::new();
        let mut present = Vec::new();
        for (ordinal, row) in input.arrived().enumerate() {
            let group = self.groups[row.series as usize] as usize;
            if groups[group].is_none() {
                order.push(group);
                account.grow(self.steps * 40)?;
                let heaps = Heaps::new(self.order, limit.param(), self.steps, arrived.len());
                groups[group] = Some(heaps);
            }
            let Some(heaps) = &mut groups[group] else {
                continue;
            };
            let marks = if row.is_full() {
                None
            } else {
                present.resize(row.values.len(), false);
                row.write_presence(&mut present);
                Some(&present[..])
            };
            heaps.add(ordinal as u32, row.first_step as usize, row.values, marks);
        }
        let groups = order.into_iter().filter_map(|group| groups[group].take());
        if self.steps == 1 {
            Ok(best_first(groups, &arrived))
        } else {
            self.rows(groups, &input, &arrived, &mut account)
        }
    }

    /// Whether any step keeps anything.
    fn check(&self, limit: &Values) -> Result<bool, QueryError> {
        let (mut least, mut most, mut nan) = (f64::INFINITY, f64::NEG_INFINITY, false);
        for value in limit.iter(self.steps) {
            nan |= value.is_nan();
            least = least.min(value);
            most = most.max(value);
        }
        if nan {
            return Err(QueryError::execution("Parameter value is NaN", self.span));
        }
        if most < 1.0 {
            return Ok(false);
        }
        let beyond = |value: f64, way: &str| {
            let value = quarrel_functions::fmt::format_g(value);
            QueryError::execution(format!("Scalar value {value} {way} int64"), self.span)
        };
        if least <= MIN_PARAMETER {
            return Err(beyond(least, "underflows"));
        }
        if most >= MAX_PARAMETER {
            return Err(beyond(most, "overflows"));
        }
        Ok(true)
    }

    /// Rows cut to the steps at which they were kept.
    fn rows(
        &self,
        groups: impl Iterator<Item = Heaps>,
        input: &Rows,
        arrived: &[u32],
        account: &mut crate::exec::context::Account,
    ) -> Result<Output, QueryError> {
        let mut kept: FxHashMap<u32, Vec<bool>> = FxHashMap::default();
        for mut heaps in groups {
            for step in 0..self.steps {
                for &(_, ordinal) in heaps.finish_step(step) {
                    let marks = match kept.entry(ordinal) {
                        std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                        std::collections::hash_map::Entry::Vacant(entry) => {
                            account.grow(self.steps)?;
                            entry.insert(vec![false; self.steps])
                        }
                    };
                    marks[step] = true;
                }
            }
        }
        let mut output = Output::default();
        for (ordinal, &series) in arrived.iter().enumerate() {
            let (Some(marks), Some(row)) = (kept.get(&(ordinal as u32)), input.get(series)) else {
                continue;
            };
            let first = row.first_step as usize;
            output.push(
                series,
                row.first_step,
                row.values,
                &marks[first..first + row.values.len()],
            );
        }
        Ok(output)
    }
}

/// An instant query's rows: group by group, the best of each first.
fn best_first(groups: impl Iterator<Item = Heaps>, arrived: &[u32]) -> Output {
    let mut output = Output::default();
    for mut heaps in groups {
        for &(value, ordinal) in heaps.finish_step(0) {
            output.push(arrived[ordinal as usize], 0, &[value], &[true]);
        }
    }
    output
}
