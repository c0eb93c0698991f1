//! Histogram chunks: one bucket layout, and for each sample a timestamp, the
//! counts and the sum.
//!
//! ```text
//! integer and float          samples (16 bits) | reset (2 bits) .. | layout | samples
//! with start timestamps      reset (2 bits) samples (14 bits) | start (8 bits) | layout | samples
//! ```
//!
//! Integer counts and bucket deltas are deltas of deltas in variable-bit
//! integers, float counts are XORed with those before, as are all sums. A
//! stale marker stands in the sum and has no buckets. Start timestamps follow
//! each sample as in XOR2 chunks.

mod build;
mod decode;
mod encode;
mod float;
mod integer;
mod layout;
mod reduce;
mod sample;
mod start;
#[cfg(test)]
mod tests;

use crate::{ChunkError, Encoding};
pub use layout::{
    CUSTOM_SCHEMA, HistogramLayout, LayoutError, MAX_BUCKETS, MAX_SCHEMA, MAX_USED_SCHEMA,
    MIN_SCHEMA, Span,
};

pub use build::{BuiltChunk, HistogramBuilder};
pub use decode::{MAX_CELLS, STALE_CELLS};
pub use encode::HistogramEncoder;
pub use sample::{Count, EncodeError, Histogram, HistogramSample};

/// What a chunk's writer knew about counter resets between its first sample
/// and the last one of the chunk before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CounterReset {
    /// Nothing.
    #[default]
    Unknown,
    /// There was one.
    Reset,
    /// There was none.
    NoReset,
    /// The histograms are gauges, which have no resets.
    Gauge,
}

impl CounterReset {
    /// From the two highest bits of a header byte.
    fn from_header(byte: u8) -> Self {
        match byte >> 6 {
            0 => CounterReset::Unknown,
            1 => CounterReset::NoReset,
            2 => CounterReset::Reset,
            _ => CounterReset::Gauge,
        }
    }

    fn to_header(self) -> u8 {
        let code = match self {
            CounterReset::Unknown => 0,
            CounterReset::NoReset => 1,
            CounterReset::Reset => 2,
            CounterReset::Gauge => 3,
        };
        code << 6
    }

    /// What is known about sample `sample` of a chunk with this header. Only
    /// inside of a chunk can it be trusted that there was no reset: the chunk
    /// before it may be gone, or another one may have come between.
    pub fn of_sample(self, sample: usize) -> Self {
        match self {
            CounterReset::Gauge => CounterReset::Gauge,
            _ if sample > 0 => CounterReset::NoReset,
            _ => CounterReset::Unknown,
        }
    }
}

/// The samples of one histogram chunk as columns of equal length.
///
/// Stale markers have the stale NaN as their sum, and zeros elsewhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramColumns {
    /// Where the buckets of all samples are. Schemas above
    /// [`MAX_USED_SCHEMA`] were reduced to it.
    pub layout: HistogramLayout,
    /// The chunk's header; see [`CounterReset::of_sample`].
    pub counter_reset: CounterReset,
    /// When the counts began to grow from zero, ms; 0 where that is unknown.
    pub start_timestamps: Vec<i64>,
    /// Milliseconds.
    pub timestamps: Vec<i64>,
    /// All observations.
    pub counts: Vec<f64>,
    /// Observations in the zero bucket.
    pub zero_counts: Vec<f64>,
    /// Sums of observations.
    pub sums: Vec<f64>,
    /// Observations in each bucket, sample after sample: first the positive
    /// buckets, then the negative ones, [`HistogramLayout::buckets`] in all.
    pub buckets: Vec<f64>,
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
        self.sums[sample].to_bits() == crate::xor2::STALE_NAN
    }

    fn clear(&mut self) {
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

/// Decodes a histogram chunk; what `columns` held is gone, but its memory is
/// used again. On an error the columns are empty.
///
/// Memory is bounded by the chunk's bits (one bucket count a bit, and
/// [`STALE_CELLS`]) and by [`MAX_CELLS`].
///
/// # Errors
/// When the chunk is corrupt, too large, or holds floats.
pub fn decode_histograms(
    encoding: Encoding,
    bytes: &[u8],
    columns: &mut HistogramColumns,
) -> Result<(), ChunkError> {
    columns.clear();
    let result = match encoding {
        Encoding::Histogram => decode::decode::<integer::IntegerReader>(bytes, false, columns),
        Encoding::HistogramSt => decode::decode::<integer::IntegerReader>(bytes, true, columns),
        Encoding::FloatHistogram => decode::decode::<float::FloatReader>(bytes, false, columns),
        Encoding::FloatHistogramSt => decode::decode::<float::FloatReader>(bytes, true, columns),
        Encoding::Xor | Encoding::Xor2 => Err(ChunkError::NotHistograms),
    };
    if result.is_err() {
        columns.clear();
    }
    result
}
