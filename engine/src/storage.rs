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

use std::fmt::Debug;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_buffer::ScalarBuffer;
use bytes::Bytes;
use futures::future::BoxFuture;
pub use quarrel_chunks::Encoding;
use quarrel_chunks::histogram::BuiltChunk;
pub use quarrel_matchers::Matcher;

use crate::labels::{LabelList, SymbolTable};

/// Why a store could not answer. `detail` and `source` texts name the place:
/// file and offset, series, or remote address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Bytes that are not what their format says.
    #[error("corrupt data in {file}: {detail}")]
    Corrupt {
        /// The file (or object, or address) that holds them.
        file: String,
        /// What was wrong and where.
        detail: String,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// The store holds something that this version cannot read.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// A remote store failed or vanished.
    #[error("{endpoint}: {detail}")]
    Remote {
        /// Its address.
        endpoint: String,
        /// What happened.
        detail: String,
    },
    /// Anything else a connector has to say.
    #[error("{0}")]
    Other(String),
}

/// A closed range of time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// First millisecond.
    pub start: i64,
    /// Last millisecond.
    pub end: i64,
}

impl TimeRange {
    /// Everything.
    pub const ALL: TimeRange = TimeRange {
        start: i64::MIN,
        end: i64::MAX,
    };

    /// Whether two closed ranges share a millisecond.
    pub fn overlaps(&self, start: i64, end: i64) -> bool {
        self.start <= end && start <= self.end
    }
}

/// What the plan above a selector will do with its samples, so that a store
/// may shard, downsample or push down. A store may ignore all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectHints {
    /// The evaluation step, ms; 0 for an instant query.
    pub step_ms: i64,
    /// The range of a range selector, ms; 0 for an instant selector.
    pub range_ms: i64,
    /// The function or aggregator directly above, or empty.
    pub function: String,
    /// The grouping labels of an aggregation directly above.
    pub grouping: Vec<String>,
    /// Whether `grouping` is `by` (else `without`).
    pub by: bool,
    /// Label names that the plan needs, if it needs not all: a store that
    /// can may leave out the others as long as series stay apart.
    pub projection: Option<Vec<String>>,
}

/// One select of a query.
#[derive(Clone, Copy, Debug)]
pub struct SelectRequest<'a> {
    /// All must match.
    pub matchers: &'a [Matcher],
    /// Samples outside are not needed. A store may give more.
    pub range: TimeRange,
    /// See [`SelectHints`].
    pub hints: &'a SelectHints,
    /// Where label strings go.
    pub symbols: &'a SymbolTable,
}

/// The answer to a select: all labels, and a handle on the samples.
pub struct Selected {
    /// One row a series, sorted as [`Symbols::compare`](crate::labels::Symbols::compare)
    /// orders, no two rows equal. An answer that is not so ends the query.
    pub labels: LabelList,
    /// The samples, by the row's number in `labels`.
    pub series: Arc<dyn SeriesSource>,
    /// Things the user should know although there is an answer.
    pub warnings: Vec<String>,
}

/// The samples of selected series.
pub trait SeriesSource: Send + Sync {
    /// Appends the chunks of series `row` in order of their first sample.
    ///
    /// Chunks may overlap in time: the scan merges them, and at equal
    /// timestamps the sample of the chunk that was given last is dropped.
    /// Called from many threads at once. Must not block for long: data that
    /// is not at hand is brought by [`SeriesSource::prefetch`].
    ///
    /// # Errors
    /// Whatever the store says; it ends the query.
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError>;

    /// Brings the chunks of some rows near. `None`, the default, says that
    /// they are at hand. The future is run on the caller's runtime.
    fn prefetch(&self, rows: Range<u32>) -> Option<BoxFuture<'static, Result<(), StorageError>>> {
        let _ = rows;
        None
    }

    /// A guess of the samples in all series, for choosing how to run a plan.
    fn estimated_samples(&self) -> Option<u64> {
        None
    }
}

/// Samples of one series in time order.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Time of the first sample, ms.
    pub min_time: i64,
    /// Time of the last sample, ms.
    pub max_time: i64,
    /// The samples.
    pub data: ChunkData,
    /// Closed time ranges whose samples are deleted (tombstones), sorted.
    pub deleted: Option<Arc<[TimeRange]>>,
}

impl From<BuiltChunk> for Chunk {
    fn from(built: BuiltChunk) -> Self {
        Chunk {
            min_time: built.min_time,
            max_time: built.max_time,
            data: ChunkData::Encoded {
                encoding: built.encoding,
                bytes: built.bytes.into(),
            },
            deleted: None,
        }
    }
}

/// The bytes or columns of a chunk.
#[derive(Clone, Debug)]
pub enum ChunkData {
    /// A Prometheus chunk, without length, encoding byte and checksum around it.
    Encoded {
        /// How the bytes are encoded.
        encoding: Encoding,
        /// The bytes, usually a view into a mapped file.
        bytes: Bytes,
    },
    /// Plain float columns of equal length.
    Floats {
        /// Milliseconds, strictly ascending; columns that are not end the query.
        timestamps: ScalarBuffer<i64>,
        /// Values; stale markers as Prometheus's NaN.
        values: ScalarBuffer<f64>,
    },
}

impl ChunkData {
    /// Whether there are native histograms in it.
    pub fn is_histogram(&self) -> bool {
        matches!(self, ChunkData::Encoded { encoding, .. } if encoding.is_histogram())
    }
}

/// What a connector can do; the planner never assumes more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// [`SeriesSource::chunks`] may be called from several threads at once.
    pub concurrent_reads: bool,
    /// [`SelectHints::projection`] is honoured.
    pub label_projection: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Capabilities {
            concurrent_reads: true,
            label_projection: false,
        }
    }
}

/// A source of series. See the module's words.
pub trait Storage: Send + Sync {
    /// A consistent view for one query over `range`. Pins what it needs.
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>>;

    /// What this connector can do.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
}

/// One consistent view of a store.
pub trait Snapshot: Send + Sync {
    /// All series that match, with their labels.
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>>;

    /// The label names of all series that match any of the selectors (of all
    /// series if there is none) in `range`, sorted.
    fn label_names<'a>(
        &'a self,
        selectors: &'a [Vec<Matcher>],
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>>;

    /// The values of a label, sorted; selectors as in `label_names`.
    fn label_values<'a>(
        &'a self,
        name: &'a str,
        selectors: &'a [Vec<Matcher>],
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>>;

    /// What the user should know about this view, such as a repaired tear.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// The closed time range that the store has samples of, if it knows.
    fn time_range(&self) -> Option<TimeRange> {
        None
    }
}
