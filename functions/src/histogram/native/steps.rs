//! Sums and means of many series' rows, step by step: `sum` and `avg`.
//!
//! As long as all rows have the same schema, zero bucket and bounds, which is
//! the rule, the state is a dense matrix over the union of their buckets, and
//! rows are added along it. Steps at which something else comes, or at which
//! the sum of a mean would overflow, go on one by one as single histograms.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::add::{Found, IncompatibleSchemas};
use super::compensation::Compensation;
use super::kahan::{Seen, SumOfHistograms, add_columns};
use super::layout::{Layout, same};
use super::mean::MeanOfHistograms;
use super::merge::Merge;
use super::rows::HistogramRows;
use super::value::{CounterReset, Histogram, HistogramRef};
use crate::kahan;

/// How the histograms of a step are aggregated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepAggregate {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
}

/// The state of an aggregation over steps.
#[derive(Clone, Debug)]
pub struct HistogramSteps {
    kind: StepAggregate,
    steps: Vec<Step>,
    /// That of the dense rows; none before the first.
    layout: Option<Arc<Layout>>,
    buckets: Vec<f64>,
    lost: Vec<f64>,
    /// The state of steps that are no longer dense.
    single: BTreeMap<usize, Single>,
    /// How histograms of the layout that came last are added.
    last: Option<Addition>,
    /// Whether custom bounds differed at steps that have no result.
    bounds_reconciled: bool,
}

/// How histograms of a layout are added to the matrix.
#[derive(Clone, Debug)]
struct Addition {
    layout: Arc<Layout>,
    /// Column by column, else one by one.
    dense: bool,
    /// Where the columns go, if not to those of the same number.
    merge: Option<Arc<Merge>>,
}

impl Single {
    fn found(&self) -> Found {
        match self {
            Single::Sum(sum) => sum.found(),
            Single::Mean(mean) => mean.found(),
            Single::Incompatible => Found::default(),
        }
    }
}

/// A step's state but for its buckets.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    /// Histograms that came.
    histograms: f64,
    hint: CounterReset,
    seen: Seen,
    /// Zero count, count and sum, and their rounding errors.
    totals: [f64; 3],
    lost: [f64; 3],
}

#[derive(Clone, Debug)]
enum Single {
    Sum(SumOfHistograms),
    Mean(MeanOfHistograms),
    /// Exponential and custom buckets came.
    Incompatible,
}

/// The result of an aggregation.
#[derive(Debug)]
pub struct AggregatedSteps {
    /// Compacted rows of one layout.
    pub rows: HistogramRows,
    /// The step of each row, ascending.
    pub steps: Vec<usize>,
    /// Steps whose result has another layout, compacted, ascending.
    pub others: Vec<(usize, Histogram)>,
    /// What was found at any step.
    pub found: Found,
}

impl HistogramSteps {
    /// No histograms at any of `steps` steps yet.
    pub fn new(kind: StepAggregate, steps: usize) -> Self {
        HistogramSteps {
            kind,
            steps: vec![Step::default(); steps],
            layout: None,
            buckets: Vec::new(),
            lost: Vec::new(),
            single: BTreeMap::new(),
            last: None,
            bounds_reconciled: false,
        }
    }

    /// Takes in some rows of a series, the first one at the first of `at`, and
    /// so on. Steps beyond those of the state are left out. Steps from which on
    /// there is no result, since exponential and custom buckets are mixed, are
    /// appended to `broken`.
    pub fn add(
        &mut self,
        rows: &HistogramRows,
        part: Range<usize>,
        at: impl IntoIterator<Item = usize>,
        broken: &mut Vec<usize>,
    ) {
        for (step, row) in at.into_iter().zip(part) {
            self.add_one(step, &rows.row(row), broken);
        }
    }

    /// Takes in a histogram of a series at a step, see [`HistogramSteps::add`].
    pub fn add_one(&mut self, step: usize, h: &HistogramRef<'_>, broken: &mut Vec<usize>) {
        if step >= self.steps.len() {
            return;
        }
        let known = |last: &Addition| Arc::ptr_eq(&last.layout, h.layout);
        if !self.last.as_ref().is_some_and(known) {
            let dense = self.is_dense_with(h.layout);
            let merge = if dense { self.widen(h.layout) } else { None };
            self.last = Some(Addition {
                layout: Arc::clone(h.layout),
                dense,
                merge: merge.map(Arc::new),
            });
        }
        let (dense, merge) = match &self.last {
            Some(last) => (last.dense, last.merge.clone()),
            None => (false, None),
        };
        let single = !self.single.is_empty() && self.single.contains_key(&step);
        if !dense || single || !self.add_dense(step, h, merge.as_deref()) {
            self.add_single(step, h, broken);
        }
    }

