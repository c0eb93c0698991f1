//! Decodes Prometheus chunks to columns of timestamps and values, and encodes
//! them.
//!
//! The bytes of a chunk are those between its length and its checksum in a
//! segment file, without the encoding byte. Timestamps are milliseconds.
//! Prometheus describes the formats in `tsdb/docs/format/chunks.md`. XOR is the
//! format of Gorilla (<https://www.vldb.org/pvldb/vol8/p1816-teller.pdf>) with
//! other widths.

mod bits;
mod encode;
mod encoding;
mod error;
mod header;
pub mod histogram;
mod xor;
mod xor2;

pub use encode::{FloatEncoder, Xor2Encoder, XorEncoder};
pub use encoding::Encoding;
pub use error::ChunkError;
pub use header::num_samples;
pub use histogram::{HistogramColumns, decode_histograms};

/// Appends the samples of a float chunk to two columns. On an error the columns
/// are unchanged.
///
/// # Errors
/// When the chunk is corrupt or holds histograms.
pub fn decode_floats(
    encoding: Encoding,
    bytes: &[u8],
    timestamps: &mut Vec<i64>,
    values: &mut Vec<f64>,
) -> Result<(), ChunkError> {
    let from = timestamps.len();
    let result = match encoding {
        Encoding::Xor => xor::decode(bytes, timestamps, values),
        Encoding::Xor2 => xor2::decode(bytes, timestamps, values, None),
        _ => Err(ChunkError::NotFloats),
    };
    if result.is_err() {
        timestamps.truncate(from);
        values.truncate(from);
    }
    result
}

/// As [`decode_floats`], with a column of start timestamps (ms), 0 where
/// unknown.
///
/// # Errors
/// As [`decode_floats`].
pub fn decode_floats_with_start(
    encoding: Encoding,
    bytes: &[u8],
    start_timestamps: &mut Vec<i64>,
    timestamps: &mut Vec<i64>,
    values: &mut Vec<f64>,
) -> Result<(), ChunkError> {
    let (from, starts_from) = (timestamps.len(), start_timestamps.len());
    let result = match encoding {
        Encoding::Xor => xor::decode(bytes, timestamps, values),
        Encoding::Xor2 => xor2::decode(bytes, timestamps, values, Some(start_timestamps)),
        _ => Err(ChunkError::NotFloats),
    };
    if result.is_err() {
        timestamps.truncate(from);
        values.truncate(from);
        start_timestamps.truncate(starts_from);
    }
    start_timestamps.resize(starts_from + timestamps.len() - from, 0);
    result
}

#[cfg(test)]
mod tests;
