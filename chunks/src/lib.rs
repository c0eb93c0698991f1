//! Prometheus chunk encodings: bytes to columns of timestamps and values, and
//! back.
//!
//! A chunk is what stands between its length and its checksum in a segment
//! file, without the encoding byte. Timestamps are milliseconds. The formats
//! are described in Prometheus's `tsdb/docs/format/chunks.md`; XOR is
//! Gorilla's (<https://www.vldb.org/pvldb/vol8/p1816-teller.pdf>) with other
//! widths.

mod bits;
mod encode;
pub mod histogram;
mod xor;
mod xor2;

pub use encode::{FloatEncoder, Xor2Encoder, XorEncoder};
pub use histogram::{HistogramColumns, decode_histograms};

/// How a chunk's bytes are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Encoding {
    /// Floats, Gorilla's way.
    Xor = 1,
    /// Integer histograms.
    Histogram = 2,
    /// Float histograms.
    FloatHistogram = 3,
    /// Floats with joint control bits and optional start timestamps.
    Xor2 = 4,
    /// Integer histograms with start timestamps.
    HistogramSt = 5,
    /// Float histograms with start timestamps.
    FloatHistogramSt = 6,
}

impl Encoding {
    /// Whether the chunk holds histograms.
    pub fn is_histogram(self) -> bool {
        !matches!(self, Encoding::Xor | Encoding::Xor2)
    }
}

impl TryFrom<u8> for Encoding {
    type Error = ChunkError;

    fn try_from(byte: u8) -> Result<Self, ChunkError> {
        Ok(match byte {
            1 => Encoding::Xor,
            2 => Encoding::Histogram,
            3 => Encoding::FloatHistogram,
            4 => Encoding::Xor2,
            5 => Encoding::HistogramSt,
            6 => Encoding::FloatHistogramSt,
            other => return Err(ChunkError::UnknownEncoding(other)),
        })
    }
}

/// Why a chunk cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// An encoding byte that Prometheus does not write.
    #[error("unknown chunk encoding {0}")]
    UnknownEncoding(u8),
    /// Fewer bytes than the header needs.
    #[error("chunk of {0} bytes has no header")]
    NoHeader(usize),
    /// The bytes end before the samples do.
    #[error("chunk ends within sample {sample} of {samples}")]
    Truncated {
        /// The sample that is not whole.
        sample: usize,
        /// How many samples the header promises.
        samples: usize,
    },
    /// Bits that no encoder writes.
    #[error("chunk is corrupt at sample {sample}: {what}")]
    Corrupt {
        /// The sample concerned.
        sample: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Histograms where floats were asked for.
    #[error("chunk holds histograms, not floats")]
    NotFloats,
    /// Floats where histograms were asked for.
    #[error("chunk holds floats, not histograms")]
    NotHistograms,
    /// Buckets that no histogram can have.
    #[error("chunk has a corrupt bucket layout: {0}")]
    Layout(#[from] histogram::LayoutError),
    /// More bucket counts than a chunk of its size may have.
    #[error("{samples} histograms of {buckets} buckets are too many for a chunk of {bytes} bytes")]
    TooLarge {
        /// How many samples the header promises.
        samples: usize,
        /// Buckets of each.
        buckets: usize,
        /// The chunk's size.
        bytes: usize,
    },
}

/// The number of samples that a chunk's header promises.
///
/// # Errors
/// When there is no header.
pub fn num_samples(encoding: Encoding, bytes: &[u8]) -> Result<usize, ChunkError> {
    let mask = match encoding {
        // The two highest bits tell about counter resets.
        Encoding::HistogramSt | Encoding::FloatHistogramSt => 0x3fff,
        _ => u16::MAX,
    };
    match bytes {
        [a, b, ..] => Ok(usize::from(u16::from_be_bytes([*a, *b]) & mask)),
        _ => Err(ChunkError::NoHeader(bytes.len())),
    }
}

/// Appends a float chunk's samples to two columns; on an error the columns
/// are as they were.
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

/// Like [`decode_floats`], with a column of start timestamps (ms), 0 where
/// none is known.
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