    /// Whether rows of a layout can be added column by column.
    fn is_dense_with(&self, layout: &Layout) -> bool {
        let infinite_bound = layout
            .custom_values()
            .first()
            .is_some_and(|b| b.is_infinite());
        if layout.hides() || (infinite_bound && self.kind == StepAggregate::Mean) {
            return false;
        }
        let alike = |own: &Arc<Layout>| {
            own.schema() == layout.schema()
                && own.zero_threshold() == layout.zero_threshold()
                && own.custom_values() == layout.custom_values()
        };
        self.layout.as_ref().is_none_or(alike)
    }

    /// Gives the matrix the columns of another layout; `None` if it has just
    /// these.
    fn widen(&mut self, layout: &Arc<Layout>) -> Option<Merge> {
        let steps = self.steps.len();
        let Some(own) = &self.layout else {
            self.layout = Some(Arc::clone(layout));
            self.buckets = vec![0.0; steps * layout.width()];
            self.lost = self.buckets.clone();
            return None;
        };
        if same(own, layout) {
            return None;
        }
        let merge = Merge::new(own, layout);
        if !Arc::ptr_eq(own, &merge.layout) {
            let width = own.width();
            for matrix in [&mut self.buckets, &mut self.lost] {
                *matrix = merge.spread_rows(matrix, width, steps);
            }
            self.layout = Some(Arc::clone(&merge.layout));
        }
        Some(merge)
    }

    /// Adds to the matrix; false if the sum of a mean would overflow, and then
    /// nothing has changed.
    fn add_dense(&mut self, step: usize, h: &HistogramRef<'_>, merge: Option<&Merge>) -> bool {
        let width = self.layout.as_ref().map_or(0, |layout| layout.width());
        let state = &mut self.steps[step];
        let buckets = &mut self.buckets[step * width..][..width];
        let lost = &mut self.lost[step * width..][..width];
        let totals = [h.zero_count, h.count, h.sum];
        let first = state.histograms == 0.0;
        if self.kind == StepAggregate::Mean && !first {
            let infinite = |sum: f64, term: f64| (sum + term).is_infinite();
            let mut columns = buckets.iter().zip(h.buckets);
            let overflows = match merge {
                None => columns.any(|(sum, term)| infinite(*sum, *term)),
                Some(merge) => {
                    buckets.iter().any(|sum| sum.is_infinite())
                        || merge
                            .terms
                            .iter()
                            .any(|t| infinite(buckets[t.to], h.buckets[t.from]))
                }
            };
            if overflows
                || state
                    .totals
                    .iter()
                    .zip(totals)
                    .any(|(sum, t)| infinite(*sum, t))
            {
                return false;
            }
        }
        state.histograms += 1.0;
        state.seen.hint(h.counter_reset);
        if first {
            state.hint = h.counter_reset;
            state.totals = totals;
        } else {
            state.hint = state.hint.joined(h.counter_reset).0;
            add_columns(&mut state.totals, &mut state.lost, &totals);
        }
        match merge {
            None => add_columns(buckets, lost, h.buckets),
            Some(merge) => {
                for term in &merge.terms {
                    let (sum, lost) = (&mut buckets[term.to], &mut lost[term.to]);
                    (*sum, *lost) = kahan::add(h.buckets[term.from], *sum, *lost);
                }
            }
        }
        true
    }

    fn add_single(&mut self, step: usize, h: &HistogramRef<'_>, broken: &mut Vec<usize>) {
        if self.steps[step].histograms == 0.0 && !self.single.contains_key(&step) {
            let single = match self.kind {
                StepAggregate::Sum => Single::Sum(SumOfHistograms::new(h)),
                StepAggregate::Mean => Single::Mean(MeanOfHistograms::new(h)),
            };
            self.steps[step].histograms = 1.0;
            self.single.insert(step, single);
            return;
        }
        if !self.single.contains_key(&step) {
            let single = self.leave_matrix(step);
            self.single.insert(step, single);
        }
        if let Some(single) = self.single.get_mut(&step) {
            let added = match single {
                Single::Sum(sum) => sum.add(h),
                Single::Mean(mean) => mean.add(h),
                Single::Incompatible => return,
            };
            if let Err(IncompatibleSchemas) = added {
                self.bounds_reconciled |= single.found().bounds_reconciled;
                *single = Single::Incompatible;
                broken.push(step);
            }
        }
    }

