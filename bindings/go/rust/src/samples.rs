//! Series and chunks as Go hands them over: parts of an answer, each of whole
//! series in the order of their labels. The parts are kept unchanged; chunks
//! are views into them.

use std::sync::Arc;

use bytes::Bytes;
use quarrel_engine::labels::{Label, LabelList, SymbolTable};
use quarrel_engine::storage::{Chunk, Encoding, Selected, SeriesSource, StorageError, TimeRange};

use crate::message::{MessageError, Reader};

/// The chunks of all series, one series after the other.
#[derive(Debug, Default)]
struct GoSeries {
    chunks: Vec<Chunk>,
    /// Where each series' chunks end.
    ends: Vec<usize>,
    samples: u64,
}

impl SeriesSource for GoSeries {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let row = row as usize;
        let from = row.checked_sub(1).and_then(|before| self.ends.get(before));
        let found = self
            .ends
            .get(row)
            .and_then(|&to| self.chunks.get(from.copied().unwrap_or(0)..to));
        let chunks =
            found.ok_or_else(|| StorageError::Other(format!("there is no series {row}")))?;
        out.extend_from_slice(chunks);
        Ok(())
    }

    fn estimated_samples(&self) -> Option<u64> {
        Some(self.samples)
    }
}

/// The answer to a select.
///
/// # Errors
/// When a part is not what Go writes.
pub(crate) fn selected(parts: &[Bytes], symbols: &SymbolTable) -> Result<Selected, MessageError> {
    let mut labels = LabelList::new();
    let mut series = GoSeries::default();
    let mut symbols = symbols.write();
    let mut row = Vec::new();
    for part in parts {
        let mut fields = Reader::new(part);
        while !fields.is_empty() {
            row.clear();
            for _ in 0..fields.u32()? {
                let name = symbols.intern(fields.text()?);
                let value = symbols.intern(fields.text()?);
                row.push(Label { name, value });
            }
            labels.push(row.iter().copied());
            for _ in 0..fields.u32()? {
                let (chunk, samples) = read_chunk(&mut fields, part)?;
                series.chunks.push(chunk);
                series.samples += u64::from(samples);
            }
            series.ends.push(series.chunks.len());
        }
    }
    Ok(Selected::new(labels, Arc::new(series)))
}

/// A chunk, and how many samples it has.
fn read_chunk(fields: &mut Reader<'_>, part: &Bytes) -> Result<(Chunk, u32), MessageError> {
    let at = fields.position();
    let unknown = |_| MessageError::Malformed {
        at,
        what: "a chunk has an unknown encoding",
    };
    let encoding = Encoding::try_from(fields.u8()?).map_err(unknown)?;
    let has_copy = fields.u8()? != 0;
    let samples = fields.u32()?;
    let (min_time, max_time) = (fields.i64()?, fields.i64()?);
    let bytes = part.slice_ref(fields.bytes()?);
    // The copy of a histogram, a millisecond before it, gives the histogram its
    // counter-reset hint (`chunks.go`) and is no sample.
    let copy = min_time.checked_sub(1).filter(|_| has_copy);
    let times = TimeRange {
        start: min_time,
        end: max_time,
    };
    let mut chunk = Chunk::encoded(encoding, bytes, times);
    chunk.deleted = copy.map(|at| Arc::from([TimeRange { start: at, end: at }]));
    Ok((chunk, samples))
}
