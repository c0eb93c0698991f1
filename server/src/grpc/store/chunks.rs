//! Chunks of a store as Thanos reads them.
//!
//! It knows XOR, histogram and float histogram; [`reframe`](crate::reframe) encodes others
//! anew, without start timestamps.

use quarrel_chunks::Encoding;
use quarrel_engine::storage::{Aggregates, Chunk, EncodedChunk, TimeRange};
use quarrel_proto::store::{Aggr, AggrChunk, Chunk as Raw, ChunkEncoding};

pub(super) use crate::reframe::ReframeError;
use crate::reframe::{Encodings, Framing, Group, RawChunk, each_group, one_of_floats};

/// What of a series is asked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    range: TimeRange,
    /// Aggregates of downsampled samples; empty for all.
    aggregates: Vec<Aggr>,
}

impl Wanted {
    /// A request's range, and its aggregates as numbers.
    pub(super) fn new(range: TimeRange, aggregates: &[i32]) -> Self {
        let known = aggregates
            .iter()
            .filter_map(|&one| Aggr::try_from(one).ok());
        Wanted {
            range,
            aggregates: known.filter(|&one| one != Aggr::Raw).collect(),
        }
    }

    fn has(&self, aggregate: Aggr) -> bool {
        self.aggregates.is_empty() || self.aggregates.contains(&aggregate)
    }

    fn framing(&self) -> Framing {
        Framing {
            range: self.range,
            encodings: Encodings::Classic,
            trims: false,
        }
    }
}

/// Appends the chunks of a series, which are in order of their first sample, and says
/// how many samples they have.
///
/// # Errors
/// When a chunk that has to be read is corrupt.
pub(super) fn reframe(
    chunks: &[Chunk],
    wanted: &Wanted,
    out: &mut Vec<AggrChunk>,
) -> Result<u64, ReframeError> {
    let (mut samples, mut framed) = (0, Vec::new());
    each_group(chunks, wanted.range, |group| {
        samples += match group {
            Group::Aggregates(chunk, aggregates) => {
                push_aggregates(chunk, aggregates, wanted, out)?
            }
            Group::Samples(group) => {
                let count = crate::reframe::reframe(group, &wanted.framing(), &mut framed)?;
                out.extend(framed.drain(..).filter_map(aggr_chunk));
                count
            }
        };
        Ok::<_, ReframeError>(())
    })?;
    Ok(samples)
}

/// Thanos's number of an encoding, if it has one.
fn kind(encoding: Encoding) -> Option<ChunkEncoding> {
    match encoding {
        Encoding::Xor => Some(ChunkEncoding::Xor),
        Encoding::Histogram => Some(ChunkEncoding::Histogram),
        Encoding::FloatHistogram => Some(ChunkEncoding::FloatHistogram),
        Encoding::Xor2 | Encoding::HistogramSt | Encoding::FloatHistogramSt => None,
    }
}

fn raw(chunk: RawChunk) -> Option<Raw> {
    Some(Raw {
        r#type: kind(chunk.encoding)? as i32,
        data: chunk.bytes,
        hash: 0,
    })
}

fn aggr_chunk(chunk: RawChunk) -> Option<AggrChunk> {
    Some(AggrChunk {
        min_time: chunk.min_time,
        max_time: chunk.max_time,
        raw: Some(raw(chunk)?),
        ..AggrChunk::default()
    })
}

/// Appends the aggregates of a downsampled chunk that are asked for, if there are any.
fn push_aggregates(
    chunk: &Chunk,
    aggregates: &Aggregates,
    wanted: &Wanted,
    out: &mut Vec<AggrChunk>,
) -> Result<u64, ReframeError> {
    let mut samples = 0;
    let mut part = |aggregate, own: &Option<EncodedChunk>| {
        let Some(own) = own.as_ref().filter(|_| wanted.has(aggregate)) else {
            return Ok::<_, ReframeError>(None);
        };
        let times = TimeRange {
            start: chunk.min_time,
            end: chunk.max_time,
        };
        let mut one = Chunk::encoded(own.encoding, own.bytes.clone(), times);
        one.deleted = chunk.deleted.clone();
        // One chunk, however long: an aggregate has no place for more.
        let Some((whole, count)) = one_of_floats(&one, &wanted.framing())? else {
            return Ok(None);
        };
        samples += count;
        Ok(raw(whole))
    };
    let framed = AggrChunk {
        min_time: chunk.min_time,
        max_time: chunk.max_time,
        raw: None,
        count: part(Aggr::Count, &aggregates.count)?,
        sum: part(Aggr::Sum, &aggregates.sum)?,
        min: part(Aggr::Min, &aggregates.min)?,
        max: part(Aggr::Max, &aggregates.max)?,
        counter: part(Aggr::Counter, &aggregates.counter)?,
    };
    let all = [
        &framed.count,
        &framed.sum,
        &framed.min,
        &framed.max,
        &framed.counter,
    ];
    if all.iter().any(|one| one.is_some()) {
        out.push(framed);
    }
    Ok(samples)
}

#[cfg(test)]
#[path = "chunks_tests.rs"]
mod tests;
