//! Chunks as stores send them.

use std::sync::Arc;

use bytes::Bytes;
use quarrel_chunks::Encoding;
use quarrel_engine::storage::{Aggregates, EncodedChunk};
use quarrel_proto::store::ChunkEncoding;
use quarrel_proto::wire::{Fields, Value, WireError};

use crate::sent::chunk::{SentChunk, SentData, at, encoded, parts};

/// A `thanos.AggrChunk`.
#[derive(Clone, Copy, Debug, Default)]
struct ChunkMessage<'a> {
    min_time: i64,
    max_time: i64,
    raw: Option<DataMessage<'a>>,
    /// Count, sum, min, max, counter.
    aggregates: [Option<DataMessage<'a>>; 5],
}

/// A `thanos.Chunk`: samples, or one of the aggregates.
#[derive(Clone, Copy, Debug, Default)]
struct DataMessage<'a> {
    encoding: i32,
    data: &'a [u8],
}

/// Reads a chunk that is a part of `message`; `None` if it has no sample.
///
/// # Errors
/// When it has no data, ends before it begins, or is encoded in an unknown way.
pub(super) fn read(chunk: &[u8], message: &Bytes) -> Result<Option<SentChunk>, String> {
    let chunk = ChunkMessage::read(chunk).map_err(|error| error.to_string())?;
    let at = |what: String| at(chunk.min_time, chunk.max_time, &what);
    let read = |data: Option<DataMessage<'_>>| {
        let data = data.map(|data| known(data, message));
        data.transpose().map_err(at)
    };
    let data = match read(chunk.raw)? {
        Some(EncodedChunk { encoding, bytes }) => SentData::Raw { encoding, bytes },
        None => {
            let [count, sum, min, max, counter] = chunk.aggregates;
            let aggregates = Aggregates {
                count: read(count)?,
                sum: read(sum)?,
                min: read(min)?,
                max: read(max)?,
                counter: read(counter)?,
            };
            if parts(&aggregates).all(|part| part.is_none()) {
                return Err(at("has no data".to_string()));
            }
            SentData::Aggregates(Arc::new(aggregates))
        }
    };
    SentChunk::new(chunk.min_time, chunk.max_time, data)
}

impl<'a> ChunkMessage<'a> {
    fn read(chunk: &'a [u8]) -> Result<Self, WireError> {
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
}

fn known(data: DataMessage<'_>, message: &Bytes) -> Result<EncodedChunk, String> {
    let encoding = match ChunkEncoding::try_from(data.encoding) {
        Ok(ChunkEncoding::Xor) => Encoding::Xor,
        Ok(ChunkEncoding::Histogram) => Encoding::Histogram,
        Ok(ChunkEncoding::FloatHistogram) => Encoding::FloatHistogram,
        Err(_) => return Err(format!("unknown encoding {}", data.encoding)),
    };
    encoded(encoding, message.slice_ref(data.data))
}
