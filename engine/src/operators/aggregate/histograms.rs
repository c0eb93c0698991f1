//! Sums and means of native histograms: one state for each group that has any.
//!
//! Histograms of a step are added in the order of their rows, since roundings
//! and what users are told depend on it; so partials bring them along as rows,
//! and the final stage adds them. A step that has floats, too, has no result.

use quarrel_functions::aggregate::Accumulator;
use quarrel_functions::histogram::native::{
    AggregatedSteps, HistogramRef, HistogramSteps, StepAggregate, StepHistograms,
};
use quarrel_planner::ast::Span;

use crate::batch::Row;
use crate::exec::context::QueryContext;
use crate::labels::{LabelList, Symbol, find_label};

/// Where annotations of an aggregation go.
#[derive(Debug, Clone, Copy)]
pub(super) struct AnnotationSite {
    pub node: u32,
    /// Where the aggregated expression stands.
    pub span: Span,
}

/// The histograms of a row.
#[derive(Debug)]
pub(super) struct HistogramRow {
    /// The input's row.
    series: u32,
    histograms: StepHistograms,
    /// For each histogram whether its step had a float of this morsel before.
    floats_before: Vec<bool>,
}

impl HistogramRow {
    /// The histograms of a row, behind the floats that `before` has seen.
    pub fn new(row: &Row<'_>, before: &Accumulator) -> Self {
        let mut histograms = StepHistograms::default();
        row.copy_histograms(&mut histograms);
        let steps = histograms.steps().iter();
        HistogramRow {
            series: row.series,
            floats_before: steps.map(|&step| before.has(step as usize)).collect(),
            histograms,
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.histograms.column().bytes() + self.floats_before.len() * 5
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
        let steps = row.histograms.steps();
        let mut wanted = Vec::with_capacity(steps.len());
        for (&step, &before) in steps.iter().zip(&row.floats_before) {
            let float = before || floats.is_some_and(|f| f.has(step as usize));
            let state = &mut self.at[step as usize];
            state.float_first |= float && !state.histogram;
            state.histogram |= !state.broken;
            wanted.push(!state.float_first && !state.broken);
        }
        let mut broken = Vec::new();
        let column = row.histograms.column();
        let mut from = 0;
        while from < wanted.len() {
            let len = wanted[from..]
                .iter()
                .take_while(|w| **w == wanted[from])
                .count();
            let range = from..from + len;
            if wanted[from] {
                let mut at = from;
                for (rows, part) in column.parts(range) {
                    let next = at + part.len();
                    let places = steps[at..next].iter().map(|&step| step as usize);
                    self.steps.add(rows, part, places, &mut broken);
                    at = next;
                }
            }
            from += len;
        }
        for step in &broken {
            let state = &mut self.at[*step];
            state.broken = true;
            let place = steps.binary_search(&(*step as u32));
            let before = place.is_ok_and(|place| row.floats_before[place]);
            state.float_before_broken = before || floats.is_some_and(|f| f.has(*step));
        }
        (!broken.is_empty()).then_some(row.series)
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
