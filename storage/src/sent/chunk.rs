//! Chunks as servers send them.

use std::sync::Arc;

use arrow_buffer::ScalarBuffer;
use bytes::Bytes;
use quarrel_chunks::{Encoding, num_samples};
use quarrel_engine::storage::{Aggregates, Chunk, EncodedChunk, TimeRange};

/// A chunk that a server has sent.
#[derive(Clone, Debug)]
pub(crate) struct SentChunk {
    /// Time of its first sample, ms.
    pub(crate) min_time: i64,
    /// Time of its last sample, ms.
    pub(crate) max_time: i64,
    /// What [`SentData::samples`] has said: headers are far from each other.
    samples: u64,
    data: SentData,
}

/// The samples of a chunk.
#[derive(Clone, Debug)]
pub(crate) enum SentData {
    /// Encoded.
    Raw {
        /// How.
        encoding: Encoding,
        /// The bytes.
        bytes: Bytes,
    },
    /// Columns of floats, in order of time.
    #[cfg_attr(not(feature = "remote_read"), allow(dead_code))]
    Floats {
        /// Milliseconds, strictly ascending.
        timestamps: ScalarBuffer<i64>,
        /// The values.
        values: ScalarBuffer<f64>,
    },
    /// Aggregates of downsampled samples.
    #[cfg_attr(not(feature = "store_api"), allow(dead_code))]
    Aggregates(Arc<Aggregates>),
}

/// Bytes of a float and its time.
const FLOAT: usize = size_of::<i64>() + size_of::<f64>();

/// What is wrong with a chunk, and which it is.
pub(crate) fn at(min_time: i64, max_time: i64, what: &str) -> String {
    format!("chunk from {min_time} to {max_time}: {what}")
}

/// Encoded samples, whose header says how many there are.
///
/// # Errors
/// When it does not.
pub(crate) fn encoded(encoding: Encoding, bytes: Bytes) -> Result<EncodedChunk, String> {
    match num_samples(encoding, &bytes) {
        Ok(_) => Ok(EncodedChunk { encoding, bytes }),
        Err(error) => Err(error.to_string()),
    }
}

impl SentChunk {
    /// A chunk; `None` if it has no sample.
    ///
    /// # Errors
    /// When it ends before it begins.
    pub(crate) fn new(
        min_time: i64,
        max_time: i64,
        data: SentData,
    ) -> Result<Option<Self>, String> {
        if min_time > max_time {
            return Err(at(min_time, max_time, "ends before it begins"));
        }
        let samples = data.samples();
        let chunk = SentChunk {
            min_time,
            max_time,
            samples,
            data,
        };
        Ok((samples > 0).then_some(chunk))
    }

    /// The bytes of its data.
    pub(crate) fn bytes(&self) -> usize {
        match &self.data {
            SentData::Raw { bytes, .. } => bytes.len(),
            SentData::Floats { timestamps, .. } => timestamps.len() * FLOAT,
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
    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    /// Whether the other one has the same range and bytes.
    pub(crate) fn is_same(&self, other: &SentChunk) -> bool {
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
            (
                SentData::Floats { timestamps, values },
                SentData::Floats {
                    timestamps: other_timestamps,
                    values: other_values,
                },
            ) => {
                let bits = |value: &f64| value.to_bits();
                timestamps == other_timestamps
                    && values.iter().map(bits).eq(other_values.iter().map(bits))
            }
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
    pub(crate) fn times(&self) -> (i64, i64) {
        (self.min_time, self.max_time)
    }

    /// The chunk as the engine takes it.
    pub(crate) fn to_chunk(&self) -> Chunk {
        let (start, end) = self.times();
        let times = TimeRange { start, end };
        match &self.data {
            SentData::Raw { encoding, bytes } => Chunk::encoded(*encoding, bytes.clone(), times),
            SentData::Floats { timestamps, values } => {
                Chunk::floats(timestamps.clone(), values.clone())
            }
            SentData::Aggregates(aggregates) => Chunk::aggregates((**aggregates).clone(), times),
        }
    }
}

impl SentData {
    /// Its samples, by its header; those of the longest aggregate.
    fn samples(&self) -> u64 {
        let of = |encoding, bytes| num_samples(encoding, bytes).unwrap_or(0) as u64;
        match self {
            SentData::Raw { encoding, bytes } => of(*encoding, bytes),
            SentData::Floats { timestamps, .. } => timestamps.len() as u64,
            SentData::Aggregates(aggregates) => {
                let parts = parts(aggregates).flatten();
                parts
                    .map(|part| of(part.encoding, &part.bytes))
                    .max()
                    .unwrap_or(0)
            }
        }
    }
}

/// The parts of an aggregated chunk.
pub(crate) fn parts(aggregates: &Aggregates) -> impl Iterator<Item = Option<&EncodedChunk>> {
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
