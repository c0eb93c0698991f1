//! Sums and means of native histograms: one state for each group that has any.
//!
//! Histograms of a step are added in the order of their rows, since roundings
//! and what users are told depend on it; so partials bring them along as rows,
//! and the final stage adds them. A step that has floats, too, has no result.

use std::sync::Arc;

use quarrel_functions::aggregate::Accumulator;
use quarrel_functions::histogram::native::{
    AggregatedSteps, HistogramRef, HistogramSteps, StepAggregate, StepHistograms,
};
use quarrel_planner::ast::Span;

use crate::batch::SeriesBatch;
use crate::exec::context::QueryContext;
use crate::labels::{LabelList, Symbol, find_label};

/// Where annotations of an aggregation go.
#[derive(Debug, Clone, Copy)]
pub(super) struct AnnotationSite {
    pub node: u32,
    /// Where the aggregated expression stands.
    pub span: Span,
}

/// A row that has histograms, which stay in its batch.
#[derive(Debug)]
pub(super) struct HistogramRow {
    batch: Arc<SeriesBatch>,
    /// Its place there.
    row: usize,
    /// For each histogram whether its step had a float of this morsel before.
    floats_before: Vec<bool>,
}

impl HistogramRow {
    /// A row of a batch, behind the floats that `before` has seen.
    pub fn new(batch: &Arc<SeriesBatch>, row: usize, before: &Accumulator) -> Self {
        let view = batch.row(row);
        let first = view.first_step as usize;
        let steps = view.histograms().map(|(i, _)| first + i);
        HistogramRow {
            floats_before: steps.map(|step| before.has(step)).collect(),
            batch: Arc::clone(batch),
            row,
        }
    }

    /// Bytes that it takes, as its part of the batch.
    pub fn bytes(&self) -> usize {
        let items = self.batch.row(self.row).values.len();
        let part = self.batch.bytes() / self.batch.items().max(1) * items;
        part + self.floats_before.len() * 5
    }
}

/// The histograms of a group.
#[derive(Debug)]
pub(super) struct HistogramGroup {
    steps: HistogramSteps,
    at: Vec<State>,
}

/// What is known of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct State {
    histogram: bool,
    /// A float came before all histograms: none of them is added.
    float_first: bool,
    /// Exponential and custom buckets were mixed, before any float came or
    /// behind one.
    broken: bool,
    float_before_broken: bool,
}

impl HistogramGroup {
    /// No histograms yet.
    pub fn new(kind: StepAggregate, steps: usize) -> Self {
        HistogramGroup {
            steps: HistogramSteps::new(kind, steps),
            at: vec![State::default(); steps],
        }
    }

    /// About the bytes of the state.
    pub fn bytes(&self) -> usize {
        self.steps.bytes() + self.at.len() * size_of::<State>()
    }

    /// Adds a row; `floats` are those of all morsels before. Gives the row's
    /// number if buckets were mixed by it.
    pub fn add(&mut self, row: &HistogramRow, floats: Option<&Accumulator>) -> Option<u32> {
        let view = row.batch.row(row.row);
        let first = view.first_step as usize;
        let mut broken = Vec::new();
        for ((i, h), &before) in view.histograms().zip(&row.floats_before) {
            let step = first + i;
            let float = before || floats.is_some_and(|f| f.has(step));
            let state = &mut self.at[step];
            state.float_first |= float && !state.histogram;
            state.histogram |= !state.broken;
            if state.float_first || state.broken {
                continue;
            }
            self.steps.add_one(step, &h, &mut broken);
            if broken.last() == Some(&step) {
                state.broken = true;
                state.float_before_broken = float;
            }
        }
        (!broken.is_empty()).then_some(view.series)
    }

    /// Settles which steps have a float, a histogram, or nothing, and tells
    /// the user what has to be told.
    pub fn finish(
        self,
        present: &mut [bool],
        site: AnnotationSite,
        context: &QueryContext,
    ) -> StepHistograms {
        let HistogramGroup { steps, at } = self;
        let mixed = |step: usize| {
            let state = &at[step];
            let float = match state.broken {
                true => state.float_before_broken,
                false => present[step],
            };
            state.histogram && float
        };
        if (0..at.len()).any(mixed) {
            let text = "encountered a mix of histograms and floats for aggregation";
            context.annotations.warn(site.node, site.span, text);
        }
        let result = steps.finish(|step| mixed(step) || at[step].broken);
        if result.found.reset_collision {
            let text = "conflicting counter resets during histogram aggregation";
            context.annotations.warn(site.node, site.span, text);
        }
        if result.found.bounds_reconciled {
            let text = "mismatched custom buckets were reconciled during aggregation";
            context.annotations.info(site.node, site.span, text);
        }
        for (present, state) in present.iter_mut().zip(&at) {
            *present &= !state.histogram;
        }
        in_order(result)
    }
}

/// Says that buckets of a row could not be added to those before.
pub(super) fn annotate_broken(
    context: &QueryContext,
    site: AnnotationSite,
    labels: &LabelList,
    row: u32,
) {
    let symbols = context.symbols.read();
    let name = find_label(labels.get(row as usize), Symbol::NAME);
    let name = name.map_or("", |name| symbols.get(name));
    let text = format!(
        "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {}",
        quarrel_functions::fmt::quote(name)
    );
    context.annotations.warn(site.node, site.span, text);
}

/// Dense results and others, by step.
fn in_order(result: AggregatedSteps) -> StepHistograms {
    let mut out = StepHistograms::default();
    let AggregatedSteps {
        rows,
        steps,
        others,
        ..
    } = result;
    if others.is_empty() {
        out.push_run(steps, rows);
        return out;
    }
    let dense = steps.iter().copied().zip(rows.rows());
    let single = others.iter().map(|(step, h)| {
        let compacted = HistogramRef {
            compact: true,
            ..h.view()
        };
        (*step, compacted)
    });
    let mut all: Vec<_> = dense.chain(single).collect();
    all.sort_by_key(|(step, _)| *step);
    for (step, h) in all {
        out.push(step, &h);
    }
    out
}
