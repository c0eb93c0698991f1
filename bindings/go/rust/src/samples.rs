//! Series as their reader hands them over: parts of an answer, each of whole
//! series in the order of their labels. The parts are kept unchanged; chunks are
//! views into them, made when the scan asks for them.
//!
//! Of a large select the reader gives the labels of all series first, and then
//! chunks, while the engine computes what is there already: see [`ReadSeries`].
//!
//! A series is these fields, as `part.go` writes them; what follows the labels, and
//! what follows each chunk, begins at a multiple of 8:
//!
//! - `u64` bytes of the chunks, `u32` chunks, `u32` samples, `u32` labels
//! - for each label `u32` bytes of its name, `u32` bytes of its value, both texts
//! - for each chunk `u8` encoding, `u8` flags, `u16` nothing, `u32` bytes, `i64`
//!   time of the first and `i64` of the last sample, and the bytes. The encoding 0
//!   is columns: there are samples in the place of bytes; then come start
//!   timestamps if the flag says so, timestamps and values.
//!
//! Where the number of chunks is [`LATER`], they come later, from there on of all
//! series: a series is then the first three fields, and the chunks.

use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use arrow_buffer::{Buffer, ScalarBuffer};
use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::RwLock;
use quarrel_engine::labels::{Label, LabelList, Symbol, SymbolTable, SymbolsMut};
use quarrel_engine::storage::{Chunk, Encoding, SeriesSource, StorageError, TimeRange};

use crate::message::{MessageError, Reader};

/// The encoding that stands for columns.
const COLUMNS: u8 = 0;
/// Columns: there are start timestamps.
const WITH_START: u8 = 1;
/// A histogram chunk: the first sample is a copy of the second, a millisecond
/// before it. It gives that its counter-reset hint (`chunks.go`), and is no sample.
const WITH_COPY: u8 = 1 << 1;
/// The number of chunks of a series that come later.
const LATER: u32 = u32::MAX;

/// Where the chunks of a series are.
#[derive(Clone, Copy, Debug)]
struct Place {
    part: usize,
    chunks: u32,
    from: usize,
    to: usize,
}

/// The series of an answer. Their chunks may come later than their labels, in the
/// order of rows; who needs some waits until they are there.
#[derive(Debug)]
pub(crate) struct ReadSeries {
    rows: usize,
    samples: u64,
    /// How many rows have their chunks.
    fed: AtomicUsize,
    chunks: RwLock<Chunks>,
}

#[derive(Debug, Default)]
struct Chunks {
    parts: Vec<Bytes>,
    places: Vec<Place>,
    /// Whether nothing more comes.
    ended: bool,
    waiting: Vec<Waker>,
}

impl Chunks {
    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

impl ReadSeries {
    /// Whether all chunks are there.
    pub fn is_complete(&self) -> bool {
        self.fed.load(Ordering::Acquire) == self.rows
    }

    /// Takes in the chunks of the next rows.
    ///
    /// # Errors
    /// When the part is not what its reader writes.
    pub fn feed(&self, part: Bytes) -> Result<(), MessageError> {
        let mut fields = Reader::new(&part);
        let mut chunks = self.chunks.write();
        let number = chunks.parts.len();
        let mut places = Vec::new();
        while !fields.is_empty() {
            let (bytes, count) = (fields.u64()?, fields.u32()?);
            fields.u32()?;
            places.push(read_place(&mut fields, bytes, (number, count))?);
        }
        if places.len() > self.rows - chunks.places.len() {
            return Err(MessageError::Malformed {
                at: fields.position(),
                what: "there are more series than labels",
            });
        }
        chunks.places.extend(places);
        chunks.parts.push(part);
        self.fed.store(chunks.places.len(), Ordering::Release);
        chunks.wake();
        Ok(())
    }

    /// Says that nothing more comes.
    pub fn end(&self) {
        let mut chunks = self.chunks.write();
        chunks.ended = true;
        chunks.wake();
    }

