//! Chunks as stores send them.

use std::sync::Arc;

use quarrel_chunks::Encoding;
use quarrel_engine::storage::{Aggregates, EncodedChunk};
use quarrel_proto::store::{AggrChunk, Chunk as ChunkMessage, ChunkEncoding};

use crate::sent::chunk::{SentChunk, SentData, at, encoded, parts};

/// Reads a chunk; `None` if it has no sample.
///
/// # Errors
/// When it has no data, ends before it begins, or is encoded in an unknown way.
pub(super) fn read(message: AggrChunk) -> Result<Option<SentChunk>, String> {
    let AggrChunk {
        min_time,
        max_time,
        raw,
        count,
        sum,
        min,
        max,
        counter,
    } = message;
    let at = |what: String| at(min_time, max_time, &what);
    let read = |chunk: Option<ChunkMessage>| chunk.map(known).transpose().map_err(at);
    let data = match read(raw)? {
        Some(EncodedChunk { encoding, bytes }) => SentData::Raw { encoding, bytes },
        None => {
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
    SentChunk::new(min_time, max_time, data)
}

fn known(message: ChunkMessage) -> Result<EncodedChunk, String> {
    let encoding = match ChunkEncoding::try_from(message.r#type) {
        Ok(ChunkEncoding::Xor) => Encoding::Xor,
        Ok(ChunkEncoding::Histogram) => Encoding::Histogram,
        Ok(ChunkEncoding::FloatHistogram) => Encoding::FloatHistogram,
        Err(_) => return Err(format!("unknown encoding {}", message.r#type)),
    };
    encoded(encoding, message.data)
}
