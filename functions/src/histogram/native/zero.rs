//! Widening of the zero bucket, so that two histograms have the same.

use super::compensation::Compensation;
use super::value::{Histogram, HistogramRef};
use crate::kahan;

/// A histogram's zero bucket if it were wider.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Widened {
    pub(super) count: f64,
    pub(super) compensation: f64,
    /// At least as asked for; beyond that, if it would have split a bucket
    /// that has observations.
    pub(super) threshold: f64,
}

/// The zero bucket of `h` with a threshold that is at least `threshold` (and
/// not below that of `h`).
pub(super) fn widened(
    h: &HistogramRef<'_>,
    compensation: Option<&Compensation>,
    threshold: f64,
) -> Widened {
    let mut zero = Widened {
        count: h.zero_count,
        compensation: compensation.map_or(0.0, |c| c.zero_count),
        threshold,
    };
    if threshold == h.layout.zero_threshold() {
        return zero;
    }
    let positive = h.layout.positive().len();
    loop {
        // Prometheus begins anew with the count alone.
        zero.count = h.zero_count;
        zero.swallow(h, compensation, 0..positive);
        if !zero.swallow(h, compensation, positive..h.buckets.len()) {
            return zero;
        }
        // The threshold grew because of a negative bucket, so the positive
        // ones have to be looked at again.
    }
}

impl Widened {
    /// Takes in the buckets of one side that lie within the threshold; true
    /// if it had to grow for the last one.
    fn swallow(
        &mut self,
        h: &HistogramRef<'_>,
        compensation: Option<&Compensation>,
        columns: std::ops::Range<usize>,
    ) -> bool {
        for column in columns {
            let bounds = h.layout.bounds()[column];
            if bounds.near >= self.threshold {
                return false;
            }
            let count = h.buckets[column];
            self.add(count);
            if let Some(compensation) = compensation {
                self.add(compensation.buckets[column]);
            }
            if bounds.far > self.threshold {
                if count != 0.0 {
                    self.threshold = bounds.far;
                }
                return count != 0.0;
            }
        }
        false
    }

    fn add(&mut self, count: f64) {
        (self.count, self.compensation) = kahan::add(count, self.count, self.compensation);
    }
}

impl Histogram {
    /// Widens the zero bucket until it holds that of `other`, too, and ends
    /// inside of no populated bucket of either; gives the zero bucket that
    /// `other` has then.
    pub(super) fn reconcile_zero_buckets(
        &mut self,
        other: &HistogramRef<'_>,
        mut compensation: Option<&mut Compensation>,
    ) -> Widened {
        let mut theirs = Widened {
            count: other.zero_count,
            compensation: 0.0,
            threshold: other.layout.zero_threshold(),
        };
        while theirs.threshold != self.layout.zero_threshold() {
            let ours = self.layout.zero_threshold();
            if ours > theirs.threshold {
                theirs = widened(other, None, ours);
            }
            if theirs.threshold > ours {
                let zero = widened(&self.view(), compensation.as_deref(), theirs.threshold);
                self.zero_count = zero.count;
                if let Some(compensation) = compensation.as_deref_mut() {
                    compensation.zero_count = zero.compensation;
                }
                self.layout = self.layout.with_threshold(zero.threshold);
                self.empty_within_zero_bucket(compensation.as_deref_mut());
            }
        }
        theirs
    }

    /// Removes the buckets that the zero bucket has swallowed, and with them,
    /// as Prometheus does, all that are empty.
    fn empty_within_zero_bucket(&mut self, compensation: Option<&mut Compensation>) {
        let threshold = self.layout.zero_threshold();
        let positive = self.layout.positive().len();
        let bounds = self.layout.bounds();
        let within = |columns: std::ops::Range<usize>| {
            columns.take_while(|&column| bounds[column].near < threshold)
        };
        let swallowed: Vec<usize> = within(0..positive)
            .chain(within(positive..bounds.len()))
            .collect();
        for &column in &swallowed {
            self.buckets[column] = 0.0;
        }
        match compensation {
            None => self.compact(),
            Some(compensation) => {
                for &column in &swallowed {
                    compensation.buckets[column] = 0.0;
                }
                self.compact_with(compensation);
            }
        }
    }
}
