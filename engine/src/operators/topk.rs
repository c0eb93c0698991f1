//! `topk` and `bottomk`: what Prometheus's heap keeps, replayed for each
//! step with the rows in the order in which they arrive, which decides ties.
//! Few groups take rows as they come, and keep nothing else. Many groups come one
//! after the other, so that one group's heaps live at a time; they need all rows
//! first.

use std::fmt;
use std::sync::Arc;

use futures::StreamExt;
use quarrel_functions::aggregate::{KeepOrder, TopK as Heaps, limit_of};
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{Aggregate, NodeInfo};
use rustc_hash::FxHashMap;

use super::aggregate::grouping::{self, Grouped};
use super::params::{Params, Values};
use crate::batch::{Row, Rows, SeriesBatch};
use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed, series_batch};

/// Parameters at and beyond these are refused, as they are no int64.
const MIN_PARAMETER: f64 = -9_223_372_036_854_775_808.0;
const MAX_PARAMETER: f64 = 9_223_372_036_854_774_784.0;

/// Most heaps, one for each group and step, of rows that are taken as they come.
const HEAPS_AT_ONCE: usize = 4096;

/// Bytes that a kept sample may come to: a vector that grows has up to twice the
/// room that it needs.
const KEPT_BYTES: usize = 32;

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
        if self.count.saturating_mul(self.steps) <= HEAPS_AT_ONCE {
            return self.compute_streamed(run, limit).await;
        }
        let collecting = run.inputs[0].collect(self.groups.len(), &run.context, "topk");
        let (input, mut account) = collecting.await?;
        if !keeps_any(limit, self.steps, self.span)? {
            return Ok(Output::new(&run.context, "topk"));
        }
        if input.arrived().any(|row| is_ignored(limit, row)) {
            self.annotate_ignored(run);
        }
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
        let mut kept = Selected::new(run, self.steps, &mut account);
        let mut present = Vec::new();
        for group in order {
            run.context.check()?;
            let bytes = self.heap_bytes(limit, &members[group], &arrived, &input);
            kept.account.grow(bytes)?;
            let mut heaps = Heaps::new(self.order, limit.param(), self.steps, arrived.len());
            for &ordinal in &members[group] {
                if let Some(row) = input.get(arrived[ordinal as usize]) {
                    offer(&mut heaps, ordinal, &row, &mut present);
                }
            }
            kept.take(heaps, &arrived)?;
            kept.account.shrink(bytes);
        }
        kept.finish(&arrived)
    }

    /// Takes rows as they come. Where an input is wrong and the parameter, too, it
    /// is the input that the error is of.
    async fn compute_streamed(&self, run: &Run, limit: &Values) -> Result<Output, QueryError> {
        let mut account = run.context.account("topk");
        let keeps_any = keeps_any(limit, self.steps, self.span);
        let mut streamed = Streamed {
            topk: self,
            limit,
            heaps: (0..self.count).map(|_| None).collect(),
            order: Vec::new(),
            arrived: Vec::new(),
            present: Vec::new(),
            bytes: 0,
            ignores: false,
        };
        let mut stream = run.inputs[0].open(0);
        while let Some(record) = stream.next().await {
            let batch = series_batch(&record?)?;
            if matches!(keeps_any, Ok(true)) {
                streamed.take(&batch, &mut account)?;
            }
        }
        if !keeps_any? {
            return Ok(Output::new(&run.context, "topk"));
        }
        let Streamed {
            mut heaps,
            order,
            arrived,
            ignores,
            ..
        } = streamed;
        if ignores {
            self.annotate_ignored(run);
        }
        let mut kept = Selected::new(run, self.steps, &mut account);
        for group in order {
            if let Some(heaps) = heaps[group as usize].take() {
                kept.take(heaps, &arrived)?;
            }
        }
        kept.finish(&arrived)
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
        self.steps * KEPT_BYTES + limits.min(items) * KEPT_BYTES
    }

    /// Says that histograms are passed over where anything is kept.
    fn annotate_ignored(&self, run: &Run) {
        let name = match self.order {
            KeepOrder::Top => "topk",
            KeepOrder::Bottom => "bottomk",
        };
        grouping::annotate_ignored(&run.context, self.node, self.span, name);
    }
}

/// Whether a row has a histogram at a step that keeps anything.
fn is_ignored(limit: &Values, row: Row<'_>) -> bool {
    let first = row.first_step as usize;
    row.histograms()
        .any(|(i, _)| limit.param().at(first + i) >= 1.0)
}

