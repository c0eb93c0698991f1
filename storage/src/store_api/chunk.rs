//! Chunks as stores send them.

use std::sync::Arc;

use bytes::Bytes;
use quarrel_chunks::{Encoding, num_samples};
use quarrel_engine::storage::{Aggregates, Chunk, EncodedChunk, TimeRange};
use quarrel_proto::store::ChunkEncoding;

use super::message::{ChunkMessage, DataMessage};

/// A chunk that a store has sent.
#[derive(Clone, Debug)]
pub(super) struct SentChunk {
    /// Time of its first sample, ms.
    pub(super) min_time: i64,
    /// Time of its last sample, ms.
    pub(super) max_time: i64,
    /// Its samples, by its header; those of the longest aggregate.
    samples: u32,
    data: SentData,
}

#[derive(Clone, Debug)]
enum SentData {
    Raw { encoding: Encoding, bytes: Bytes },
    Aggregates(Arc<Aggregates>),
}

impl SentChunk {
    /// Reads a chunk that is a part of `message`; `None` if it has no sample.
    ///
    /// # Errors
    /// When it has no data, ends before it begins, or is encoded in an unknown way.
    pub(super) fn read(chunk: &[u8], message: &Bytes) -> Result<Option<Self>, String> {
        let chunk = ChunkMessage::read(chunk).map_err(|error| error.to_string())?;
        let (min_time, max_time) = (chunk.min_time, chunk.max_time);
        let at = |what: String| format!("chunk from {min_time} to {max_time}: {what}");
        if min_time > max_time {
            return Err(at("ends before it begins".to_string()));
        }
        let mut most = 0;
        let mut read = |data: Option<DataMessage<'_>>| {
            let Some(data) = data else { return Ok(None) };
            let (data, samples) = encoded(data, message).map_err(at)?;
            most = most.max(samples);
            Ok::<_, String>(Some(data))
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
        let chunk = SentChunk {
            min_time,
            max_time,
            samples: most,
            data,
        };
        Ok((most > 0).then_some(chunk))
    }

    /// The bytes of its data.
    pub(super) fn bytes(&self) -> usize {
        match &self.data {
            SentData::Raw { bytes, .. } => bytes.len(),
            SentData::Aggregates(aggregates) => {
                size_of::<Aggregates>()
                    + parts(aggregates)
                        .flatten()
                        .map(|part| part.bytes.len())
                        .sum::<usize>()
            }
        }
    }

    /// Its samples, by its header; those of the longest aggregate.
    pub(super) fn samples(&self) -> u64 {
        u64::from(self.samples)
    }

    /// Whether the other one has the same range and bytes.
    pub(super) fn is_same(&self, other: &SentChunk) -> bool {
        let same =
            |a: &EncodedChunk, b: &EncodedChunk| a.encoding == b.encoding && a.bytes == b.bytes;
        let same_data = match (&self.data, &other.data) {
            (
                SentData::Raw { encoding, bytes },
                SentData::Raw {
                    encoding: other_encoding,
                    bytes: other_bytes,
                },
            ) => encoding == other_encoding && bytes == other_bytes,
            (SentData::Aggregates(a), SentData::Aggregates(b)) => {
                parts(a).zip(parts(b)).all(|(a, b)| match (a, b) {
                    (Some(a), Some(b)) => same(a, b),
                    (a, b) => a.is_none() && b.is_none(),
                })
            }
            _ => false,
        };
        same_data && self.times() == other.times()
    }

    /// First and last time.
    pub(super) fn times(&self) -> (i64, i64) {
        (self.min_time, self.max_time)
    }

    /// The chunk as the engine takes it.
    pub(super) fn to_chunk(&self) -> Chunk {
        let (start, end) = self.times();
        let times = TimeRange { start, end };
        match &self.data {
            SentData::Raw { encoding, bytes } => Chunk::encoded(*encoding, bytes.clone(), times),
            SentData::Aggregates(aggregates) => Chunk::aggregates((**aggregates).clone(), times),
        }
    }
}

fn parts(aggregates: &Aggregates) -> impl Iterator<Item = Option<&EncodedChunk>> {
    let Aggregates {
        count,
        sum,
        min,
        max,
        counter,
    } = aggregates;
    [count, sum, min, max, counter]
        .into_iter()
        .map(Option::as_ref)
}

/// The data, and how many samples it has by its header.
fn encoded(data: DataMessage<'_>, message: &Bytes) -> Result<(EncodedChunk, u32), String> {
    let encoding = match ChunkEncoding::try_from(data.encoding) {
        Ok(ChunkEncoding::Xor) => Encoding::Xor,
        Ok(ChunkEncoding::Histogram) => Encoding::Histogram,
        Ok(ChunkEncoding::FloatHistogram) => Encoding::FloatHistogram,
        Err(_) => return Err(format!("unknown encoding {}", data.encoding)),
    };
    let samples = num_samples(encoding, data.data).map_err(|error| error.to_string())?;
    let bytes = data.view(message);
    // No header says more than 16 bits do.
    Ok((EncodedChunk { encoding, bytes }, samples as u32))
}
