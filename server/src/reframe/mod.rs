//! Chunks of a store as clients read them: Thanos over gRPC, Prometheus by remote read.
//!
//! A chunk that its reader knows is passed on as it is. Encoded anew are those that it
//! does not know, plain columns and grids, chunks of which samples are deleted, and
//! chunks that overlap in time, since readers drop what begins before the last chunk has
//! ended. Where such chunks have a sample at the same time, the first one's stays, as in
//! a query.

mod samples;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use quarrel_chunks::histogram::EncodeError;
use quarrel_chunks::{ChunkError, Encoding, num_samples};
use quarrel_engine::storage::{Aggregates, Chunk, ChunkData, TimeRange};

use self::samples::Samples;
pub(crate) use self::samples::{Sample, Value, as_integers};

/// Why a series cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReframeError {
    /// A chunk is corrupt.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// A histogram makes no sense.
    #[error("histogram: {0}")]
    Histogram(#[from] EncodeError),
}

/// The encodings that a reader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encodings {
    /// XOR, histogram and float histogram, all without start timestamps.
    Classic,
    /// All of Prometheus 3.16.
    All,
}

impl Encodings {
    fn has(self, encoding: Encoding) -> bool {
        match encoding {
            Encoding::Xor | Encoding::Histogram | Encoding::FloatHistogram => true,
            Encoding::Xor2 | Encoding::HistogramSt | Encoding::FloatHistogramSt => {
                self == Encodings::All
            }
        }
    }
}

/// How chunks are passed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framing {
    /// The range that is asked for.
    pub(crate) range: TimeRange,
    /// What the reader knows.
    pub(crate) encodings: Encodings,
    /// Whether chunks end where the range does, as in Prometheus, else with their own
    /// samples.
    pub(crate) trims: bool,
}

/// An encoded chunk.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RawChunk {
    /// Time of its first sample, ms.
    pub(crate) min_time: i64,
    /// Time of its last sample, ms.
    pub(crate) max_time: i64,
    pub(crate) encoding: Encoding,
    pub(crate) bytes: Bytes,
}

/// Chunks that are passed on together.
#[derive(Debug)]
pub(crate) enum Group<'g, 'c> {
    /// One, or those that overlap each other.
    Samples(&'g [&'c Chunk]),
    /// A downsampled one.
    Aggregates(&'c Chunk, &'c Aggregates),
}

/// Calls `each` with all groups of the chunks in a range, replica by replica. The chunks
/// are in order of their first sample.
///
/// # Errors
/// Those of `each`.
pub(crate) fn each_group<'c, E>(
    chunks: &'c [Chunk],
    range: TimeRange,
    mut each: impl FnMut(Group<'_, 'c>) -> Result<(), E>,
) -> Result<(), E> {
    let mut replicas: Vec<u32> = chunks.iter().map(|chunk| chunk.replica).collect();
    replicas.sort_unstable();
    replicas.dedup();
    for replica in replicas {
        let own = chunks.iter().filter(|chunk| chunk.replica == replica);
        let mut group: Vec<&Chunk> = Vec::new();
        let mut end = i64::MIN;
        for chunk in own.filter(|chunk| range.overlaps(chunk.min_time, chunk.max_time)) {
            if let ChunkData::Aggregates(aggregates) = &chunk.data {
                each(Group::Aggregates(chunk, aggregates))?;
                continue;
            }
            if chunk.min_time > end && !group.is_empty() {
                each(Group::Samples(&group))?;
                group.clear();
            }
            group.push(chunk);
            end = end.max(chunk.max_time);
        }
        if !group.is_empty() {
            each(Group::Samples(&group))?;
        }
    }
    Ok(())
}

/// Appends the chunks of a group, and says how many samples they have.
///
/// # Errors
/// When a chunk that has to be read is corrupt.
pub(crate) fn reframe(
    group: &[&Chunk],
    framing: &Framing,
    out: &mut Vec<RawChunk>,
) -> Result<u64, ReframeError> {
    if let [chunk] = group {
        if let Some((raw, samples)) = as_it_is(chunk, framing)? {
            out.push(raw);
            return Ok(samples);
        }
        if let ChunkData::Encoded { encoding, .. } = &chunk.data
            && framing.encodings.has(*encoding)
        {
            return cut(chunk, *encoding, framing, out);
        }
    }
    samples_of(group, framing)?.encode(framing.encodings, out)
}

/// One chunk as one chunk of floats, whose samples are those that are not deleted; `None`
/// if there are none, and how many there are.
///
/// # Errors
/// When it has to be read and is corrupt.
pub(crate) fn one_of_floats(
    chunk: &Chunk,
    framing: &Framing,
) -> Result<Option<(RawChunk, u64)>, ReframeError> {
    if let Some(whole) = as_it_is(chunk, framing)? {
        return Ok(Some(whole));
    }
    let mut out = Vec::new();
    let samples = samples_of(&[chunk], framing)?.encode_as_one(Encoding::Xor, &mut out)?;
    Ok(out.pop().map(|raw| (raw, samples)))
}

/// The samples of a series in a range, in order of time. Downsampled ones are not among
/// them.
///
/// # Errors
/// When a chunk is corrupt.
pub(crate) fn samples_in(chunks: &[Chunk], range: TimeRange) -> Result<Vec<Sample>, ReframeError> {
    let within = chunks
        .iter()
        .filter(|chunk| range.overlaps(chunk.min_time, chunk.max_time));
    let framing = Framing {
        range,
        encodings: Encodings::All,
        trims: true,
    };
    let group: Vec<&Chunk> = within.collect();
    Ok(samples_of(&group, &framing)?.0)
}

/// The samples of a chunk that remain, in its own encoding.
fn cut(
    chunk: &Chunk,
    encoding: Encoding,
    framing: &Framing,
    out: &mut Vec<RawChunk>,
) -> Result<u64, ReframeError> {
    samples_of(&[chunk], framing)?.encode_as_one(encoding, out)
}

fn samples_of(group: &[&Chunk], framing: &Framing) -> Result<Samples, ReframeError> {
    let mut samples = Samples::default();
    for chunk in group {
        samples.decode(chunk, framing.range)?;
    }
    if framing.trims {
        samples.trim(framing.range);
    }
    samples.sort();
    Ok(samples)
}

/// A chunk that its reader takes as it is, and its number of samples.
fn as_it_is(chunk: &Chunk, framing: &Framing) -> Result<Option<(RawChunk, u64)>, ChunkError> {
    let deleted = chunk.deleted.as_deref().unwrap_or_default();
    let is_cut = deleted
        .iter()
        .any(|range| range.overlaps(chunk.min_time, chunk.max_time));
    let TimeRange { start, end } = framing.range;
    let is_trimmed = framing.trims && (chunk.min_time < start || chunk.max_time > end);
    let ChunkData::Encoded { encoding, bytes } = &chunk.data else {
        return Ok(None);
    };
    if is_cut || is_trimmed || !framing.encodings.has(*encoding) {
        return Ok(None);
    }
    let samples = num_samples(*encoding, bytes)? as u64;
    let raw = RawChunk {
        min_time: chunk.min_time,
        max_time: chunk.max_time,
        encoding: *encoding,
        bytes: bytes.clone(),
    };
    Ok(Some((raw, samples)))
}
