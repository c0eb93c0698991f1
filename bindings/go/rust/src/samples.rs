//! Series as their reader hands them over: parts of an answer, each of whole
//! series in the order of their labels. The parts are kept unchanged; chunks are
//! views into them, made when the scan asks for them.
//!
//! A series is these fields, as `part.go` writes them; what follows the labels, and
//! what follows each chunk, begins at a multiple of 8:
//!
//! - `u64` bytes of the chunks, `u32` labels, `u32` chunks, `u32` samples
//! - for each label `u32` bytes of its name, `u32` bytes of its value, both texts
//! - for each chunk `u8` encoding, `u8` flags, `u16` nothing, `u32` bytes, `i64`
//!   time of the first and `i64` of the last sample, and the bytes. The encoding 0
//!   is columns: there are samples in the place of bytes; then come start
//!   timestamps if the flag says so, timestamps and values.

use std::sync::Arc;

use arrow_buffer::{Buffer, ScalarBuffer};
use bytes::Bytes;
use quarrel_engine::labels::{Label, LabelList, Symbol, SymbolTable, SymbolsMut};
use quarrel_engine::storage::{Chunk, Encoding, Selected, SeriesSource, StorageError, TimeRange};

use crate::message::{MessageError, Reader};

/// The encoding that stands for columns.
const COLUMNS: u8 = 0;
/// Columns: there are start timestamps.
const WITH_START: u8 = 1;
/// A histogram chunk: the first sample is a copy of the second, a millisecond
/// before it. It gives that its counter-reset hint (`chunks.go`), and is no sample.
const WITH_COPY: u8 = 1 << 1;

/// Where the chunks of a series are.
#[derive(Debug)]
struct Place {
    part: u32,
    chunks: u32,
    from: usize,
    to: usize,
}

/// The series of an answer.
#[derive(Debug, Default)]
struct ReadSeries {
    parts: Vec<Bytes>,
    places: Vec<Place>,
    samples: u64,
}

impl SeriesSource for ReadSeries {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let place = self.places.get(row as usize);
        let place =
            place.ok_or_else(|| StorageError::Other(format!("there is no series {row}")))?;
        let part = &self.parts[place.part as usize];
        let mut fields = Reader::new(&part[place.from..place.to]);
        let malformed = |error: MessageError| StorageError::Other(error.to_string());
        for _ in 0..place.chunks {
            out.push(read_chunk(&mut fields, part).map_err(malformed)?);
        }
        Ok(())
    }

    fn estimated_samples(&self) -> Option<u64> {
        Some(self.samples)
    }
}

/// The answer to a select.
///
/// # Errors
/// When a part is not what its reader writes.
pub(crate) fn selected(
    parts: Vec<Bytes>,
    symbols: &SymbolTable,
) -> Result<(LabelList, Arc<dyn SeriesSource>), MessageError> {
    let mut labels = LabelList::new();
    let mut series = ReadSeries::default();
    let mut symbols = symbols.write();
    let mut row = LabelRow::default();
    for (number, part) in (0..).zip(&parts) {
        let mut fields = Reader::new(part);
        while !fields.is_empty() {
            let bytes = usize::try_from(fields.u64()?).unwrap_or(usize::MAX);
            let (count, chunks, samples) = (fields.u32()?, fields.u32()?, fields.u32()?);
            row.read(&mut fields, count as usize, &mut symbols)?;
            labels.push(row.labels());
            let from = fields.position();
            fields.take(bytes)?;
            series.samples += u64::from(samples);
            series.places.push(Place {
                part: number,
                chunks,
                from,
                to: fields.position(),
            });
        }
    }
    drop(symbols);
    series.parts = parts;
    Ok((labels, Arc::new(series)))
}

/// Makes the answer of its two parts; `projected` says whether labels were left
/// out.
pub(crate) fn answer(
    labels: LabelList,
    series: Arc<dyn SeriesSource>,
    projected: bool,
) -> Selected {
    let selected = Selected::new(labels, series);
    match projected {
        true => selected.with_projected_labels(),
        false => selected,
    }
}

