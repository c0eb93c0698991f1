//! One series of the replicas of a row: each is decoded apart, then those of their
//! samples are put together that count (`quarrel_functions::replicas`).

mod counter;
mod output;
mod times;
mod windows;

use quarrel_functions::replicas::{
    FloatValues, Place, Reach, Replica, Run, Scratch, lift, penalty, stale_markers, unite,
};

use self::counter::Values;
use self::output::Output;
use self::times::Times;
use super::samples::{SampleColumns, SamplesError};
use super::window_columns::reach_of_windows;
use crate::storage::{Chunk, ChunkData, Deduplication, TimeRange};

/// Whether chunks are of more than one replica.
pub(crate) fn are_several(chunks: &[Chunk]) -> bool {
    chunks.windows(2).any(|c| c[0].replica != c[1].replica)
}

/// Buffers for the replicas of a row.
#[derive(Debug, Default)]
pub(crate) struct ReplicaColumns {
    /// The samples of each replica.
    replicas: Vec<SampleColumns>,
    times: Vec<Times>,
    runs: Vec<Run>,
    scratch: Scratch,
}

/// How the replicas of a row are to become one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deduplicate {
    pub deduplication: Deduplication,
    /// Whether the samples are looked at as those of a counter.
    pub is_counter: bool,
}

impl ReplicaColumns {
    /// Replaces the columns of `out` by the samples in `range` of chunks of several
    /// replicas, which it brings into their order. Returns the encoded bytes that
    /// were read.
    ///
    /// # Errors
    /// When a chunk is corrupt.
    pub fn load(
        &mut self,
        chunks: &mut [Chunk],
        range: TimeRange,
        how: Deduplicate,
        out: &mut SampleColumns,
    ) -> Result<usize, SamplesError> {
        let with_windows = reach_of_windows(chunks, range);
        match how.deduplication {
            Deduplication::Chain => {
                chunks.sort_by_key(|chunk| chunk.min_time);
                out.load(chunks, range)
            }
            Deduplication::Penalty if with_windows.is_none() => {
                let bytes = self.decode(chunks, range, out)?;
                self.penalize(how.is_counter, out);
                out.cut_to(range);
                Ok(bytes)
            }
            Deduplication::Replicas | Deduplication::Penalty => {
                let bytes = match with_windows {
                    None => self.load_raw(chunks, range, how.is_counter, out)?,
                    Some(reach) => {
                        let (raw, windows) = split_windows(chunks);
                        let raw = self.load_raw(raw, reach, how.is_counter, out)?;
                        raw + out.add_windows(&windows::counting(windows), reach)?
                    }
                };
                out.cut_to(range);
                Ok(bytes)
            }
        }
    }

    /// Replaces the columns of `out` by the raw samples in `range` that count.
    fn load_raw(
        &mut self,
        chunks: &mut [Chunk],
        range: TimeRange,
        is_counter: bool,
        out: &mut SampleColumns,
    ) -> Result<usize, SamplesError> {
        let reach = Reach::of((range.start, range.end), is_counter);
        let (start, end) = reach.samples;
        let bytes = self.decode(chunks, TimeRange { start, end }, out)?;
        self.unite(reach.counting, is_counter, out);
        out.cut_to(range);
        Ok(bytes)
    }

    /// Bytes that the buffers hold.
    pub fn bytes(&self) -> usize {
        let columns: usize = self.replicas.iter().map(SampleColumns::bytes).sum();
        let times: usize = self.times.iter().map(Times::bytes).sum();
        columns + times + self.runs.capacity() * size_of::<Run>() + self.scratch.bytes()
    }

    /// Decodes the replicas' samples in a range. They have start timestamps if those
    /// of `out` have.
    fn decode(
        &mut self,
        chunks: &mut [Chunk],
        range: TimeRange,
        out: &mut SampleColumns,
    ) -> Result<usize, SamplesError> {
        out.clear();
        chunks.sort_by_key(|chunk| chunk.replica);
        let (mut bytes, mut count) = (0, 0);
        for of_replica in chunks.chunk_by(|a, b| a.replica == b.replica) {
            if self.replicas.len() == count {
                let with_start_timestamps = out.start_timestamps.is_some();
                self.replicas
                    .push(SampleColumns::new(with_start_timestamps, out.downsampled));
                self.times.push(Times::default());
            }
            bytes += self.replicas[count].load(of_replica, range)?;
            self.replicas[count].cut_to(range);
            self.times[count].set(&self.replicas[count]);
            count += 1;
        }
        self.replicas.truncate(count);
        self.times.truncate(count);
        Ok(bytes)
    }

