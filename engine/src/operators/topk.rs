//! `topk` and `bottomk`: what Prometheus's heap keeps, replayed for each
//! step with the rows in the order in which they arrive, which decides ties.
//! Groups come one after the other, so that one group's heaps live at a time.

use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use quarrel_functions::aggregate::{KeepOrder, TopK as Heaps, limit_of};
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{Aggregate, NodeInfo};
use rustc_hash::FxHashMap;

use super::aggregate::grouping::{self, Grouped};
use super::params::{Params, Values};
use crate::batch::{Row, Rows};
use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
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
    node: u32,
    span: Span,
}

/// Binds `topk` or `bottomk`, of which `order` tells which.
pub(crate) fn bind(
    context: &QueryContext,
    node: NodeInfo,
    aggregate: &Aggregate,
    order: KeepOrder,
    (param, input): (Option<Bound>, Bound),
) -> Bound {
    let grouped = Grouped::new(context, node, aggregate, param, input);
    let topk = TopK {
        order,
        limit: grouped.param,
        groups: grouped.groups.of_row,
        count: grouped.groups.labels.len(),
        steps: node.grid.len,
        node: node.id,
        span: node.span,
    };
    Bound::whole(Arc::new(topk), grouped.inputs, grouped.labels, node.grid)
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
        let limit = &self.limit.only(run, "topk").await?;
        let collecting = run.inputs[0].collect(self.groups.len(), &run.context, "topk");
        let (input, mut account) = collecting.await?;
        if !keeps_any(limit, self.steps, self.span)? {
            return Ok(Output::new(&run.context, "topk"));
        }
        self.annotate_ignored(run, limit, &input);
        let arrived: Vec<u32> = input.arrived().map(|row| row.series).collect();
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); self.count];
        let mut order = Vec::new();
        for (ordinal, &series) in arrived.iter().enumerate() {
            let group = self.groups[series as usize] as usize;
            if members[group].is_empty() {
                order.push(group);
            }
            members[group].push(ordinal as u32);
        }
        let mut kept = Selected {
            arrived: &arrived,
            steps: self.steps,
            drop_names: FxHashMap::default(),
            account: &mut account,
            best: Output::new(&run.context, "topk"),
        };
        for group in order {
            run.context.check()?;
            let bytes = self.heap_bytes(limit, &members[group], &arrived, &input);
            kept.account.grow(bytes)?;
            let mut heaps = Heaps::new(self.order, limit.param(), self.steps, arrived.len());
            self.fill(&mut heaps, &members[group], &arrived, &input);
            kept.take(heaps)?;
            kept.account.shrink(bytes);
        }
        if self.steps == 1 {
            Ok(kept.best)
        } else {
            kept.rows(&input)
        }
    }

    /// Bytes that the heaps of a group can come to.
    fn heap_bytes(&self, limit: &Values, members: &[u32], arrived: &[u32], input: &Rows) -> usize {
        let limits: usize = limit
            .iter(self.steps)
            .map(|k| limit_of(k, members.len()))
            .sum();
        let items: usize = members
            .iter()
            .filter_map(|&ordinal| input.get(arrived[ordinal as usize]))
            .map(|row| row.values.len())
            .sum();
        // A vector that grows has up to twice the room that it needs.
        self.steps * 32 + limits.min(items) * 32
    }

    /// Says that histograms are passed over where anything is kept.
    fn annotate_ignored(&self, run: &Run, limit: &Values, input: &Rows) {
        let counts = |step: usize| limit.param().at(step) >= 1.0;
        let is_ignored = |row: Row<'_>| {
            let first = row.first_step as usize;
            row.histograms().any(|(i, _)| counts(first + i))
        };
        if input.arrived().any(is_ignored) {
            let name = match self.order {
                KeepOrder::Top => "topk",
                KeepOrder::Bottom => "bottomk",
            };
            grouping::annotate_ignored(&run.context, self.node, self.span, name);
        }
    }

    fn fill(&self, heaps: &mut Heaps, members: &[u32], arrived: &[u32], input: &Rows) {
        let mut present = Vec::new();
        for &ordinal in members {
            let Some(row) = input.get(arrived[ordinal as usize]) else {
                continue;
            };
            let drop_names = if row.is_full() {
                None
            } else {
                present.resize(row.values.len(), false);
                row.write_presence(&mut present);
                Some(&present[..])
            };
            heaps.add(ordinal, row.first_step as usize, row.values, drop_names);
        }
    }
}

/// Whether any step keeps anything, by the parameter of `topk` and its like.
///
/// # Errors
/// When the parameter is no number of rows at some step.
pub(super) fn keeps_any(limit: &Values, steps: usize, span: Span) -> Result<bool, QueryError> {
    let (mut least, mut most, mut nan) = (f64::INFINITY, f64::NEG_INFINITY, false);
    for value in limit.iter(steps) {
        nan |= value.is_nan();
        least = least.min(value);
        most = most.max(value);
    }
    if nan {
        return Err(QueryError::execution("Parameter value is NaN", span));
    }
    if most < 1.0 {
        return Ok(false);
    }
    let beyond = |value: f64, way: &str| {
        let value = quarrel_functions::fmt::format_g(value);
        QueryError::execution(format!("Scalar value {value} {way} int64"), span)
    };
    if least <= MIN_PARAMETER {
        return Err(beyond(least, "underflows"));
    }
    if most >= MAX_PARAMETER {
        return Err(beyond(most, "overflows"));
    }
    Ok(true)
}

/// What the heaps kept, group by group.
struct Selected<'a> {
    /// The number of each row by its ordinal.
    arrived: &'a [u32],
    steps: usize,
    /// For each kept row, by ordinal, the steps at which it was kept.
    drop_names: FxHashMap<u32, Vec<bool>>,
    account: &'a mut Account,
    /// An instant query's rows: group by group, the best of each first.
    best: Output,
}

impl Selected<'_> {
    fn take(&mut self, mut heaps: Heaps) -> Result<(), QueryError> {
        if self.steps == 1 {
            for &(value, ordinal) in heaps.finish_step(0) {
                let series = self.arrived[ordinal as usize];
                self.best.push(series, 0, &[value], &[true])?;
            }
            return Ok(());
        }
        for step in 0..self.steps {
            for &(_, ordinal) in heaps.finish_step(step) {
                let drop_names = match self.drop_names.entry(ordinal) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => {
                        self.account.grow(self.steps)?;
                        entry.insert(vec![false; self.steps])
                    }
                };
                drop_names[step] = true;
            }
        }
        Ok(())
    }

    /// Rows cut to the steps at which they were kept.
    fn rows(self, input: &Rows) -> Result<Output, QueryError> {
        let mut output = self.best;
        for (ordinal, &series) in self.arrived.iter().enumerate() {
            let (Some(drop_names), Some(row)) =
                (self.drop_names.get(&(ordinal as u32)), input.get(series))
            else {
                continue;
            };
            let first = row.first_step as usize;
            output.push_kept(series, &row, |i| drop_names[first + i])?;
        }
        Ok(output)
    }
}
