//! Errors of decoding a chunk.

use crate::histogram::layout::LayoutError;

/// Why a chunk cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// An encoding byte that Prometheus 3.16 does not write.
    #[error("unknown chunk encoding {0}")]
    UnknownEncoding(u8),
    /// A downsampled chunk whose bytes end before its aggregates do.
    #[error("downsampled chunk ends within aggregate {number} of 5")]
    AggregateTruncated {
        /// The incomplete aggregate, from 0.
        number: usize,
    },
    /// Fewer bytes than the header needs.
    #[error("chunk of {0} bytes has no header")]
    NoHeader(usize),
    /// The bytes end before the samples do.
    #[error("chunk ends within sample {sample} of {samples}")]
    Truncated {
        /// The incomplete sample, from 0.
        sample: usize,
        /// Samples according to the header.
        samples: usize,
    },
    /// Bits that no encoder writes.
    #[error("chunk is corrupt at sample {sample}: {what}")]
    Corrupt {
        /// The sample's number, from 0.
        sample: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Histograms where floats are expected.
    #[error("chunk holds histograms, not floats")]
    NotFloats,
    /// Floats where histograms are expected.
    #[error("chunk holds floats, not histograms")]
    NotHistograms,
    /// An invalid bucket layout.
    #[error("chunk has a corrupt bucket layout: {0}")]
    Layout(LayoutError),
    /// More bucket counts than a chunk of its size may have.
    #[error("{samples} histograms of {buckets} buckets are too many for a chunk of {bytes} bytes")]
    TooLarge {
        /// Samples according to the header.
        samples: usize,
        /// Buckets of each sample.
        buckets: usize,
        /// Size of the chunk.
        bytes: usize,
    },
}

impl From<LayoutError> for ChunkError {
    fn from(error: LayoutError) -> Self {
        ChunkError::Layout(error)
    }
}
