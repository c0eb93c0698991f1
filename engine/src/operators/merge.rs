//! Unites rows with equal labels, where dropped names, new labels or joins
//! made them equal. Rows that have samples at one step are an error.
//!
//! Rows of which some have the drop-name flag give two rows, a dropped-name
//! variant and another: which of the two has the samples is known when they
//! come.

use std::collections::BTreeMap;
use std::sync::Arc;

use quarrel_functions::histogram::native::{HistogramRef, StepHistograms};
use quarrel_planner::ast::Span;
use quarrel_planner::logical::NodeInfo;
use rustc_hash::FxHashMap;

use crate::batch::{Row, Rows};
use crate::bound::{Bound, DropNames, RowLabels};
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};

/// Prometheus's words, which clients match on.
pub(crate) const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

#[derive(Debug)]
struct Merge {
    /// For each input row the output row.
    targets: Vec<u32>,
    /// How many output rows there are, variants with the drop-name flag left out.
    rows: usize,
    variants: Variants,
    steps: usize,
    span: Span,
}

/// The dropped-name variants of rows that have sources of both kinds.
#[derive(Debug)]
struct Variants {
    /// By row.
    number: FxHashMap<u32, u32>,
    /// The flags of the input's rows.
    drop_names: DropNames,
    /// Which source decides.
    decides: Decides,
}

/// Whose flag united rows get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decides {
    /// That of the earliest sample.
    FirstStep,
    /// That of the row that comes first.
    FirstRow,
}

/// A merge above `input`, the rows of `node`, if any of them have equal labels
/// and must not.
pub(crate) fn bind(context: &QueryContext, input: Bound, node: NodeInfo) -> Bound {
    if keeps_equal_rows(context, node) {
        return input;
    }
    bind_with(input, node.span, Decides::FirstStep)
}

/// Whether rows of equal labels stay as they are until the answer is complete:
/// Prometheus does not look for them where names are removed at the end and a
/// node is evaluated at one time alone.
pub(crate) fn keeps_equal_rows(context: &QueryContext, node: NodeInfo) -> bool {
    context.semantics.delayed_name_removal && !node.range_query
}

/// As [`bind`], for functions that look at series one after the other.
pub(crate) fn bind_in_order(input: Bound, span: Span) -> Bound {
    bind_with(input, span, Decides::FirstRow)
}

/// Removes the names of rows with the drop-name flag, as the answer has it.
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
    let mut drop_names: Vec<bool> = first
        .iter()
        .map(|&r| input.drop_names.get(r as usize))
        .collect();
    let mut variants = FxHashMap::default();
    for (row, &target) in targets.iter().enumerate() {
        if input.drop_names.get(row) != drop_names[target as usize]
            && !variants.contains_key(&target)
        {
            variants.insert(target, first.len() as u32);
            first.push(row as u32);
        }
    }
    for &target in variants.keys() {
        drop_names[target as usize] = false;
    }
    drop_names.resize(first.len(), true);
    let labels = RowLabels {
        unique: variants.is_empty(),
        ..RowLabels::new(input.labels.take(&first))
    };
    let grid = input.grid;
    let merge = Merge {
        targets,
        rows,
        variants: Variants {
            number: variants,
            drop_names: input.drop_names.clone(),
            decides,
        },
        steps: grid.len,
        span,
    };
    let labels = labels.with_drop_names(drop_names.into_iter().collect());
    Bound::whole(Arc::new(merge), vec![input], labels, grid)
}

impl Variants {
    /// The number of the row that gets the samples of `sources`.
    fn choose(&self, target: u32, sources: &[u32], input: &Rows) -> u32 {
        let Some(&variant) = self.number.get(&target) else {
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
            Some(row) if self.drop_names.get(row as usize) => variant,
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
                    let number = self.variants.choose(target, sources, &input);
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
                let number = self.variants.choose(target, sources, &input);
                output.push_mixed(number, 0, values, present, &histograms)?;
            }
            Ok(output)
        })
    }
}

/// Rows that do not overlap, as one row over all steps.
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
