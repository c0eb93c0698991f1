//! Detection of counter resets.

use super::layout::{Layout, reduced_index, same};
use super::merge::falls_in_common_bounds;
use super::value::{CounterReset, HistogramRef};
use super::zero::widened;

impl HistogramRef<'_> {
    /// Whether a counter was reset between `before` and this histogram: the
    /// hint says so, a count is lower, or the layout became finer. A hint that
    /// there was none is trusted.
    pub fn is_reset_from(&self, before: &HistogramRef<'_>) -> bool {
        match self.counter_reset {
            CounterReset::Reset => return true,
            CounterReset::NoReset => return false,
            CounterReset::Unknown | CounterReset::Gauge => {}
        }
        if self.count < before.count {
            return true;
        }
        if same(self.layout, before.layout) {
            return self.zero_count < before.zero_count || self.columns_fall(before);
        }
        self.layout_falls(before)
    }

    /// Whether a count is lower, both of one layout.
    fn columns_fall(&self, before: &HistogramRef<'_>) -> bool {
        let falls = |columns: std::ops::Range<usize>| {
            let now = self.buckets[columns.clone()].iter();
            let mut pairs = now.zip(&before.buckets[columns]);
            if !self.compact && !before.compact {
                return pairs.any(|(now, before)| now < before);
            }
            // A bucket that is new did not fall, one that is gone did.
            pairs.any(|(&now, &old)| match (now == 0.0, old == 0.0) {
                (_, true) if before.compact => false,
                (true, false) if self.compact => true,
                _ => now < old,
            })
        };
        let [hidden, negative_hidden] = passed(self.layout, self.layout.zero_threshold());
        let positive = self.layout.positive().len();
        falls(hidden..positive) || falls(positive + negative_hidden..self.buckets.len())
    }

    /// Whether a count is lower, in layouts that differ.
    fn layout_falls(&self, before: &HistogramRef<'_>) -> bool {
        let (layout, old) = (self.layout, before.layout);
        if layout.is_custom() {
            if !old.is_custom() {
                return true;
            }
            if layout.custom_values() != old.custom_values() {
                return falls_in_common_bounds(self, before);
            }
        }
        let threshold = layout.zero_threshold();
        if layout.schema() > old.schema() || threshold < old.zero_threshold() {
            return true;
        }
        let zero = widened(before, None, threshold);
        if zero.threshold != threshold || self.zero_count < zero.count {
            return true;
        }
        (0..2).any(|side| side_falls(&self.side(side, layout), &before.side(side, layout)))
    }

    /// The buckets of one side, merged to the schema of another layout, from
    /// where its zero bucket ends.
    fn side(&self, side: usize, target: &Layout) -> Vec<(i32, f64)> {
        let positive = self.layout.positive();
        let (indices, counts) = match side {
            0 => (positive, &self.buckets[..positive.len()]),
            _ => (self.layout.negative(), &self.buckets[positive.len()..]),
        };
        let by = (self.layout.schema() - target.schema()).unsigned_abs();
        let mut merged: Vec<(i32, f64)> = Vec::with_capacity(counts.len());
        for (&index, &count) in indices.iter().zip(counts) {
            if self.compact && count == 0.0 {
                continue;
            }
            let index = reduced_index(index, by);
            match merged.last_mut() {
                Some((last, sum)) if *last == index => *sum += count,
                _ => merged.push((index, count)),
            }
        }
        let within = |&(index, _): &(i32, f64)| target.hides_bucket(index);
        let hidden = merged.iter().take_while(|bucket| within(bucket)).count();
        merged.drain(..hidden);
        merged
    }
}

/// Buckets of each side that Prometheus passes over; without a zero bucket
/// none, not even those whose bounds are too small for a float.
fn passed(layout: &Layout, threshold: f64) -> [usize; 2] {
    if threshold == 0.0 {
        return [0, 0];
    }
    layout.hidden_within(threshold)
}

/// Whether any count is lower than before; buckets that are gone count zero.
fn side_falls(now: &[(i32, f64)], before: &[(i32, f64)]) -> bool {
    let mut now = now.iter().peekable();
    before.iter().any(|&(index, before)| {
        while now.next_if(|(i, _)| *i < index).is_some() {}
        match now.peek() {
            Some(&&(i, count)) if i == index => count < before,
            _ => before != 0.0,
        }
    })
}