/// Offers a row to a group's heaps.
fn offer(heaps: &mut Heaps, ordinal: u32, row: &Row<'_>, present: &mut Vec<bool>) {
    let present = match row.is_full() {
        true => None,
        false => {
            present.resize(row.values.len(), false);
            row.write_presence(present);
            Some(&present[..])
        }
    };
    heaps.add(ordinal, row.first_step as usize, row.values, present);
}

/// The heaps of all groups, while rows come.
struct Streamed<'a> {
    topk: &'a TopK,
    limit: &'a Values,
    heaps: Vec<Option<Heaps>>,
    /// Groups in the order of their first row.
    order: Vec<u32>,
    /// The number of each row by its ordinal.
    arrived: Vec<u32>,
    present: Vec<bool>,
    /// What the heaps and the numbers of rows hold, bytes.
    bytes: usize,
    /// Whether a histogram was passed over.
    ignores: bool,
}

impl Streamed<'_> {
    fn take(&mut self, batch: &SeriesBatch, account: &mut Account) -> Result<(), QueryError> {
        let TopK {
            groups,
            order,
            steps,
            ..
        } = self.topk;
        // What the batch may add at most, until it is known.
        let most = batch.len() * 8 + batch.items() * KEPT_BYTES;
        account.grow(most)?;
        for row in batch.rows() {
            let group = groups[row.series as usize];
            let heaps = self.heaps[group as usize].get_or_insert_with(|| {
                self.order.push(group);
                Heaps::new(*order, self.limit.param(), *steps, groups.len())
            });
            let ordinal = self.arrived.len() as u32;
            self.arrived.push(row.series);
            offer(heaps, ordinal, &row, &mut self.present);
            self.ignores |= row.has_histograms() && is_ignored(self.limit, row);
        }
        account.shrink(most);
        let heaps: usize = self.heaps.iter().flatten().map(Heaps::bytes).sum();
        let bytes = heaps + self.arrived.capacity() * size_of::<u32>();
        account.grow(bytes.saturating_sub(self.bytes))?;
        self.bytes = self.bytes.max(bytes);
        Ok(())
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
    steps: usize,
    /// For each kept row, by ordinal, the samples that were kept, by step.
    kept: FxHashMap<u32, Vec<(u32, f64)>>,
    account: &'a mut Account,
    /// An instant query's rows: group by group, the best of each first.
    output: Output,
}

impl<'a> Selected<'a> {
    fn new(run: &Run, steps: usize, account: &'a mut Account) -> Self {
        Selected {
            steps,
            kept: FxHashMap::default(),
            account,
            output: Output::new(&run.context, "topk"),
        }
    }

    /// Takes what a group kept; `arrived` has the numbers of rows by ordinal.
    fn take(&mut self, mut heaps: Heaps, arrived: &[u32]) -> Result<(), QueryError> {
        if self.steps == 1 {
            for &(value, ordinal) in heaps.finish_step(0) {
                let series = arrived[ordinal as usize];
                self.output.push(series, 0, &[value], &[true])?;
            }
            return Ok(());
        }
        for step in 0..self.steps {
            let selected = heaps.finish_step(step);
            self.account.grow(selected.len() * KEPT_BYTES)?;
            for &(value, ordinal) in selected {
                let kept = self.kept.entry(ordinal).or_default();
                kept.push((step as u32, value));
            }
        }
        Ok(())
    }

    /// Rows cut to the steps at which they were kept, in the order in which they
    /// came.
    fn finish(mut self, arrived: &[u32]) -> Result<Output, QueryError> {
        let mut rows: Vec<_> = self.kept.into_iter().collect();
        rows.sort_unstable_by_key(|(ordinal, _)| *ordinal);
        let (mut values, mut present) = (Vec::new(), Vec::new());
        for (ordinal, kept) in rows {
            let (Some(first), Some(last)) = (kept.first(), kept.last()) else {
                continue;
            };
            let (first, steps) = (first.0, (last.0 - first.0) as usize + 1);
            values.clear();
            values.resize(steps, 0.0);
            present.clear();
            present.resize(steps, false);
            for (step, value) in kept {
                let at = (step - first) as usize;
                (values[at], present[at]) = (value, true);
            }
            let series = arrived[ordinal as usize];
            self.output.push(series, first, &values, &present)?;
        }
        Ok(self.output)
    }
}
