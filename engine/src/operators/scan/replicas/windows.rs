//! Downsampled chunks of several replicas: a window counts unless one of a replica
//! before its own lies in its time.
//!
//! Windows end at multiples of their length in all replicas, so that nothing has to
//! be guessed. Chunks are cut into pieces of which all windows count, by deleting
//! the others.

use std::sync::Arc;

use quarrel_chunks::decode_floats;
use quarrel_chunks::histogram::{HistogramColumns, decode_histogram_totals};

use super::super::window_columns::resolution_of;
use crate::storage::{Aggregates, Chunk, ChunkData, TimeRange};

/// Windows of a chunk that count, one behind the other.
#[derive(Debug, Clone, Copy)]
struct Piece {
    range: TimeRange,
    chunk: usize,
}

/// The pieces of downsampled chunks whose windows count, in order of time. Chunks
/// that cannot be decoded stay whole, so that whoever reads them says so.
pub(super) fn counting(chunks: &mut [Chunk]) -> Vec<Chunk> {
    if !super::are_several(chunks) {
        return chunks.to_vec();
    }
    chunks.sort_by_key(|chunk| (chunk.replica, chunk.min_time));
    let mut pieces: Vec<Piece> = Vec::new();
    let mut taken: Vec<TimeRange> = Vec::new();
    // Of each chunk the time of all its windows.
    let mut wholes: Vec<Option<TimeRange>> = Vec::with_capacity(chunks.len());
    for of_replica in chunks.chunk_by(|a, b| a.replica == b.replica) {
        let mut own = Vec::new();
        for chunk in of_replica {
            let windows = windows_of(chunk);
            let chunk = wholes.len();
            wholes.push(whole(&windows));
            for range in windows {
                // In a gap of this one another replica may have windows.
                let follows = |last: &&mut Piece| {
                    last.chunk == chunk && last.range.end.saturating_add(1) >= range.start
                };
                match pieces.last_mut().filter(follows) {
                    _ if overlaps(&taken, range) => {}
                    Some(last) => last.range.end = range.end,
                    None => pieces.push(Piece { range, chunk }),
                }
                own.push(range);
            }
        }
        taken.append(&mut own);
        unite(&mut taken);
    }
    pieces.sort_by_key(|piece| piece.range.start);
    // What another replica has not filled need not be cut.
    pieces.dedup_by(|next, last| {
        let same = next.chunk == last.chunk;
        if same {
            last.range.end = next.range.end;
        }
        same
    });
    let cut = |piece: &Piece| match wholes[piece.chunk] == Some(piece.range) {
        true => chunks[piece.chunk].clone(),
        false => part(&chunks[piece.chunk], piece.range),
    };
    pieces.iter().map(cut).collect()
}

/// The time from the first of some windows to the last one.
fn whole(windows: &[TimeRange]) -> Option<TimeRange> {
    let (first, last) = (windows.first()?, windows.last()?);
    Some(TimeRange {
        start: first.start,
        end: last.end,
    })
}

/// The time of each window of a chunk. Of one that cannot be decoded, all of its time.
fn windows_of(chunk: &Chunk) -> Vec<TimeRange> {
    let ChunkData::Aggregates(aggregates) = &chunk.data else {
        return Vec::new();
    };
    let Some((times, is_counter)) = times_of(aggregates) else {
        return vec![TimeRange {
            start: chunk.min_time,
            end: chunk.max_time,
        }];
    };
    // The first point of a counter is a moment of its first window.
    let length = resolution_of(&times[usize::from(is_counter)..]);
    let window = |&time: &i64| {
        let start = time.saturating_sub(time.rem_euclid(length));
        TimeRange {
            start,
            end: start.saturating_add(length - 1),
        }
    };
    let mut windows: Vec<TimeRange> = times.iter().map(window).collect();
    windows.dedup();
    windows
}

/// The times of all windows, from the first aggregate that is there, and whether
/// that is the counter.
fn times_of(aggregates: &Aggregates) -> Option<(Vec<i64>, bool)> {
    let Aggregates {
        count,
        sum,
        min,
        max,
        counter,
    } = aggregates;
    let others = [count, sum, min, max].into_iter().flatten().next();
    let (chunk, is_counter) = match others {
        Some(chunk) => (chunk, false),
        None => (counter.as_ref()?, true),
    };
    if chunk.encoding.is_histogram() {
        let mut columns = HistogramColumns::default();
        decode_histogram_totals(chunk.encoding, &chunk.bytes, &mut columns, None).ok()?;
        return Some((columns.timestamps, is_counter)).filter(|of| !of.0.is_empty());
    }
    let (mut times, mut values) = (Vec::new(), Vec::new());
    decode_floats(chunk.encoding, &chunk.bytes, &mut times, &mut values).ok()?;
    Some((times, is_counter)).filter(|of| !of.0.is_empty() && of.0.is_sorted())
}

/// Whether any of sorted ranges that lie apart overlaps another one.
fn overlaps(ranges: &[TimeRange], range: TimeRange) -> bool {
    let behind = ranges.partition_point(|taken| taken.end < range.start);
    ranges
        .get(behind)
        .is_some_and(|taken| taken.start <= range.end)
}

/// Sorts ranges, and unites those that overlap.
fn unite(ranges: &mut Vec<TimeRange>) {
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let overlap = next.start <= last.end;
        if overlap {
            last.end = last.end.max(next.end);
        }
        overlap
    });
}

