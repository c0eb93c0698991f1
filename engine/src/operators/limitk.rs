//! `limitk`: the first rows of each group, step by step, whatever their values.

use std::fmt;
use std::sync::Arc;

use quarrel_functions::aggregate::{Selected, heap_order, limit_of};
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{Aggregate, NodeInfo};

use super::aggregate::grouping::Grouped;
use super::params::{Params, Values};
use super::topk::keeps_any;
use crate::batch::Rows;
use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};

#[derive(Debug)]
struct LimitK {
    limit: Params,
    groups: Vec<u32>,
    count: usize,
    steps: usize,
    span: Span,
}

/// Binds `limitk`.
pub(crate) fn bind(
    context: &QueryContext,
    node: NodeInfo,
    aggregate: &Aggregate,
    (param, input): (Option<Bound>, Bound),
) -> Bound {
    let grouped = Grouped::new(context, node, aggregate, param, input);
    let limitk = LimitK {
        limit: grouped.param,
        groups: grouped.groups.of_row,
        count: grouped.groups.labels.len(),
        steps: node.grid.len,
        span: node.span,
    };
    Bound::whole(Arc::new(limitk), grouped.inputs, grouped.labels, node.grid)
}

impl Operator for LimitK {
    fn name(&self) -> &'static str {
        "LimitK"
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
        computed(async move {
            let limit = &self.limit.only(&run, "limitk").await?;
            let collecting = run.inputs[0].collect(self.groups.len(), &run.context, "limitk");
            let (input, mut account) = collecting.await?;
            let output = Output::new(&run.context, "limitk");
            if !keeps_any(limit, self.steps, self.span)? {
                return Ok(output);
            }
            account.grow(self.count * self.steps * 8)?;
            if self.steps == 1 {
                self.instant(limit, &input, output)
            } else {
                self.range(limit, &input, output)
            }
        })
    }
}

impl LimitK {
    /// An instant query's rows: group by group, each in the order of the
    /// reference's heap.
    fn instant(
        &self,
        limit: &Values,
        input: &Rows,
        mut output: Output,
    ) -> Result<Output, QueryError> {
        let limit = limit_of(limit.param().at(0), self.groups.len());
        let mut members: Vec<Vec<Selected>> = vec![Vec::new(); self.count];
        let mut order = Vec::new();
        for row in input.arrived() {
            let group = self.groups[row.series as usize] as usize;
            if members[group].is_empty() {
                order.push(group);
            }
            if members[group].len() < limit {
                // A histogram's value counts as 0 there.
                members[group].push((row.at_step(0).unwrap_or(0.0), row.series));
            }
        }
        for group in order {
            for (_, series) in heap_order(members[group].iter().copied()) {
                if let Some(row) = input.get(series) {
                    output.push_kept(series, &row, |_| true)?;
                }
            }
        }
        Ok(output)
    }

    /// Rows cut to the steps at which they are among the first.
    fn range(
        &self,
        limit: &Values,
        input: &Rows,
        mut output: Output,
    ) -> Result<Output, QueryError> {
        let limits: Vec<usize> = limit
            .iter(self.steps)
            .map(|k| limit_of(k, self.groups.len()))
            .collect();
        let mut taken: Vec<Vec<usize>> = vec![Vec::new(); self.count];
        let mut keep = Vec::new();
        for row in input.arrived() {
            let taken = &mut taken[self.groups[row.series as usize] as usize];
            taken.resize(self.steps, 0);
            let first = row.first_step as usize;
            keep.clear();
            keep.resize(row.values.len(), false);
            for i in row.samples() {
                keep[i] = taken[first + i] < limits[first + i];
                taken[first + i] += usize::from(keep[i]);
            }
            output.push_kept(row.series, &row, |i| keep[i])?;
        }
        Ok(output)
    }
}
