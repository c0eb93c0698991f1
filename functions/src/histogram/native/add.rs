//! Addition and subtraction.

use std::borrow::Cow;
use std::sync::Arc;

use super::layout::{Layout, same};
use super::merge::{Merge, in_common_bounds};
use super::sign::Sign;
use super::value::{CounterReset, Histogram, HistogramRef};

/// Exponential and custom buckets have no layout in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot apply this operation on histograms with a mix of exponential and custom bucket schemas"
)]
pub struct IncompatibleSchemas;

/// What an addition or subtraction found, for annotations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// One operand comes right behind a counter reset and the other one not.
    pub reset_collision: bool,
    /// Custom bounds differed, and those in common were used.
    pub bounds_reconciled: bool,
}

impl Histogram {
    /// Adds another histogram. Buckets that are only in the other one are
    /// inserted, whether or not they have observations.
    ///
    /// # Errors
    /// If one has exponential and the other one custom buckets; then this
    /// stays as it is.
    pub fn add(&mut self, other: &HistogramRef<'_>) -> Result<Found, IncompatibleSchemas> {
        self.combine(other, Sign::Plus)
    }

    /// Subtracts another histogram. The hint becomes that of an addition; the
    /// `-` of PromQL makes a gauge of the result.
    ///
    /// # Errors
    /// As [`Histogram::add`].
    pub fn subtract(&mut self, other: &HistogramRef<'_>) -> Result<Found, IncompatibleSchemas> {
        self.combine(other, Sign::Minus)
    }

    fn combine(
        &mut self,
        other: &HistogramRef<'_>,
        sign: Sign,
    ) -> Result<Found, IncompatibleSchemas> {
        if self.layout.is_custom() != other.layout.is_custom() {
            return Err(IncompatibleSchemas);
        }
        let reset_collision = self.join_counter_reset(other.counter_reset);
        let bounds_reconciled = if same(&self.layout, other.layout) && !self.layout.hides() {
            self.zero_count += sign.of(other.zero_count);
            combine_columns(&mut self.buckets, other.buckets, sign);
            false
        } else {
            other.physical(|other| self.combine_layouts(other, sign))
        };
        self.count += sign.of(other.count);
        self.sum += sign.of(other.sum);
        Ok(Found {
            reset_collision,
            bounds_reconciled,
        })
    }

    /// Combines zero counts and buckets of different layouts; true if custom
    /// bounds differ.
    fn combine_layouts(&mut self, other: &HistogramRef<'_>, sign: Sign) -> bool {
        if self.layout.is_custom() && self.layout.custom_values() != other.layout.custom_values() {
            (self.layout, self.buckets, _) = in_common_bounds(&self.view(), None, other, sign);
            return true;
        }
        if !self.layout.is_custom() {
            let zero = self.reconcile_zero_buckets(other, None);
            self.zero_count += sign.of(zero.count);
        }
        self.reduce_to(other.layout.schema());
        let (layout, counts) = reduced(other, self.layout.schema());
        let merge = Merge::new(&self.layout, &layout);
        merge.spread(&mut self.buckets);
        for term in &merge.terms {
            let count = sign.of(counts[term.from]);
            match &mut self.buckets[term.to] {
                place if term.is_new => *place = count,
                place => *place += count,
            }
        }
        self.layout = merge.layout;
        false
    }

    /// Merges buckets to a coarser schema; does nothing for a finer one.
    pub fn reduce_to(&mut self, schema: i32) {
        if schema < self.layout.schema() && !self.layout.is_custom() {
            let (layout, targets) = self.layout.reduced(schema);
            self.buckets = add_up(&self.buckets, &targets, layout.width());
            self.layout = layout;
        }
    }

    /// Takes the hint of an addition; true if the hints contradict each other.
    pub(super) fn join_counter_reset(&mut self, other: CounterReset) -> bool {
        let (joined, collision) = self.counter_reset.joined(other);
        self.counter_reset = joined;
        collision
    }
}

impl CounterReset {
    /// The hint of a sum, and whether those of the terms contradict each other.
    pub(super) fn joined(self, other: CounterReset) -> (CounterReset, bool) {
        use CounterReset::{Gauge, Unknown};
        match (self, other) {
            (a, b) if a == b => (a, false),
            (Gauge, _) | (_, Gauge) => (Gauge, false),
            (Unknown, _) | (_, Unknown) => (Unknown, false),
            _ => (Unknown, true),
        }
    }
}

impl HistogramRef<'_> {
    /// Gives `f` this histogram as Prometheus would have it: empty buckets
    /// of a compact one are left out.
    pub(super) fn physical<R>(&self, f: impl FnOnce(&HistogramRef<'_>) -> R) -> R {
        if self.compact && self.buckets.contains(&0.0) {
            return f(&self.to_histogram().view());
        }
        f(&HistogramRef {
            compact: false,
            ..*self
        })
    }
}

/// Adds or subtracts column by column.
pub(super) fn combine_columns(counts: &mut [f64], terms: &[f64], sign: Sign) {
    let pairs = counts.iter_mut().zip(terms);
    match sign {
        Sign::Plus => pairs.for_each(|(count, term)| *count += term),
        Sign::Minus => pairs.for_each(|(count, term)| *count -= term),
    }
}

/// Layout and counts with the buckets merged to a schema, if it is coarser.
fn reduced<'a>(h: &HistogramRef<'a>, schema: i32) -> (Arc<Layout>, Cow<'a, [f64]>) {
    if schema >= h.layout.schema() || h.layout.is_custom() {
        return (Arc::clone(h.layout), Cow::Borrowed(h.buckets));
    }
    let (layout, targets) = h.layout.reduced(schema);
    let counts = add_up(h.buckets, &targets, layout.width());
    (layout, Cow::Owned(counts))
}

/// Adds counts up in their target columns, which ascend.
fn add_up(counts: &[f64], targets: &[usize], width: usize) -> Vec<f64> {
    let mut merged = vec![0.0; width];
    let mut last = None;
    for (&count, &target) in counts.iter().zip(targets) {
        match &mut merged[target] {
            place if last != Some(target) => *place = count,
            place => *place += count,
        }
        last = Some(target);
    }
    merged
}
