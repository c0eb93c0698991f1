//! What the columns of record batches have in common.

use arrow_array::TimestampMillisecondArray;
use arrow_schema::{ArrowError, DataType, TimeUnit};

/// Evaluation times are instants, so their column has a time zone.
const UTC: &str = "UTC";

/// The type of [`timestamps`].
pub(super) fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some(UTC.into()))
}

/// Milliseconds since the epoch as a column.
pub(super) fn timestamps(times: Vec<i64>) -> TimestampMillisecondArray {
    TimestampMillisecondArray::from(times).with_timezone(UTC)
}

/// Why a batch cannot be made.
pub(super) fn invalid(message: impl Into<String>) -> ArrowError {
    ArrowError::InvalidArgumentError(message.into())
}
