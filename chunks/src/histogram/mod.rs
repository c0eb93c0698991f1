//! Histogram chunks: one bucket layout, and for each sample a timestamp, the
//! counts and the sum.
//!
//! ```text
//! integer and float          samples (16 bits) | reset (2 bits) .. | layout | samples
//! with start timestamps      reset (2 bits) samples (14 bits) | start (8 bits) | layout | samples
//! ```
//!
//! Integer counts and bucket deltas are stored as deltas of deltas in
//! variable-bit integers. Float counts and all sums are XORed with the previous
//! sample. A stale marker is stored in the sum and has no buckets. Start
//! timestamps follow each sample as in XOR2 chunks.

mod build;
mod codes;
mod columns;
mod count;
mod counter_reset;
mod decode;
mod encode;
mod error;
mod float;
mod integer;
pub(crate) mod layout;
mod reduce;
mod sample;
mod start;
#[cfg(test)]
mod tests;
mod totals;

use std::ops::RangeInclusive;

use crate::encoding::Encoding;
use crate::error::ChunkError;

pub use build::{BuiltChunk, HistogramBuilder};
pub use columns::HistogramColumns;
pub use count::Count;
pub use counter_reset::CounterReset;
pub use decode::{MAX_CELLS, STALE_CELLS};
pub use encode::HistogramEncoder;
pub use error::EncodeError;
pub use layout::{
    CUSTOM_SCHEMA, HistogramLayout, LayoutError, MAX_BUCKETS, MAX_SCHEMA, MAX_USED_SCHEMA,
    MIN_SCHEMA, Span,
};
pub use sample::{Histogram, HistogramSample};

/// Decodes a histogram chunk. The new samples replace what `columns` held; its
/// memory is reused. On an error the columns are empty.
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
    append_histograms(encoding, bytes, i64::MIN..=i64::MAX, columns).map(|_| ())
}

/// As [`decode_histograms`], the samples of some times (ms) alone, and behind
/// those that `columns` hold, if these have the chunk's layout. The answer is the
/// number of the first of them in the chunk; `None`, and `columns` stay as they
/// are, for another layout. What is behind these times is not read.
///
/// The counter reset header is that of the chunk. Columns with histograms of a
/// schema above [`MAX_USED_SCHEMA`] accept nothing behind them.
///
/// # Errors
/// As [`decode_histograms`].
pub fn append_histograms(
    encoding: Encoding,
    bytes: &[u8],
    times: RangeInclusive<i64>,
    columns: &mut HistogramColumns,
) -> Result<Option<usize>, ChunkError> {
    use {float::FloatReader, integer::IntegerReader};
    let result = match encoding {
        Encoding::Histogram => decode::append::<IntegerReader>(bytes, false, &times, columns),
        Encoding::HistogramSt => decode::append::<IntegerReader>(bytes, true, &times, columns),
        Encoding::FloatHistogram => decode::append::<FloatReader>(bytes, false, &times, columns),
        Encoding::FloatHistogramSt => decode::append::<FloatReader>(bytes, true, &times, columns),
        Encoding::Xor | Encoding::Xor2 => Err(ChunkError::NotHistograms),
    };
    if result.is_err() {
        columns.clear();
    }
    result
}

/// As [`decode_histograms`], without buckets, which are passed over: neither the
/// layout nor the columns have any. That bucket counts are not negative is not
/// checked.
///
/// The first sample has an unknown counter reset hint (unless the chunk holds
/// gauges), which its neighbour in another chunk may tell. For this, `ends` gets
/// two samples with their buckets: the chunk's first one, and the last one that
/// is not a stale marker, if it is another one. Reading `ends` takes longer.
///
/// # Errors
/// When what is read of the chunk is corrupt, too large, or holds floats. Then
/// both are empty.
pub fn decode_histogram_totals(
    encoding: Encoding,
    bytes: &[u8],
    columns: &mut HistogramColumns,
    mut ends: Option<&mut HistogramColumns>,
) -> Result<(), ChunkError> {
    columns.clear();
    if let Some(ends) = &mut ends {
        ends.clear();
    }
    let to = ends.as_deref_mut();
    let result = match encoding {
        Encoding::Histogram => totals::decode::<integer::IntegerReader>(bytes, false, columns, to),
        Encoding::HistogramSt => totals::decode::<integer::IntegerReader>(bytes, true, columns, to),
        Encoding::FloatHistogram => totals::decode::<float::FloatReader>(bytes, false, columns, to),
        Encoding::FloatHistogramSt => {
            totals::decode::<float::FloatReader>(bytes, true, columns, to)
        }
        Encoding::Xor | Encoding::Xor2 => Err(ChunkError::NotHistograms),
    };
    if result.is_err() {
        columns.clear();
        if let Some(ends) = ends {
            ends.clear();
        }
    }
    result
}
