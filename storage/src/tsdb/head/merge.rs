//! Merges overlapping chunks as Prometheus does when it reads a head with
//! out-of-order samples.

use bytes::Bytes;
use quarrel_chunks::{ChunkError, Encoding, FloatEncoder, Xor2Encoder, decode_floats_with_start};

use super::chunk::{HeadChunk, HeadChunkData};
use crate::tsdb::chain::{Start, chain};

/// Samples of one chunk: start timestamp, timestamp, value.
type Run = Vec<(i64, i64, f64)>;

/// Replaces overlapping float chunks by one chunk with the samples that
/// Prometheus would return. Other chunks, and groups of overlapping chunks with
/// histograms, are unchanged. Chunks must be sorted by their first sample.
///
/// # Errors
/// When a chunk that overlaps another is corrupt.
pub fn merge_overlapping(chunks: Vec<HeadChunk>) -> Result<Vec<HeadChunk>, ChunkError> {
    if !chunks.iter().any(|c| c.out_of_order) {
        return Ok(chunks);
    }
    let mut merged = Vec::with_capacity(chunks.len());
    let mut group: Vec<HeadChunk> = Vec::new();
    let mut group_end = i64::MIN;
    for chunk in chunks {
        if chunk.min_time > group_end && !group.is_empty() {
            flush(&mut group, &mut merged)?;
        }
        group_end = group_end.max(chunk.max_time);
        group.push(chunk);
    }
    flush(&mut group, &mut merged)?;
    Ok(merged)
}

fn flush(group: &mut Vec<HeadChunk>, out: &mut Vec<HeadChunk>) -> Result<(), ChunkError> {
    if group.len() < 2 || group.iter().any(|c| c.data.is_histogram()) {
        out.append(group);
        return Ok(());
    }
    let runs = group
        .drain(..)
        .map(|c| decode(&c.data))
        .collect::<Result<Vec<_>, _>>()?;
    for part in chain(&runs, Start::In(0), |s| s.1).chunks(MAX_SAMPLES) {
        let (Some(first), Some(last)) = (part.first(), part.last()) else {
            continue;
        };
        out.push(HeadChunk {
            min_time: first.1,
            max_time: last.1,
            data: data_of(part),
            out_of_order: true,
        });
    }
    Ok(())
}

/// Most samples of a merged chunk; the format allows a few more.
const MAX_SAMPLES: usize = 60_000;

fn decode(data: &HeadChunkData) -> Result<Run, ChunkError> {
    let (mut start_timestamps, mut timestamps, mut values) = (Vec::new(), Vec::new(), Vec::new());
    match data {
        HeadChunkData::Encoded { encoding, bytes } => {
            let out = (&mut start_timestamps, &mut timestamps, &mut values);
            decode_floats_with_start(*encoding, bytes, out.0, out.1, out.2)?;
        }
        HeadChunkData::Samples {
            timestamps: t,
            values: v,
        } => {
            (start_timestamps, timestamps, values) = (vec![0; t.len()], t.clone(), v.clone());
        }
        HeadChunkData::Histograms(_) => return Err(ChunkError::NotFloats),
    }
    Ok(start_timestamps
        .into_iter()
        .zip(timestamps)
        .zip(values)
        .map(|((s, t), v)| (s, t, v))
        .collect())
}

fn data_of(samples: &[(i64, i64, f64)]) -> HeadChunkData {
    if samples.iter().all(|s| s.0 == 0) {
        let (timestamps, values) = samples.iter().map(|s| (s.1, s.2)).unzip();
        return HeadChunkData::Samples { timestamps, values };
    }
    let mut encoder = Xor2Encoder::new();
    for (start, timestamp, value) in samples {
        encoder.append_with_start(*start, *timestamp, *value);
    }
    HeadChunkData::Encoded {
        encoding: Encoding::Xor2,
        bytes: Bytes::copy_from_slice(encoder.bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_without_overlap_are_unchanged() {
        let chunk = |times: &[i64], out_of_order| HeadChunk {
            min_time: times[0],
            max_time: times[times.len() - 1],
            data: HeadChunkData::Samples {
                timestamps: times.to_vec(),
                values: times.iter().map(|t| *t as f64).collect(),
            },
            out_of_order,
        };
        let chunks = vec![
            chunk(&[1, 3], false),
            chunk(&[4, 9], false),
            chunk(&[5, 6], true),
            chunk(&[10, 11], true),
        ];
        let merged = merge_overlapping(chunks.clone()).unwrap();
        assert_eq!(merged[0], chunks[0]);
        assert_eq!(merged[1], chunk(&[4, 5, 6, 9], true));
        assert_eq!(merged[2], chunks[3]);
        assert_eq!(merged.len(), 3);
    }

    #[test]
    fn start_timestamps_are_kept() {
        let encoded = |samples: &[(i64, i64, f64)], out_of_order| HeadChunk {
            min_time: samples[0].1,
            max_time: samples[samples.len() - 1].1,
            data: data_of(samples),
            out_of_order,
        };
        let samples: Vec<_> = (0..100_000).map(|t| (t / 7 - 3, t, t as f64)).collect();
        let (even, odd): (Vec<_>, Vec<_>) = samples.iter().partition(|s| s.1 % 2 == 0);
        let chunks = vec![encoded(&even, false), encoded(&odd, true)];
        let merged = merge_overlapping(chunks).unwrap();
        assert_eq!(merged.len(), 2);
        let got: Vec<_> = merged
            .iter()
            .flat_map(|c| decode(&c.data).unwrap())
            .collect();
        assert_eq!(got, samples);
    }
}
