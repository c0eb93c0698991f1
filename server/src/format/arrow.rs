//! An answer as an Arrow IPC stream.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;
use quarrel_engine::Value;

/// Writes series as labels, times and values, one row for each series; a scalar
/// and a string as one row of time and value.
pub(crate) fn write(value: &Value, out: &mut dyn Write) -> io::Result<()> {
    let batch = batch(value).map_err(io::Error::other)?;
    let written = (|| {
        let mut writer = StreamWriter::try_new(out, &batch.schema())?;
        writer.write(&batch)?;
        writer.finish()
    })();
    written.map_err(|error| match error {
        // A closed pipe keeps its error kind.
        ArrowError::IoError(_, error) => error,
        other => io::Error::other(other),
    })
}

fn batch(value: &Value) -> Result<RecordBatch, ArrowError> {
    let one = |timestamp: i64, value: ArrayRef| {
        let times = TimestampMillisecondArray::from(vec![timestamp]);
        let columns = [("timestamp", Arc::new(times) as ArrayRef), ("value", value)];
        RecordBatch::try_from_iter(columns)
    };
    match value {
        Value::Scalar { timestamp, value } => {
            one(*timestamp, Arc::new(Float64Array::from(vec![*value])))
        }
        Value::String { timestamp, value } => one(
            *timestamp,
            Arc::new(StringArray::from(vec![value.as_str()])),
        ),
        Value::Vector(set) | Value::Matrix(set) => set.to_arrow(),
    }
}