/// The labels of a series with their texts: neighbours share most of them, so that
/// few have to be looked for.
#[derive(Default)]
struct LabelRow<'a> {
    known: Vec<KnownLabel<'a>>,
    len: usize,
}

#[derive(Clone, Copy)]
struct KnownLabel<'a> {
    name: &'a [u8],
    value: &'a [u8],
    label: Label,
}

impl<'a> LabelRow<'a> {
    fn read(
        &mut self,
        fields: &mut Reader<'a>,
        count: usize,
        symbols: &mut SymbolsMut<'_>,
    ) -> Result<(), MessageError> {
        let at = fields.position();
        let not_utf8 = |_| MessageError::Malformed {
            at,
            what: "a text is not UTF-8",
        };
        let mut symbol = |text: &'a [u8], known: Option<(&'a [u8], Symbol)>| match known {
            Some((same, symbol)) if same == text => Ok::<_, MessageError>(symbol),
            _ => Ok(symbols.intern(std::str::from_utf8(text).map_err(not_utf8)?)),
        };
        for i in 0..count {
            let (name, value) = (fields.u32()? as usize, fields.u32()? as usize);
            let (name, value) = (fields.take(name)?, fields.take(value)?);
            let known = self.known.get(i);
            let label = Label {
                name: symbol(name, known.map(|known| (known.name, known.label.name)))?,
                value: symbol(value, known.map(|known| (known.value, known.label.value)))?,
            };
            let known = KnownLabel { name, value, label };
            match self.known.get_mut(i) {
                Some(before) => *before = known,
                None => self.known.push(known),
            }
        }
        self.len = count;
        fields.align()
    }

    fn labels(&self) -> impl Iterator<Item = Label> + use<'_, 'a> {
        self.known[..self.len].iter().map(|known| known.label)
    }
}

/// Reads a chunk.
fn read_chunk(fields: &mut Reader<'_>, part: &Bytes) -> Result<Chunk, MessageError> {
    let at = fields.position();
    let (encoding, flags) = (fields.u8()?, fields.u8()?);
    fields.take(2)?;
    let len = fields.u32()? as usize;
    let (start, end) = (fields.i64()?, fields.i64()?);
    if encoding == COLUMNS {
        let chunk = read_columns(fields, part, (len, flags & WITH_START != 0))?;
        fields.align()?;
        return Ok(chunk);
    }
    let unknown = |_| MessageError::Malformed {
        at,
        what: "a chunk has an unknown encoding",
    };
    let encoding = Encoding::try_from(encoding).map_err(unknown)?;
    let bytes = part.slice_ref(fields.take(len)?);
    fields.align()?;
    let mut chunk = Chunk::encoded(encoding, bytes, TimeRange { start, end });
    let copy = start.checked_sub(1).filter(|_| flags & WITH_COPY != 0);
    chunk.deleted = copy.map(|at| Arc::from([TimeRange { start: at, end: at }]));
    Ok(chunk)
}

fn read_columns(
    fields: &mut Reader<'_>,
    part: &Bytes,
    (len, with_start): (usize, bool),
) -> Result<Chunk, MessageError> {
    let mut column = || -> Result<Buffer, MessageError> {
        let at = fields.position();
        let bytes = len.checked_mul(size_of::<u64>());
        let bytes = fields.take(bytes.unwrap_or(usize::MAX))?;
        if bytes.as_ptr().align_offset(align_of::<u64>()) != 0 {
            let what = "a column is not aligned";
            return Err(MessageError::Malformed { at, what });
        }
        Ok(Buffer::from(part.slice_ref(bytes)))
    };
    let starts = with_start.then(&mut column).transpose()?;
    let timestamps = ScalarBuffer::<i64>::new(column()?, 0, len);
    let values = ScalarBuffer::<f64>::new(column()?, 0, len);
    Ok(match starts {
        Some(starts) => {
            Chunk::floats_with_start(ScalarBuffer::<i64>::new(starts, 0, len), timestamps, values)
        }
        None => Chunk::floats(timestamps, values),
    })
}
