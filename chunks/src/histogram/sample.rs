//! Histograms as they come to be encoded.

use std::fmt::Debug;

use super::layout::{HistogramLayout, LayoutError};
use super::{CounterReset, encode};
use crate::xor2::STALE_NAN;

mod sealed {
    pub trait Sealed {}
    impl Sealed for u64 {}
    impl Sealed for f64 {}
}

/// What counts of observations are: `u64` in integer histograms, `f64` in
/// float histograms.
pub trait Count: Copy + Debug + Default + PartialOrd + sealed::Sealed + 'static {
    /// Whether this is `f64`.
    const IS_FLOAT: bool;

    /// How such counts are written.
    #[doc(hidden)]
    type Writer: encode::CountWriter<Self>;
}

impl Count for u64 {
    const IS_FLOAT: bool = false;
    type Writer = encode::IntegerWriter;
}

impl Count for f64 {
    const IS_FLOAT: bool = true;
    type Writer = encode::FloatWriter;
}

/// A histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram<C> {
    /// What its source says about a counter reset before it.
    pub counter_reset: CounterReset,
    /// Where its buckets are.
    pub layout: HistogramLayout,
    /// All observations.
    pub count: C,
    /// Observations in the zero bucket.
    pub zero_count: C,
    /// The sum of observations. A stale marker stands here.
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

    /// Without layout and hint.
    pub fn sample(&self) -> HistogramSample<'_, C> {
        HistogramSample {
            count: self.count,
            zero_count: self.zero_count,
            sum: self.sum,
            buckets: &self.buckets,
        }
    }
}

/// A histogram whose layout is known from elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct HistogramSample<'a, C> {
    /// All observations.
    pub count: C,
    /// Observations in the zero bucket.
    pub zero_count: C,
    /// The sum of observations, or a stale marker, whose counts are ignored.
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

/// Why a histogram cannot be written to a chunk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The chunk's header cannot count more samples.
    #[error("the chunk is full")]
    Full,
    /// Another number of buckets than the layout has.
    #[error("{got} bucket counts for a layout of {expected} buckets")]
    WrongBuckets {
        /// What the layout has.
        expected: usize,
        /// What came.
        got: usize,
    },
    /// A bucket count of 2^63 or more.
    #[error("bucket count {0} is too large")]
    CountTooLarge(u64),
    /// A layout that no histogram can have.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A histogram in a chunk that ended with a stale marker.
    #[error("a histogram follows a stale marker in one chunk")]
    AfterStale,
}
