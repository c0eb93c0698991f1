//! An answer as an Arrow IPC stream.

use std::io::{self, Write};

use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;
use quarrel_engine::Value;

/// Writes the batch of [`Value::to_arrow`].
pub(crate) fn write(value: &Value, out: &mut dyn Write) -> io::Result<()> {
    let batch = value.to_arrow().map_err(io::Error::other)?;
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