    /// Waits until the first `rows` have their chunks.
    async fn wait(self: Arc<Self>, rows: usize) -> Result<(), StorageError> {
        poll_fn(|cx| {
            if self.fed.load(Ordering::Acquire) >= rows {
                return Poll::Ready(Ok(()));
            }
            let mut chunks = self.chunks.write();
            if chunks.places.len() >= rows {
                return Poll::Ready(Ok(()));
            }
            if chunks.ended {
                let gone = "the reader of the series is gone";
                return Poll::Ready(Err(StorageError::Other(gone.into())));
            }
            chunks.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// What the engine holds of the series.
#[derive(Debug)]
pub(crate) struct Source(pub Arc<ReadSeries>);

impl SeriesSource for Source {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let (place, part) = {
            let chunks = self.0.chunks.read();
            let place = chunks.places.get(row as usize).copied();
            let missing = || StorageError::Other(format!("there are no chunks of series {row}"));
            let place = place.ok_or_else(missing)?;
            (place, chunks.parts[place.part].clone())
        };
        let mut fields = Reader::new(&part[place.from..place.to]);
        let malformed = |error: MessageError| StorageError::Other(error.to_string());
        for _ in 0..place.chunks {
            out.push(read_chunk(&mut fields, &part).map_err(malformed)?);
        }
        Ok(())
    }

    fn prefetch(&self, rows: Range<u32>) -> Option<BoxFuture<'static, Result<(), StorageError>>> {
        let rows = rows.end as usize;
        if self.0.fed.load(Ordering::Acquire) >= rows {
            return None;
        }
        Some(Box::pin(Arc::clone(&self.0).wait(rows)))
    }

    fn estimated_samples(&self) -> Option<u64> {
        Some(self.0.samples)
    }
}

/// The answer to a select, of which some chunks may come later; then there are more
/// than `at_once` samples.
///
/// # Errors
/// When a part is not what its reader writes.
pub(crate) fn selected(
    parts: Vec<Bytes>,
    symbols: &SymbolTable,
    at_once: u64,
) -> Result<(LabelList, Arc<ReadSeries>), MessageError> {
    let mut labels = LabelList::new();
    let mut places = Vec::new();
    let mut samples = 0;
    let mut symbols = symbols.write();
    let mut row = LabelRow::default();
    for (number, part) in parts.iter().enumerate() {
        let mut fields = Reader::new(part);
        while !fields.is_empty() {
            let at = fields.position();
            let (bytes, chunks) = (fields.u64()?, fields.u32()?);
            let own = fields.u32()?;
            let count = fields.u32()?;
            row.read(&mut fields, count as usize, &mut symbols)?;
            if chunks != LATER {
                if places.len() < labels.len() {
                    let what = "chunks behind series whose chunks come later";
                    return Err(MessageError::Malformed { at, what });
                }
                places.push(read_place(&mut fields, bytes, (number, chunks))?);
                samples += u64::from(own);
            }
            labels.push(row.labels());
        }
    }
    let (fed, rows) = (places.len(), labels.len());
    if fed < rows {
        // The others are about as long.
        let share = samples / (fed as u64).max(1);
        samples = (share * rows as u64).max(at_once + 1);
    }
    let chunks = Chunks {
        parts,
        places,
        ..Chunks::default()
    };
    let series = ReadSeries {
        rows,
        samples,
        fed: AtomicUsize::new(fed),
        chunks: RwLock::new(chunks),
    };
    Ok((labels, Arc::new(series)))
}

/// Where so many bytes of chunks are, which are left out.
fn read_place(
    fields: &mut Reader<'_>,
    bytes: u64,
    (part, chunks): (usize, u32),
) -> Result<Place, MessageError> {
    let from = fields.position();
    fields.take(usize::try_from(bytes).unwrap_or(usize::MAX))?;
    let to = fields.position();
    Ok(Place {
        part,
        chunks,
        from,
        to,
    })
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
