//! Makes one run of samples from chunks that overlap, as Prometheus does when
//! it reads a head with out-of-order samples.
//!
//! Where two chunks have a sample at one time, the one kept is, in short, the
//! one of the chunk that the sample before was *not* taken from. That follows
//! from how Prometheus's iterator over several chunks goes on: it looks for
//! the next sample in its current chunk, and leaves the chunk if another one
//! has a sample that is not later. With three or more chunks the layout of
//! its heap decides, so the heap is the same here.

use bytes::Bytes;
use quarrel_chunks::{ChunkError, Encoding, FloatEncoder, Xor2Encoder, decode_floats_with_start};

use super::chunk::{HeadChunk, HeadChunkData};

/// Samples of one chunk: start timestamp, timestamp, value.
type Run = Vec<(i64, i64, f64)>;

/// Replaces float chunks that overlap by one chunk with the samples that
/// Prometheus would give; other chunks stay as they are. Chunks must be
/// sorted by their first sample. A group of overlapping chunks in which there
/// are histograms is left as it is.
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
    for part in chain(&runs, |s| s.1).chunks(MAX_SAMPLES) {
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

/// A chunk can hold a few more.
const MAX_SAMPLES: usize = 60_000;

fn decode(data: &HeadChunkData) -> Result<Run, ChunkError> {
    let (mut starts, mut timestamps, mut values) = (Vec::new(), Vec::new(), Vec::new());
    match data {
        HeadChunkData::Encoded { encoding, bytes } => {
            let out = (&mut starts, &mut timestamps, &mut values);
            decode_floats_with_start(*encoding, bytes, out.0, out.1, out.2)?;
        }
        HeadChunkData::Samples {
            timestamps: t,
            values: v,
        } => {
            (starts, timestamps, values) = (vec![0; t.len()], t.clone(), v.clone());
        }
        HeadChunkData::Histograms(_) => return Err(ChunkError::NotFloats),
    }
    Ok(starts
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

/// A binary heap of runs by the time of their next sample, laid out as Go's
/// `container/heap` lays it out.
#[derive(Default)]
struct Heap(Vec<(i64, usize)>);

impl Heap {
    fn push(&mut self, item: (i64, usize)) {
        self.0.push(item);
        let mut at = self.0.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.0[at].0 >= self.0[parent].0 {
                break;
            }
            self.0.swap(at, parent);
            at = parent;
        }
    }

    fn pop(&mut self) -> Option<(i64, usize)> {
        let end = self.0.len().checked_sub(1)?;
        self.0.swap(0, end);
        let mut at = 0;
        loop {
            let left = 2 * at + 1;
            if left >= end {
                break;
            }
            let right = left + 1;
            let child = if right < end && self.0[right].0 < self.0[left].0 {
                right
            } else {
                left
            };
            if self.0[child].0 >= self.0[at].0 {
                break;
            }
            self.0.swap(at, child);
            at = child;
        }
        self.0.pop()
    }
}

/// Merges runs that are each in order of time.
fn chain<T: Copy>(runs: &[Vec<T>], time: impl Fn(&T) -> i64) -> Vec<T> {
    let mut merged = Vec::with_capacity(runs.iter().map(Vec::len).sum());
    let mut heap = Heap::default();
    // The next sample of each run that is in the heap, or in its turn.
    let mut at = vec![0; runs.len()];
    for (run, samples) in runs.iter().enumerate().skip(1) {
        if let Some(first) = samples.first() {
            heap.push((time(first), run));
        }
    }
    let mut last = None;
    let mut current = 0;
    let mut is_new = true;
    loop {
        // Go on in the current run.
        if !is_new {
            at[current] += 1;
        }
        is_new = false;
        if let Some(sample) = runs.get(current).and_then(|r| r.get(at[current])) {
            let t = time(sample);
            if last == Some(t) {
                continue;
            }
            if heap.0.first().is_none_or(|top| t < top.0) {
                merged.push(*sample);
                last = Some(t);
                continue;
            }
            heap.push((t, current));
        }
        let Some((t, run)) = heap.pop() else {
            return merged;
        };
        current = run;
        if last != Some(t) {
            merged.push(runs[run][at[run]]);
            last = Some(t);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(runs: &[&[i64]]) -> String {
        let runs: Vec<Vec<(i64, usize)>> = runs
            .iter()
            .enumerate()
            .map(|(run, times)| times.iter().map(|t| (*t, run)).collect())
            .collect();
        let samples = chain(&runs, |s| s.0);
        samples
            .iter()
            .map(|(t, run)| format!("{t}{}", ["a", "b", "c"][*run]))
            .collect()
    }

    #[test]
    fn the_sample_of_the_other_run_is_kept() {
        assert_eq!(merged(&[&[1, 2, 3, 4], &[3]]), "1a2a3b4a");
        assert_eq!(merged(&[&[1, 2, 3], &[1, 2, 3]]), "1b2b3b");
        assert_eq!(merged(&[&[1, 5, 6], &[3, 5, 7]]), "1a3b5a6a7b");
        assert_eq!(merged(&[&[1], &[], &[0]]), "0c1a");
        assert_eq!(merged(&[&[], &[2], &[2]]), "2b");
        assert_eq!(merged(&[]), "");
    }

    #[test]
    fn chunks_apart_stay_as_they_are() {
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
    fn start_timestamps_are_kept_in_chunks_that_can_hold_them() {
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
