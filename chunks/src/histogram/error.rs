//! Errors of encoding a histogram.

use super::layout::LayoutError;

/// Why a histogram cannot be written to a chunk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The chunk's header cannot count more samples.
    #[error("the chunk is full")]
    Full,
    /// The number of buckets differs from that of the layout.
    #[error("{got} bucket counts for a layout of {expected} buckets")]
    WrongBuckets {
        /// Buckets of the layout.
        expected: usize,
        /// Buckets of the histogram.
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
