//! The messages of a stream of series, read where they lie: most of a query's messages
//! are chunks, and those stay what they are.

use bytes::Bytes;
use quarrel_proto::wire::{Fields, Value, WireError};

/// What a message holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// The bytes of a series.
    Series(&'a [u8]),
    /// A warning; not empty.
    Warning(&'a [u8]),
}

/// The parts of a message. Hints say how the store has found its answer; these are
/// none, nor is what a newer store may add.
pub(super) fn parts(message: &[u8]) -> Parts<'_> {
    Parts {
        message: Fields::of(message),
        batch: Fields::of(&[]),
    }
}

/// Iterates over the parts of a message.
#[derive(Clone, Debug)]
pub(super) struct Parts<'a> {
    message: Fields<'a>,
    batch: Fields<'a>,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<Part<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(field) = self.batch.next() {
                match field {
                    Ok((1, Value::Bytes(series))) => return Some(Ok(Part::Series(series))),
                    Ok(_) => continue,
                    Err(error) => return Some(Err(error)),
                }
            }
            match self.message.next()? {
                Ok((1, Value::Bytes(series))) => return Some(Ok(Part::Series(series))),
                Ok((2, Value::Bytes(text))) if !text.is_empty() => {
                    return Some(Ok(Part::Warning(text)));
                }
                Ok((4, Value::Bytes(batch))) => self.batch = Fields::of(batch),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// A label as it has come: name and value.
pub(super) type SentLabel<'a> = (&'a [u8], &'a [u8]);

/// Reads the labels of a series into `labels`, and the bytes of its chunks into
/// `chunks`.
pub(super) fn read_series<'a>(
    series: &'a [u8],
    labels: &mut Vec<SentLabel<'a>>,
    chunks: &mut Vec<&'a [u8]>,
) -> Result<(), WireError> {
    labels.clear();
    chunks.clear();
    for field in Fields::of(series) {
        match field? {
            (1, Value::Bytes(label)) => labels.push(read_label(label)?),
            (2, Value::Bytes(chunk)) => chunks.push(chunk),
            _ => {}
        }
    }
    Ok(())
}

fn read_label(label: &[u8]) -> Result<SentLabel<'_>, WireError> {
    let (mut name, mut value) = (&[][..], &[][..]);
    for field in Fields::of(label) {
        match field? {
            (1, Value::Bytes(text)) => name = text,
            (2, Value::Bytes(text)) => value = text,
            _ => {}
        }
    }
    Ok((name, value))
}

/// A chunk as it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ChunkMessage<'a> {
    /// First and last time, ms.
    pub(super) min_time: i64,
    pub(super) max_time: i64,
    /// Raw samples, and the aggregates count, sum, min, max, counter.
    pub(super) raw: Option<DataMessage<'a>>,
    pub(super) aggregates: [Option<DataMessage<'a>>; 5],
}

/// The data of a chunk, or of one of its aggregates, as it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DataMessage<'a> {
    /// How it is encoded: the number in `thanos.Chunk.Encoding`.
    pub(super) encoding: i32,
    pub(super) data: &'a [u8],
}

impl<'a> ChunkMessage<'a> {
    pub(super) fn read(chunk: &'a [u8]) -> Result<Self, WireError> {
        let mut out = ChunkMessage::default();
        for field in Fields::of(chunk) {
            match field? {
                (1, Value::Varint(time)) => out.min_time = time as i64,
                (2, Value::Varint(time)) => out.max_time = time as i64,
                (3, Value::Bytes(data)) => out.raw = Some(DataMessage::read(data)?),
                (number @ 4..=8, Value::Bytes(data)) => {
                    out.aggregates[number as usize - 4] = Some(DataMessage::read(data)?);
                }
                _ => {}
            }
        }
        Ok(out)
    }
}

impl<'a> DataMessage<'a> {
    fn read(data: &'a [u8]) -> Result<Self, WireError> {
        let mut out = DataMessage::default();
        for field in Fields::of(data) {
            match field? {
                (1, Value::Varint(encoding)) => out.encoding = encoding as i32,
                (2, Value::Bytes(data)) => out.data = data,
                _ => {}
            }
        }
        Ok(out)
    }

    /// Its data as a view of the message that it is a part of.
    pub(super) fn view(&self, message: &Bytes) -> Bytes {
        message.slice_ref(self.data)
    }
}
