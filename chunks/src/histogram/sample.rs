//! A histogram as it is given to an encoder.

use super::count::Count;
use super::counter_reset::CounterReset;
use super::layout::HistogramLayout;
use crate::xor2::STALE_NAN;

/// A histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram<C> {
    /// The counter reset hint of its source.
    pub counter_reset: CounterReset,
    /// The bucket layout.
    pub layout: HistogramLayout,
    /// Number of observations.
    pub count: C,
    /// Observations in the zero bucket.
    pub zero_count: C,
    /// The sum of observations, or a stale marker.
    pub sum: f64,
    /// Observations in each bucket: the positive ones, then the negative ones.
    pub buckets: Vec<C>,
}

impl<C: Count> Histogram<C> {
    /// A stale marker.
    pub fn stale() -> Self {
        Histogram {
            sum: f64::from_bits(STALE_NAN),
            ..Histogram::default()
        }
    }

    /// The histogram without its layout and its hint.
    pub fn sample(&self) -> HistogramSample<'_, C> {
        HistogramSample {
            count: self.count,
            zero_count: self.zero_count,
            sum: self.sum,
            buckets: &self.buckets,
        }
    }
}

/// A histogram without its layout, which the chunk has.
#[derive(Clone, Copy, Debug)]
pub struct HistogramSample<'a, C> {
    /// Number of observations.
    pub count: C,
    /// Observations in the zero bucket.
    pub zero_count: C,
    /// The sum of observations, or a stale marker; its counts are ignored.
    pub sum: f64,
    /// Observations in each bucket: the positive ones, then the negative ones.
    pub buckets: &'a [C],
}

impl<C> HistogramSample<'_, C> {
    /// Whether this is a stale marker.
    pub fn is_stale(&self) -> bool {
        self.sum.to_bits() == STALE_NAN
    }
}