    /// The state of a step as a single one.
    fn leave_matrix(&self, step: usize) -> Single {
        let state = &self.steps[step];
        let (h, lost) = self.histogram_of(step);
        match self.kind {
            StepAggregate::Sum => Single::Sum(SumOfHistograms::from_state(h, lost, state.seen)),
            StepAggregate::Mean => {
                let count = state.histograms;
                Single::Mean(MeanOfHistograms::from_state(count, h, lost, state.seen))
            }
        }
    }

    fn histogram_of(&self, step: usize) -> (Histogram, Option<Compensation>) {
        let state = &self.steps[step];
        let layout = self.layout.clone().unwrap_or_else(Layout::empty);
        let row = step * layout.width()..(step + 1) * layout.width();
        let mut h = Histogram {
            counter_reset: state.hint,
            layout,
            zero_count: state.totals[0],
            count: state.totals[1],
            sum: state.totals[2],
            buckets: self.buckets[row.clone()].to_vec(),
        };
        let mut lost = Compensation {
            zero_count: state.lost[0],
            count: state.lost[1],
            sum: state.lost[2],
            buckets: self.lost[row].to_vec(),
        };
        h.compact_with(&mut lost);
        (h, (state.histograms > 1.0).then_some(lost))
    }

    /// About the bytes of the state.
    pub fn bytes(&self) -> usize {
        let dense = self.steps.len() * size_of::<Step>() + self.buckets.len() * 16;
        let width = self.layout.as_ref().map_or(0, |layout| layout.width());
        dense + self.single.len() * (width * 32 + 512)
    }

    /// The results, but for steps that `without` names.
    pub fn finish(mut self, without: impl Fn(usize) -> bool) -> AggregatedSteps {
        let mut reconciled = self.bounds_reconciled;
        let mut collision = false;
        let layout = self.layout.clone().unwrap_or_else(Layout::empty);
        let width = layout.width();
        let mut result = AggregatedSteps {
            rows: HistogramRows::new(layout, true),
            steps: Vec::new(),
            others: Vec::new(),
            found: Found::default(),
        };
        result.rows.reserve(self.steps.len());
        for step in 0..self.steps.len() {
            if let Some(single) = self.single.remove(&step) {
                reconciled |= single.found().bounds_reconciled;
                if without(step) {
                    continue;
                }
                let (mut h, found) = match single {
                    Single::Sum(sum) => sum.finish(),
                    Single::Mean(mean) => mean.finish(),
                    Single::Incompatible => continue,
                };
                collision |= found.reset_collision;
                h.compact();
                result.others.push((step, h));
                continue;
            }
            let state = &self.steps[step];
            if state.histograms == 0.0 || without(step) {
                continue;
            }
            collision |= state.seen.found().reset_collision;
            let row = step * width..(step + 1) * width;
            result.steps.push(step);
            self.push_dense(step, row, &mut result.rows);
        }
        result.found = Found {
            reset_collision: collision,
            bounds_reconciled: reconciled,
        };
        result
    }

    fn push_dense(&self, step: usize, row: std::ops::Range<usize>, out: &mut HistogramRows) {
        let state = &self.steps[step];
        let count = state.histograms;
        let whole = |sum: f64, lost: f64| match self.kind {
            // A single one is left as it is: zeros keep their sign.
            _ if count == 1.0 => sum,
            StepAggregate::Sum => sum + lost,
            StepAggregate::Mean => sum / count + lost / count,
        };
        let [zero_count, count_of, sum] = [0, 1, 2].map(|i| whole(state.totals[i], state.lost[i]));
        let columns = self.buckets[row.clone()].iter().zip(&self.lost[row]);
        out.push_computed(
            state.hint,
            [zero_count, count_of, sum],
            columns.map(|(sum, lost)| whole(*sum, *lost)),
        );
    }
}
