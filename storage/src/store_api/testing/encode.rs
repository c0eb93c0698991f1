//! A storage's chunks as messages.

use bytes::Bytes;
use quarrel_chunks::{Encoding, FloatEncoder as _, XorEncoder, decode_floats};
use quarrel_engine::storage::{Aggregates, Chunk, ChunkData, EncodedChunk};
use quarrel_proto::store::{AggrChunk, Chunk as ChunkMessage, ChunkEncoding};
use tonic::Status;

/// Samples of a chunk, as Prometheus cuts them.
const SAMPLES: usize = 120;

/// The messages of a chunk.
///
/// # Errors
/// When the protocol has no such chunk.
pub(super) fn messages(chunk: &Chunk) -> Result<Vec<AggrChunk>, Status> {
    let whole = |raw: ChunkMessage| AggrChunk {
        min_time: chunk.min_time,
        max_time: chunk.max_time,
        raw: Some(raw),
        ..AggrChunk::default()
    };
    Ok(match &chunk.data {
        ChunkData::Floats {
            timestamps, values, ..
        } => floats(timestamps, values),
        ChunkData::FloatGrid {
            timestamps,
            values,
            validity,
        } => {
            let valid = validity.valid_indices();
            let (times, values): (Vec<i64>, Vec<f64>) =
                valid.map(|at| (timestamps[at], values[at])).unzip();
            floats(&times, &values)
        }
        ChunkData::Encoded {
            encoding: Encoding::Xor2,
            bytes,
        } => {
            let (mut times, mut values) = (Vec::new(), Vec::new());
            let decoded = decode_floats(Encoding::Xor2, bytes, &mut times, &mut values);
            decoded.map_err(|error| Status::internal(error.to_string()))?;
            floats(&times, &values)
        }
        ChunkData::Encoded { encoding, bytes } => vec![whole(encoded(*encoding, bytes)?)],
        ChunkData::Aggregates(aggregates) => vec![AggrChunk {
            min_time: chunk.min_time,
            max_time: chunk.max_time,
            ..aggregated(aggregates)?
        }],
        _ => return Err(Status::internal("a chunk of unknown kind")),
    })
}

fn aggregated(aggregates: &Aggregates) -> Result<AggrChunk, Status> {
    let of = |chunk: &Option<EncodedChunk>| {
        let chunk = chunk.as_ref();
        chunk
            .map(|chunk| encoded(chunk.encoding, &chunk.bytes))
            .transpose()
    };
    Ok(AggrChunk {
        count: of(&aggregates.count)?,
        sum: of(&aggregates.sum)?,
        min: of(&aggregates.min)?,
        max: of(&aggregates.max)?,
        counter: of(&aggregates.counter)?,
        ..AggrChunk::default()
    })
}

fn encoded(encoding: Encoding, bytes: &Bytes) -> Result<ChunkMessage, Status> {
    let kind = match encoding {
        Encoding::Xor => ChunkEncoding::Xor,
        Encoding::Histogram => ChunkEncoding::Histogram,
        Encoding::FloatHistogram => ChunkEncoding::FloatHistogram,
        other => return Err(Status::internal(format!("{other:?} chunks cannot be sent"))),
    };
    Ok(ChunkMessage {
        r#type: kind as i32,
        data: bytes.clone(),
        hash: 0,
    })
}

/// Floats as XOR chunks.
fn floats(times: &[i64], values: &[f64]) -> Vec<AggrChunk> {
    let parts = times.chunks(SAMPLES).zip(values.chunks(SAMPLES));
    parts
        .map(|(times, values)| xor_chunk(times, values))
        .collect()
}

/// Floats as an XOR chunk: milliseconds and values, of which there is at least one.
///
/// # Panics
/// If there is none.
pub fn xor_chunk(times: &[i64], values: &[f64]) -> AggrChunk {
    let mut encoder = XorEncoder::new();
    for (&time, &value) in times.iter().zip(values) {
        encoder.append(time, value);
    }
    AggrChunk {
        min_time: times[0],
        max_time: times[times.len() - 1],
        raw: Some(ChunkMessage {
            r#type: ChunkEncoding::Xor as i32,
            data: encoder.bytes().to_vec().into(),
            hash: 0,
        }),
        ..AggrChunk::default()
    }
}
