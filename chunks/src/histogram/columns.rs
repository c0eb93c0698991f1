//! Decoded histograms as columns.

use super::counter_reset::CounterReset;
use super::layout::HistogramLayout;
use crate::xor2::STALE_NAN;

/// The samples of one histogram chunk as columns of equal length.
///
/// Stale markers have the stale NaN as their sum, and zeros elsewhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramColumns {
    /// The bucket layout of all samples. Schemas above
    /// [`MAX_USED_SCHEMA`](super::MAX_USED_SCHEMA) are reduced to it.
    pub layout: HistogramLayout,
    /// The chunk's counter reset header; [`CounterReset::of_sample`] gives the
    /// hint of a sample.
    pub counter_reset: CounterReset,
    /// Start timestamps, ms; 0 where unknown.
    pub start_timestamps: Vec<i64>,
    /// Timestamps, ms.
    pub timestamps: Vec<i64>,
    /// Numbers of observations.
    pub counts: Vec<f64>,
    /// Observations in the zero bucket.
    pub zero_counts: Vec<f64>,
    /// Sums of observations.
    pub sums: Vec<f64>,
    /// Observations in each bucket, sample by sample: the positive buckets,
    /// then the negative ones, [`HistogramLayout::buckets`] in all.
    pub buckets: Vec<f64>,
    pub(super) memory: Memory,
}

/// Memory that decoding a chunk needs, for the next one.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub(super) deltas: Vec<i64>,
    pub(super) changes: Vec<i64>,
    pub(super) small: Vec<i8>,
}

impl PartialEq for Memory {
    fn eq(&self, _: &Memory) -> bool {
        true
    }
}

impl HistogramColumns {
    /// The number of samples.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// The buckets of sample `sample`.
    pub fn row(&self, sample: usize) -> &[f64] {
        let width = self.layout.buckets();
        &self.buckets[sample * width..][..width]
    }

    /// Whether sample `sample` is a stale marker.
    pub fn is_stale(&self, sample: usize) -> bool {
        self.sums[sample].to_bits() == STALE_NAN
    }

    /// Removes all samples, and keeps the memory.
    pub fn clear(&mut self) {
        self.layout = HistogramLayout::default();
        self.counter_reset = CounterReset::Unknown;
        for column in [&mut self.start_timestamps, &mut self.timestamps] {
            column.clear();
        }
        let floats = [
            &mut self.counts,
            &mut self.zero_counts,
            &mut self.sums,
            &mut self.buckets,
        ];
        floats.into_iter().for_each(Vec::clear);
    }
}