/// The windows of a chunk in a range.
fn part(chunk: &Chunk, range: TimeRange) -> Chunk {
    let deleted = chunk.deleted.as_deref().unwrap_or_default();
    let before = TimeRange {
        start: i64::MIN,
        end: range.start.saturating_sub(1),
    };
    let behind = TimeRange {
        start: range.end.saturating_add(1),
        end: i64::MAX,
    };
    let deleted: Arc<[TimeRange]> = [&[before], deleted, &[behind]].concat().into();
    let mut part = chunk.clone().with_deleted(deleted);
    part.min_time = part.min_time.max(range.start);
    part.max_time = part.max_time.min(range.end);
    part
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use quarrel_chunks::{Encoding, FloatEncoder, XorEncoder};
    use quarrel_functions::table::Downsampled;

    use super::super::super::samples::SampleColumns;
    use super::super::{Deduplicate, ReplicaColumns};
    use super::*;
    use crate::storage::{Deduplication, EncodedChunk};

    const FINE: i64 = 300_000;

    fn encoded(samples: impl Iterator<Item = (i64, f64)>) -> Option<EncodedChunk> {
        let mut encoder = XorEncoder::new();
        for (t, v) in samples {
            assert!(encoder.append(t, v));
        }
        Some(EncodedChunk {
            encoding: Encoding::Xor,
            bytes: encoder.bytes().to_vec().into(),
        })
    }

    /// Windows of five minutes, by their numbers, each with `value` samples.
    fn chunk(replica: u32, windows: &[i64], value: f64) -> Chunk {
        let time = |number: i64| number * FINE + FINE - 1;
        let times = windows.iter().map(|&number| time(number));
        let first = windows.first().map_or(0, |&first| first * FINE + 7);
        let last = windows.last().map_or(0, |&last| time(last));
        // Without resets the true last sample is that of the last window.
        let of_counter = [(first, first as f64)]
            .into_iter()
            .chain(times.clone().map(|t| (t, t as f64)))
            .chain([(last, last as f64)]);
        let aggregates = Aggregates {
            count: encoded(times.clone().map(|t| (t, value))),
            sum: encoded(times.map(|t| (t, 3.0 * value))),
            counter: encoded(of_counter),
            ..Aggregates::default()
        };
        let times = TimeRange {
            start: first,
            end: last,
        };
        Chunk::aggregates(aggregates, times).with_replica(replica)
    }

    fn load(chunks: &[Chunk], reads: Downsampled, is_counter: bool) -> Vec<(i64, f64)> {
        let mut columns = SampleColumns::new(false, reads);
        let how = Deduplicate {
            deduplication: Deduplication::Replicas,
            is_counter,
        };
        let mut chunks = chunks.to_vec();
        let mut replicas = ReplicaColumns::default();
        let range = TimeRange {
            start: 0,
            end: 1_000 * FINE,
        };
        let loaded = replicas.load(&mut chunks, range, how, &mut columns);
        loaded.unwrap();
        columns.timestamps.into_iter().zip(columns.values).collect()
    }

    proptest! {
        #[test]
        fn a_window_counts_unless_a_replica_before_has_it(
            replicas in vec(vec(any::<bool>(), 60), 2..4),
            length in 3usize..30,
        ) {
            // None ends with its hour: a chunk of one window that does might be of hours.
            let number = |window: i64| window + window / 11;
            let mut chunks = Vec::new();
            for (replica, has) in replicas.iter().enumerate() {
                let windows: Vec<i64> = (0..60).filter(|&w| has[w as usize]).map(number).collect();
                for part in windows.chunks(length) {
                    chunks.push(chunk(replica as u32, part, 1.0 + replica as f64));
                }
            }
            prop_assume!(super::super::are_several(&chunks));
            let mut expected = Vec::new();
            for window in 0..60 {
                let first = replicas.iter().position(|has| has[window]);
                let time = number(window as i64) * FINE + FINE - 1;
                expected.extend(first.map(|replica| (time, 1.0 + replica as f64)));
            }
            prop_assert_eq!(load(&chunks, Downsampled::Count, false), expected.clone());
            let sums: Vec<_> = expected.iter().map(|(t, v)| (*t, 3.0 * v)).collect();
            prop_assert_eq!(load(&chunks, Downsampled::Sum, false), sums);
            // A counter that grows by its time has its values, wherever it was cut.
            let counter = load(&chunks, Downsampled::Counter, true);
            for window in &expected {
                let there = counter.iter().find(|point| point.0 == window.0);
                prop_assert_eq!(there.map(|point| point.1), Some(window.0 as f64));
            }
            prop_assert!(counter.iter().all(|point| point.1 == point.0 as f64));
        }
    }

    #[test]
    fn raw_samples_count_before_windows() {
        let raw = |replica: u32, from: i64, to: i64| {
            let times: Vec<i64> = (from..to).map(|i| i * 15_000).collect();
            let values = vec![1.0; times.len()];
            Chunk::floats(times, values).with_replica(replica)
        };
        // The first replica is downsampled until the fourth window, the other one
        // not yet: it is raw from the second one on.
        let chunks = [chunk(0, &[0, 1, 2, 3], 20.0), raw(1, 20, 120)];
        let counts = load(&chunks, Downsampled::Count, false);
        assert_eq!(counts.len(), 101);
        assert_eq!(counts[0], (FINE - 1, 20.0));
        assert!(counts[1..].iter().all(|count| count.1 == 1.0));
    }
}
