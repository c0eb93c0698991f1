//! Unites rows with equal labels, where dropped names, new labels or joins
//! made them equal. Rows that have samples at one step are an error.
//!
//! Rows of which some are marked to lose their name give two rows, a marked one
//! and another: which of the two has the samples is known when they come.

use std::collections::BTreeMap;
use std::sync::Arc;

use quarrel_functions::histogram::native::{HistogramRef, StepHistograms};
use quarrel_planner::ast::Span;
use quarrel_planner::logical::Plan;
use rustc_hash::FxHashMap;

use crate::batch::{Row, Rows};
use crate::bind::{Binder, Bound, Marks, RowLabels};
use crate::error::QueryError;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};

/// Prometheus's words, which clients match on.
pub(crate) const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

#[derive(Debug)]
struct Merge {
    /// For each input row the output row.
    targets: Vec<u32>,
    /// How many output rows there are, marked twins left out.
    rows: usize,
    twins: Twins,
    steps: usize,
    span: Span,
}

/// The marked twins of rows that have sources of both kinds.
#[derive(Debug)]
struct Twins {
    /// By row.
    number: FxHashMap<u32, u32>,
    /// The marks of the input.
    marks: Marks,
    /// Which source decides.
    decides: Decides,
}

/// Whose mark united rows get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decides {
    /// That of the earliest sample.
    FirstStep,
    /// That of the row that comes first.
    FirstRow,
}

/// A merge above `input`, the rows of `plan`, if any of them have equal labels
/// and must not.
pub(crate) fn bind(binder: &Binder<'_>, input: Bound, plan: &Plan) -> Bound {
    if binder.keeps_equal_rows(plan) {
        return input;
    }
    bind_with(input, plan.span, Decides::FirstStep)
}

/// As [`bind`], for functions that look at series one after the other.
pub(crate) fn bind_in_order(input: Bound, span: Span) -> Bound {
    bind_with(input, span, Decides::FirstRow)
}

/// Removes the names of marked rows, as the answer has it.
pub(crate) fn finish(input: Bound, span: Span) -> Bound {
    let labels = input.row_labels().finished();
    bind_with(input.relabeled(labels), span, Decides::FirstStep)
}

fn bind_with(input: Bound, span: Span, decides: Decides) -> Bound {
    if input.unique {
        return input;
    }
    let (targets, rows) = input.labels.distinct();
    if rows == input.labels.len() {
        return Bound {
            unique: true,
            ..input
        };
    }
    let mut first = vec![u32::MAX; rows];
    for (row, &target) in targets.iter().enumerate().rev() {
        first[target as usize] = row as u32;
    }
    let mut marks: Vec<bool> = first.iter().map(|&r| input.marks.get(r as usize)).collect();
    let mut twins = FxHashMap::default();
    for (row, &target) in targets.iter().enumerate() {
        if input.marks.get(row) != marks[target as usize] && !twins.contains_key(&target) {
            twins.insert(target, first.len() as u32);
            first.push(row as u32);
        }
    }
    for &target in twins.keys() {
        marks[target as usize] = false;
    }
    marks.resize(first.len(), true);
    let labels = RowLabels {
        unique: twins.is_empty(),
        ..RowLabels::new(input.labels.take(&first))
    };
    let grid = input.grid;
    let merge = Merge {
        targets,
        rows,
        twins: Twins {
            number: twins,
            marks: input.marks.clone(),
            decides,
        },
        steps: grid.len,
        span,
    };
    let labels = labels.marked(marks.into_iter().collect());
    Bound::whole(Arc::new(merge), vec![input], labels, grid)
}

impl Twins {
    /// The number of the row that gets the samples of `sources`.
    fn choose(&self, target: u32, sources: &[u32], input: &Rows) -> u32 {
        let Some(&twin) = self.number.get(&target) else {
            return target;
        };
        let deciding = match self.decides {
            Decides::FirstRow => sources.first().copied(),
            Decides::FirstStep => {
                let rows = sources.iter().filter_map(|&r| input.get(r));
                rows.min_by_key(|row| row.first_step).map(|row| row.series)
            }
        };
        match deciding {
            Some(row) if self.marks.get(row as usize) => twin,
            _ => target,
        }
    }
}

impl Operator for Merge {
    fn name(&self) -> &'static str {
        "Merge"
    }

    fn describe(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, ": rows={} of {}", self.rows, self.targets.len())
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move {
            let collecting = run.inputs[0].collect(self.targets.len(), &run.context, "merge");
            let (input, mut account) = collecting.await?;
            // The rows of a target, in the order in which they came.
            let mut order = Vec::new();
            let mut sources: Vec<Vec<u32>> = vec![Vec::new(); self.rows];
            for row in input.arrived() {
                let target = self.targets[row.series as usize];
                if sources[target as usize].is_empty() {
                    order.push(target);
                }
                sources[target as usize].push(row.series);
            }
            account.grow(self.steps * 9)?;
            let mut united = United::new(self.steps);
            let mut output = Output::new(&run.context, "merge");
            for target in order {
                run.context.check()?;
                let sources = &sources[target as usize];
                let rows = || sources.iter().filter_map(|&r| input.get(r));
                if let [_] = sources[..] {
                    let number = self.twins.choose(target, sources, &input);
                    rows().try_for_each(|row| output.push_kept(number, &row, |_| true))?;
                    continue;
                }
                united.clear();
                for row in rows() {
                    if !united.add(&row) {
                        return Err(QueryError::execution(SAME_LABELS, self.span));
                    }
                }
                let (values, present, histograms) = united.finish();
                let number = self.twins.choose(target, sources, &input);
                output.push_mixed(number, 0, values, present, &histograms)?;
            }
            Ok(output)
        })
    }
}

/// Rows that take turns, as one row over all steps.
pub(crate) struct United<'a> {
    values: Vec<f64>,
    present: Vec<bool>,
    histograms: BTreeMap<usize, HistogramRef<'a>>,
}

impl<'a> United<'a> {
    /// A row of `steps` steps without any sample.
    pub fn new(steps: usize) -> Self {
        United {
            values: vec![0.0; steps],
            present: vec![false; steps],
            histograms: BTreeMap::new(),
        }
    }

    fn clear(&mut self) {
        self.present.fill(false);
        self.histograms.clear();
    }

    /// Takes a row in; false if it has a sample where there is one.
    pub fn add(&mut self, row: &Row<'a>) -> bool {
        let first = row.first_step as usize;
        let mut fits = true;
        for i in row.floats() {
            fits &= !std::mem::replace(&mut self.present[first + i], true);
            self.values[first + i] = row.values[i];
        }
        for (i, h) in row.histograms() {
            fits &= self.histograms.insert(first + i, h).is_none();
        }
        let both = |step: &usize| self.present[*step];
        fits && !self.histograms.keys().any(both)
    }

    /// Values, presence, and histograms.
    pub fn finish(&self) -> (&[f64], &[bool], StepHistograms) {
        let mut histograms = StepHistograms::default();
        for (&step, h) in &self.histograms {
            histograms.push(step, h);
        }
        (&self.values, &self.present, histograms)
    }
}
