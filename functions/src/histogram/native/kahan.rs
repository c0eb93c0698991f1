//! Sums of histograms with compensated (Kahan-Neumaier) summation.

use std::sync::Arc;

use super::add::{Found, IncompatibleSchemas};
use super::compensation::Compensation;
use super::layout::{Layout, same};
use super::merge::{Merge, in_common_bounds};
use super::sign::Sign;
use super::value::{CounterReset, Histogram, HistogramRef};
use crate::kahan;

/// Adds to a number and to its rounding error.
#[inline]
fn add_to(sum: &mut f64, lost: &mut f64, term: f64) {
    (*sum, *lost) = kahan::add(term, *sum, *lost);
}

/// Adds to many numbers at once.
pub(super) fn add_columns(sums: &mut [f64], lost: &mut [f64], terms: &[f64]) {
    for ((sum, lost), &term) in sums.iter_mut().zip(lost).zip(terms) {
        add_to(sum, lost, term);
    }
}

impl Histogram {
    /// Adds another histogram, and its rounding errors to the compensation.
    pub(super) fn kahan_add(
        &mut self,
        other: &HistogramRef<'_>,
        lost: &mut Compensation,
    ) -> Result<Found, IncompatibleSchemas> {
        if self.layout.is_custom() != other.layout.is_custom() {
            return Err(IncompatibleSchemas);
        }
        let reset_collision = self.join_counter_reset(other.counter_reset);
        let bounds_reconciled = if same(&self.layout, other.layout) && !self.layout.hides() {
            add_to(&mut self.zero_count, &mut lost.zero_count, other.zero_count);
            add_columns(&mut self.buckets, &mut lost.buckets, other.buckets);
            false
        } else {
            other.physical(|other| self.kahan_add_layouts(other, lost))
        };
        add_to(&mut self.count, &mut lost.count, other.count);
        add_to(&mut self.sum, &mut lost.sum, other.sum);
        Ok(Found {
            reset_collision,
            bounds_reconciled,
        })
    }

    fn kahan_add_layouts(&mut self, other: &HistogramRef<'_>, lost: &mut Compensation) -> bool {
        if self.layout.is_custom() && self.layout.custom_values() != other.layout.custom_values() {
            (self.layout, self.buckets, lost.buckets) =
                in_common_bounds(&self.view(), Some(lost), other, Sign::Plus);
            return true;
        }
        if !self.layout.is_custom() {
            let zero = self.reconcile_zero_buckets(other, Some(lost));
            add_to(&mut self.zero_count, &mut lost.zero_count, zero.count);
            add_to(
                &mut self.zero_count,
                &mut lost.zero_count,
                zero.compensation,
            );
        }
        let schema = other.layout.schema();
        if schema < self.layout.schema() {
            let counts = (&self.buckets[..], &lost.buckets[..]);
            (self.layout, self.buckets, lost.buckets) = kahan_reduced(&self.layout, counts, schema);
        }
        let finer = schema > self.layout.schema();
        let reduced = finer.then(|| {
            let none = vec![0.0; other.buckets.len()];
            kahan_reduced(other.layout, (other.buckets, &none), self.layout.schema())
        });
        let (layout, counts, rests) = match &reduced {
            Some((layout, counts, rests)) => (layout, &counts[..], Some(rests)),
            None => (other.layout, other.buckets, None),
        };
        let merge = Merge::new(&self.layout, layout);
        merge.spread(&mut self.buckets);
        merge.spread(&mut lost.buckets);
        for term in &merge.terms {
            let (count, rest) = (counts[term.from], rests.map_or(0.0, |r| r[term.from]));
            let (place, lost) = (&mut self.buckets[term.to], &mut lost.buckets[term.to]);
            if term.is_new {
                (*place, *lost) = (count, rest);
                continue;
            }
            add_to(place, lost, count);
            if rest != 0.0 {
                add_to(place, lost, rest);
            }
        }
        self.layout = merge.layout;
        false
    }
}

/// Counts and their rounding errors, merged to a coarser schema.
fn kahan_reduced(
    layout: &Layout,
    (counts, rests): (&[f64], &[f64]),
    schema: i32,
) -> (Arc<Layout>, Vec<f64>, Vec<f64>) {
    let (layout, targets) = layout.reduced(schema);
    let (mut sums, mut lost) = (vec![0.0; layout.width()], vec![0.0; layout.width()]);
    let mut last = None;
    for ((&count, &rest), &target) in counts.iter().zip(rests).zip(&targets) {
        let (sum, lost) = (&mut sums[target], &mut lost[target]);
        if last == Some(target) {
            add_to(sum, lost, count);
            add_to(sum, lost, rest);
        } else {
            (*sum, *lost) = (count, rest);
        }
        last = Some(target);
    }
    (layout, sums, lost)
}

/// The findings on all histograms of an aggregate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    reset: bool,
    no_reset: bool,
    bounds_reconciled: bool,
}

impl Seen {
    pub(super) fn hint(&mut self, hint: CounterReset) {
        self.reset |= hint == CounterReset::Reset;
        self.no_reset |= hint == CounterReset::NoReset;
    }

    pub(super) fn addition(&mut self, found: Found) {
        self.bounds_reconciled |= found.bounds_reconciled;
    }

    pub(super) fn found(self) -> Found {
        Found {
            reset_collision: self.reset && self.no_reset,
            bounds_reconciled: self.bounds_reconciled,
        }
    }
}

/// The sum of histograms, as `sum` and `sum_over_time` build it.
#[derive(Clone, Debug)]
pub struct SumOfHistograms {
    sum: Histogram,
    lost: Option<Compensation>,
    seen: Seen,
}

impl SumOfHistograms {
    /// The sum of one histogram.
    pub fn new(first: &HistogramRef<'_>) -> Self {
        let mut seen = Seen::default();
        seen.hint(first.counter_reset);
        SumOfHistograms {
            sum: first.to_histogram(),
            lost: None,
            seen,
        }
    }

    /// A sum that was begun elsewhere.
    pub(super) fn from_state(sum: Histogram, lost: Option<Compensation>, seen: Seen) -> Self {
        SumOfHistograms { sum, lost, seen }
    }

    /// Adds another histogram.
    ///
    /// # Errors
    /// If it has exponential buckets and the others custom ones, or the other
    /// way round; then there is no sum.
    pub fn add(&mut self, h: &HistogramRef<'_>) -> Result<(), IncompatibleSchemas> {
        self.seen.hint(h.counter_reset);
        let columns = self.sum.buckets.len();
        let lost = self.lost.get_or_insert_with(|| Compensation::none(columns));
        let found = self.sum.kahan_add(h, lost)?;
        self.seen.addition(found);
        Ok(())
    }

    /// The findings so far.
    pub(super) fn found(&self) -> Found {
        self.seen.found()
    }

    /// The sum, not compacted, and the findings.
    pub fn finish(mut self) -> (Histogram, Found) {
        if let Some(lost) = &self.lost {
            self.sum.add_compensation(lost);
        }
        (self.sum, self.seen.found())
    }
}

impl Histogram {
    /// Adds the rounding errors.
    pub(super) fn add_compensation(&mut self, lost: &Compensation) {
        let layout = Arc::clone(&self.layout);
        let lost = HistogramRef {
            counter_reset: self.counter_reset,
            layout: &layout,
            zero_count: lost.zero_count,
            count: lost.count,
            sum: lost.sum,
            buckets: &lost.buckets,
            compact: false,
        };
        // Histograms of one layout can be added.
        let _ = self.add(&lost);
    }
}