    /// Puts the samples together that count in a range, and a few more.
    fn unite(&mut self, range: (i64, i64), is_counter: bool, out: &mut SampleColumns) {
        let ReplicaColumns {
            replicas: columns,
            times,
            runs,
            scratch,
        } = self;
        let replicas: Vec<Replica<'_>> = (times.iter().zip(&*columns))
            .map(|(times, columns)| times.replica(columns))
            .collect();
        unite(&replicas, range, scratch, runs);
        let markers = match replicas.iter().all(|replica| replica.stale.is_empty()) {
            true => Vec::new(),
            false => stale_markers(&replicas, range),
        };
        let values = Values { columns, times };
        let lifts = match is_counter {
            true => lift(&replicas, runs, &values),
            false => Vec::new(),
        };
        let mut output = Output::new(values, out);
        let (mut markers, mut lifts) = (markers.iter().peekable(), lifts.iter().peekable());
        let mut number = 0;
        for &Run {
            replica,
            clock,
            from,
            to,
        } in &*runs
        {
            let mut from = from;
            while from < to {
                let samples = &replicas[replica].samples[..to];
                let lifted = lifts
                    .peek()
                    .map_or(to, |lift| from + (lift.number - number));
                let marker = markers.peek().map_or(to, |marker| {
                    from + samples[from..].partition_point(|&t| t < marker.time)
                });
                let until = to.min(lifted).min(marker);
                output.push(clock, replica, from..until);
                number += until - from;
                from = until;
                if from == to {
                    break;
                }
                if let Some(marker) = markers.next_if(|_| marker == from) {
                    output.push_stale(marker.replica, marker.index);
                } else if let Some(lift) = lifts.next_if(|_| lifted == from) {
                    let index = from;
                    output.push_lifted(Place { replica, index }, lift.to);
                    number += 1;
                    from += 1;
                }
            }
        }
        for marker in markers {
            output.push_stale(marker.replica, marker.index);
        }
    }

    /// Puts the samples together that count by Thanos's algorithm.
    fn penalize(&mut self, is_counter: bool, out: &mut SampleColumns) {
        let values = Values {
            columns: &self.replicas,
            times: &self.times,
        };
        let all: Vec<Vec<(i64, times::Sample)>> = values.with_stale();
        let of_replica =
            |samples: &Vec<(i64, times::Sample)>| samples.iter().map(|s| s.0).collect();
        let times: Vec<Vec<i64>> = all.iter().map(of_replica).collect();
        let times: Vec<&[i64]> = times.iter().map(Vec::as_slice).collect();
        let floats = AllFloats {
            columns: &self.replicas,
            all: &all,
        };
        let counting = penalty(&times, is_counter.then_some(&floats as &dyn FloatValues));
        let mut output = Output::new(values, out);
        for sample in counting {
            let source = all[sample.replica][sample.index].1;
            output.push_sample(sample.replica, source, sample.added);
        }
    }
}

/// Brings downsampled chunks behind raw ones.
fn split_windows(chunks: &mut [Chunk]) -> (&mut [Chunk], &mut [Chunk]) {
    let is_windows = |chunk: &Chunk| matches!(chunk.data, ChunkData::Aggregates(_));
    chunks.sort_by_key(is_windows);
    let raw = chunks.partition_point(|chunk| !is_windows(chunk));
    chunks.split_at_mut(raw)
}

/// The floats among all samples of the replicas.
struct AllFloats<'a> {
    columns: &'a [SampleColumns],
    all: &'a [Vec<(i64, times::Sample)>],
}

impl FloatValues for AllFloats<'_> {
    fn float(&self, replica: usize, index: usize) -> Option<f64> {
        match self.all[replica][index].1 {
            times::Sample::Float(at) => Some(self.columns[replica].values[at as usize]),
            times::Sample::Histogram(_) => None,
        }
    }
}
