//! Merges two layouts.

use std::sync::Arc;

use super::compensation::Compensation;
use super::layout::{Layout, union};
use super::sign::Sign;
use super::value::HistogramRef;
use crate::kahan;

/// How counts of one layout are added to those of another one with the same
/// bounds.
#[derive(Debug)]
pub(super) struct Merge {
    /// Has all columns.
    pub(super) layout: Arc<Layout>,
    /// Where old columns go, if they do not stay where they are.
    places: Option<Vec<usize>>,
    /// The columns to add, those within the zero bucket left out.
    pub(super) terms: Vec<Term>,
}

/// A column to add.
#[derive(Debug)]
pub(super) struct Term {
    /// In the layout that is added.
    pub(super) from: usize,
    /// In the common layout.
    pub(super) to: usize,
    /// Whether the old layout does not have it.
    pub(super) is_new: bool,
}

impl Merge {
    /// Both layouts are of the same schema or custom bounds; the zero bucket
    /// is that of the old one.
    pub(super) fn new(old: &Arc<Layout>, added: &Layout) -> Merge {
        let [hidden, negative_hidden] = added.hidden_within(old.zero_threshold());
        let positive = union(old.positive(), &added.positive()[hidden..]);
        let negative = union(old.negative(), &added.negative()[negative_hidden..]);
        let base = positive.indices.len();
        let mut terms = Vec::with_capacity(positive.right.len() + negative.right.len());
        let mut is_old = vec![false; base + negative.indices.len()];
        let mut places = positive.left;
        places.extend(negative.left.iter().map(|place| base + place));
        places.iter().for_each(|&place| is_old[place] = true);
        let mut term = |from, to| {
            terms.push(Term {
                from,
                to,
                is_new: !is_old[to],
            });
        };
        for (i, &place) in positive.right.iter().enumerate() {
            term(hidden + i, place);
        }
        for (i, &place) in negative.right.iter().enumerate() {
            term(added.positive().len() + negative_hidden + i, base + place);
        }
        if is_old.iter().all(|&is_old| is_old) {
            return Merge {
                layout: Arc::clone(old),
                places: None,
                terms,
            };
        }
        Merge {
            layout: old.with_buckets(positive.indices, negative.indices),
            places: Some(places),
            terms,
        }
    }

    /// Moves counts of the old layout to their places in the common one.
    pub(super) fn spread(&self, counts: &mut Vec<f64>) {
        let Some(places) = &self.places else {
            return;
        };
        let mut all = vec![0.0; self.layout.width()];
        for (&place, &count) in places.iter().zip(&*counts) {
            all[place] = count;
        }
        *counts = all;
    }
}

impl Merge {
    /// The same for a matrix of `rows` rows of `width` old columns.
    pub(super) fn spread_rows(&self, matrix: &[f64], width: usize, rows: usize) -> Vec<f64> {
        let new_width = self.layout.width();
        let mut all = vec![0.0; rows * new_width];
        let Some(places) = self.places.as_ref().filter(|_| width > 0) else {
            return all;
        };
        let rows = matrix
            .chunks_exact(width)
            .zip(all.chunks_exact_mut(new_width));
        for (row, out) in rows {
            for (&place, &count) in places.iter().zip(row) {
                out[place] = count;
            }
        }
        all
    }
}

/// Counts and their rounding errors, in custom buckets.
struct Targets<'a> {
    bounds: &'a [f64],
    counts: Vec<f64>,
    lost: Vec<f64>,
}

/// Adds or subtracts histograms whose custom bounds differ, in the bounds
/// that they have in common. Gives only buckets that are not empty, and their
/// rounding errors.
pub(super) fn in_common_bounds(
    left: &HistogramRef<'_>,
    compensation: Option<&Compensation>,
    right: &HistogramRef<'_>,
    sign: Sign,
) -> (Arc<Layout>, Vec<f64>, Vec<f64>) {
    let bounds = common(left.layout.custom_values(), right.layout.custom_values());
    let mut targets = Targets {
        bounds: &bounds,
        counts: vec![0.0; bounds.len() + 1],
        lost: vec![0.0; bounds.len() + 1],
    };
    targets.add(left, compensation, Sign::Plus);
    targets.add(right, None, sign);
    let Targets { counts, lost, .. } = targets;
    let empty = |column: usize| counts[column] == 0.0 && lost[column] == 0.0;
    let columns: Vec<usize> = (0..counts.len()).filter(|&c| !empty(c)).collect();
    let indices = columns.iter().map(|&column| column as i32).collect();
    let select = |from: &[f64]| columns.iter().map(|&column| from[column]).collect();
    let (counts, lost) = (select(&counts), select(&lost));
    (Layout::with_bounds(bounds, indices), counts, lost)
}

impl Targets<'_> {
    fn add(&mut self, h: &HistogramRef<'_>, compensation: Option<&Compensation>, sign: Sign) {
        let columns = columns_in(self.bounds, h.layout);
        for (column, target) in columns.enumerate() {
            self.add_to(target, sign.of(h.buckets[column]));
            if let Some(compensation) = compensation {
                self.add_to(target, compensation.buckets[column]);
            }
        }
    }

    fn add_to(&mut self, target: usize, count: f64) {
        let (sum, lost) = (self.counts[target], self.lost[target]);
        (self.counts[target], self.lost[target]) = kahan::add(count, sum, lost);
    }
}

/// For each column of a layout with custom bounds the bucket of fewer bounds
/// that holds it.
fn columns_in<'a>(bounds: &'a [f64], layout: &'a Layout) -> impl Iterator<Item = usize> + 'a {
    let mut next = 0;
    layout.positive().iter().map(move |&index| {
        // The bucket that ends at the same bound or at the next one that is left.
        let Some(bound) = layout.custom_values().get(index as usize) else {
            return bounds.len();
        };
        let ahead = bounds.get(next..).unwrap_or_default();
        next += ahead.iter().take_while(|b| *b < bound).count();
        next
    })
}

/// Whether a count is lower than before in any bucket of the bounds that both
/// histograms have.
pub(super) fn falls_in_common_bounds(now: &HistogramRef<'_>, before: &HistogramRef<'_>) -> bool {
    let bounds = common(now.layout.custom_values(), before.layout.custom_values());
    let sums = |h: &HistogramRef<'_>| {
        let mut sums = vec![0.0; bounds.len() + 1];
        for (count, target) in h.buckets.iter().zip(columns_in(&bounds, h.layout)) {
            sums[target] += count;
        }
        sums
    };
    let (now, before) = (sums(now), sums(before));
    now.iter().zip(&before).any(|(now, before)| now < before)
}

/// The bounds that both have.
fn common(left: &[f64], right: &[f64]) -> Arc<[f64]> {
    let mut right = right.iter().peekable();
    let in_both = |bound: &&f64| {
        while right.next_if(|other| other < bound).is_some() {}
        right.next_if(|other| other == bound).is_some()
    };
    left.iter().filter(in_both).copied().collect()
}
