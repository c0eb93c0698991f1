//! Errors of appending.

/// Why [`MemoryStorage`](super::MemoryStorage) refuses a sample.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// No label has a value.
    #[error("series has no labels")]
    NoLabels,
    /// A label name is empty.
    #[error("label with value {value:?} has no name")]
    EmptyLabelName {
        /// The value of that label.
        value: String,
    },
    /// A label name appears twice.
    #[error("label name {name:?} appears twice")]
    DuplicateLabelName {
        /// The name.
        name: String,
    },
    /// The series has another value at this time.
    #[error("series {series}: another value at {timestamp} ms")]
    DuplicateTimestamp {
        /// The series' labels.
        series: String,
        /// The time, ms.
        timestamp: i64,
    },
    /// A histogram, or a float with a start timestamp, is not later than all
    /// samples of its series.
    #[error("series {series}: out-of-order sample at {timestamp} ms")]
    OutOfOrder {
        /// The series' labels.
        series: String,
        /// The sample's time, ms.
        timestamp: i64,
    },
    /// A histogram is invalid.
    #[error("series {series}: {error}")]
    Histogram {
        /// The series' labels.
        series: String,
        /// The reason.
        error: quarrel_chunks::histogram::EncodeError,
    },
    /// The columns of a series differ in length.
    #[error("{timestamps} timestamps, but {values} values")]
    UnequalColumns {
        /// Number of timestamps.
        timestamps: usize,
        /// Number of values.
        values: usize,
    },
    /// The store has 2^32 series.
    #[error("the store is full: 2^32 series")]
    Full,
}
