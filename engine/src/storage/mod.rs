//! What quarrel asks of a store: the [`Storage`] trait and its types.
//!
//! A query takes one [`Snapshot`], which is one consistent view from the
//! query's beginning to its end. [`Snapshot::select`] answers with the labels
//! of all matching series at once, before any sample is touched; the samples
//! follow series by series as chunks, encoded as they lie on disk or as plain
//! columns. Times are milliseconds since the Unix epoch, ranges are closed on
//! both ends.
//!
//! `quarrel_storage::conformance` holds a test suite that any implementation
//! can be run through.

mod chunk;
mod control;
mod deduplication;
mod error;
mod panics;
mod select;
mod store;
mod time_range;

pub use bytes::Bytes;
pub use futures::future::BoxFuture;
pub use quarrel_chunks::{ChunkError, Encoding, FloatEncoder, Xor2Encoder, XorEncoder};
pub use quarrel_functions::table::Aggregate;
pub use quarrel_matchers::{MatchOp, Matcher, RegexError, RegexErrorKind};

/// Histograms as chunks hold them, and the builder that packs them into
/// chunks: see [`Chunk::histograms`].
pub mod histogram_chunks {
    pub use quarrel_chunks::histogram::{
        BuiltChunk, CUSTOM_SCHEMA, Count, CounterReset, EncodeError, Histogram, HistogramBuilder,
        HistogramLayout, HistogramSample, LayoutError, MAX_BUCKETS, MAX_SCHEMA, MIN_SCHEMA, Span,
    };
}

pub use chunk::{Aggregates, Chunk, ChunkData, EncodedChunk};
pub use control::{Pieces, SelectControl, Unlimited};
pub use deduplication::{Deduplication, REPLICA_REACH_MS, UnknownDeduplication};
pub use error::StorageError;
pub(crate) use panics::{message as panic_message, snapshot};
pub use select::{LabelsRequest, SelectHints, SelectRequest, Selected, SeriesSource, is_projected};
pub use store::{Snapshot, Storage};
pub use time_range::TimeRange;
