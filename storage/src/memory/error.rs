//! Why a sample was not taken.

/// Why [`MemoryStorage`](super::MemoryStorage) did not take a sample.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// A series has at least one label with a value.
    #[error("series has no labels")]
    NoLabels,
    /// A label has a name.
    #[error("label with value {value:?} has no name")]
    EmptyLabelName {
        /// The value of the label without a name.
        value: String,
    },
    /// A series has each label name once.
    #[error("label name {name:?} appears twice")]
    DuplicateLabelName {
        /// The name.
        name: String,
    },
    /// A series has one value at one time.
    #[error("series {series}: another value at {timestamp} ms")]
    DuplicateTimestamp {
        /// The series' labels.
        series: String,
        /// The time, ms.
        timestamp: i64,
    },
    /// A histogram, or a float with a start timestamp, is not later than all
    /// samples that its series has.
    #[error("series {series}: a sample at {timestamp} ms, which is not later than all others")]
    Late {
        /// The series' labels.
        series: String,
        /// The sample's time, ms.
        timestamp: i64,
    },
    /// A histogram makes no sense.
    #[error("series {series}: {source}")]
    Histogram {
        /// The series' labels.
        series: String,
        /// What is wrong with it.
        source: quarrel_chunks::histogram::EncodeError,
    },
    /// The columns of a whole series belong together.
    #[error("{timestamps} timestamps, but {values} values")]
    UnequalColumns {
        /// How many timestamps.
        timestamps: usize,
        /// How many values.
        values: usize,
    },
    /// Series are numbered with 32 bits.
    #[error("the store is full: 2^32 series")]
    Full,
}
