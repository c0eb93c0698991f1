use std::collections::BTreeMap;

use proptest::prelude::*;
use quarrel_chunks::histogram::{Histogram, HistogramBuilder};
use quarrel_chunks::{HistogramColumns, decode_floats, decode_histograms};
use quarrel_engine::storage::ChunkData;

use super::*;
use crate::reframe::testing::{KINDS, Kind, chunk, histogram, is_histogram, range};

/// A sample as tests compare it: bits of a float, or of a histogram's count and sum.
type Plain = (bool, u64, u64);

fn wanted(range: TimeRange) -> Wanted {
    Wanted::new(range, &[])
}

/// The samples of a chunk for Thanos.
fn read(chunk: &AggrChunk) -> Vec<(i64, Plain)> {
    let raw = chunk.raw.as_ref().unwrap();
    let kind = ChunkEncoding::try_from(raw.r#type).unwrap();
    let encoding = match kind {
        ChunkEncoding::Xor => {
            let (mut timestamps, mut values) = (Vec::new(), Vec::new());
            decode_floats(Encoding::Xor, &raw.data, &mut timestamps, &mut values).unwrap();
            let plain = values.iter().map(|value| (false, value.to_bits(), 0));
            return timestamps.into_iter().zip(plain).collect();
        }
        ChunkEncoding::Histogram => Encoding::Histogram,
        ChunkEncoding::FloatHistogram => Encoding::FloatHistogram,
    };
    let mut columns = HistogramColumns::default();
    decode_histograms(encoding, &raw.data, &mut columns).unwrap();
    let plain = columns
        .counts
        .iter()
        .zip(&columns.sums)
        .map(|(count, sum)| (true, count.to_bits(), sum.to_bits()));
    columns.timestamps.iter().copied().zip(plain).collect()
}

fn plain(kind: Kind, value: u64) -> Plain {
    match is_histogram(kind) {
        true => (
            true,
            (3.0 * value as f64).to_bits(),
            (value as f64).to_bits(),
        ),
        false => (false, (value as f64).to_bits(), 0),
    }
}

#[derive(Clone, Debug)]
struct Input {
    kind: Kind,
    samples: Vec<(i64, u64)>,
    deleted: Vec<TimeRange>,
}

fn input() -> impl Strategy<Value = Input> {
    let steps = prop::collection::vec(1i64..30, 1..300);
    let deleted = prop::collection::vec((0i64..3000, 0i64..400), 0..3);
    (prop::sample::select(&KINDS[..]), 0i64..2000, steps, deleted).prop_map(
        |(kind, start, steps, deleted)| {
            let mut at = start;
            let samples = steps.iter().enumerate().map(|(i, step)| {
                at += step;
                (at, i as u64 + 1)
            });
            let samples = samples.collect();
            let mut ends = i64::MIN;
            let mut sorted = deleted;
            sorted.sort_unstable();
            let mut ranges: Vec<TimeRange> = Vec::new();
            for (from, len) in sorted {
                if from > ends {
                    ranges.push(range(from, from + len));
                    ends = from + len;
                }
            }
            Input {
                kind,
                samples,
                deleted: ranges,
            }
        },
    )
}

proptest! {
    /// Against the plain definition: a map from times to samples, where the first
    /// chunk that has a time gives its sample.
    #[test]
    fn chunks_have_the_samples_that_a_query_sees(mut inputs in prop::collection::vec(input(), 1..4)) {
        inputs.sort_by_key(|input| input.samples[0].0);
        let chunks: Vec<Chunk> = inputs
            .iter()
            .map(|input| chunk(input.kind, &input.samples).with_deleted(input.deleted.clone()))
            .collect();
        let mut expected: BTreeMap<i64, Plain> = BTreeMap::new();
        for input in &inputs {
            for &(t, value) in &input.samples {
                if !input.deleted.iter().any(|d| d.start <= t && t <= d.end) {
                    expected.entry(t).or_insert(plain(input.kind, value));
                }
            }
        }
        let mut out = Vec::new();
        let samples = reframe(&chunks, &wanted(TimeRange::ALL), &mut out).unwrap();
        prop_assert_eq!(samples, expected.len() as u64);
        let mut last = i64::MIN;
        let mut got = Vec::new();
        for framed in &out {
            let own = read(framed);
            prop_assert!(framed.min_time > last, "chunks overlap");
            prop_assert_eq!(own.first().map(|s| s.0), Some(framed.min_time));
            prop_assert_eq!(own.last().map(|s| s.0), Some(framed.max_time));
            last = framed.max_time;
            got.extend(own);
        }
        prop_assert_eq!(got, expected.into_iter().collect::<Vec<_>>());
    }

    /// Whatever bytes a chunk has, the answer is chunks or an error.
    #[test]
    fn bytes_that_are_no_chunk_are_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        encoding in prop::sample::select(vec![
            Encoding::Xor, Encoding::Xor2, Encoding::Histogram,
            Encoding::HistogramSt, Encoding::FloatHistogram, Encoding::FloatHistogramSt,
        ]),
        is_deleted in any::<bool>(),
    ) {
        let mut chunk = Chunk::encoded(encoding, bytes, range(0, 100));
        if is_deleted {
            chunk = chunk.with_deleted(vec![range(50, 60)]);
        }
        let mut out = Vec::new();
        let _ = reframe(&[chunk], &wanted(TimeRange::ALL), &mut out);
    }
}

#[test]
fn known_chunks_are_passed_on_as_they_are() {
    for kind in [Kind::Xor, Kind::Histogram, Kind::FloatHistogram] {
        let own = chunk(kind, &[(10, 1), (20, 2)]);
        let ChunkData::Encoded { bytes, .. } = &own.data else {
            panic!("{kind:?}")
        };
        let mut out = Vec::new();
        // What is deleted lies elsewhere.
        let chunks = [own.clone().with_deleted(vec![range(100, 200)])];
        assert_eq!(
            reframe(&chunks, &wanted(range(0, 15)), &mut out).unwrap(),
            2
        );
        assert_eq!(&out[0].raw.as_ref().unwrap().data, bytes);
    }
}

#[test]
fn chunks_outside_of_the_range_are_left_out() {
    let chunks = [
        chunk(Kind::Xor, &[(10, 1), (20, 2)]),
        chunk(Kind::Floats, &[(30, 3), (40, 4), (50, 5)]),
        chunk(Kind::Xor2, &[(60, 6)]),
    ];
    let mut out = Vec::new();
    assert_eq!(
        reframe(&chunks, &wanted(range(35, 45)), &mut out).unwrap(),
        1
    );
    // Of plain columns only the range is read.
    assert_eq!(read(&out[0]), [(40, plain(Kind::Floats, 4))]);
    assert_eq!(out.len(), 1);
}

#[test]
fn new_float_chunks_are_short() {
    let samples: Vec<(i64, u64)> = (0..500).map(|i| (i, i as u64)).collect();
    let mut out = Vec::new();
    let floats = [chunk(Kind::Floats, &samples)];
    assert_eq!(
        reframe(&floats, &wanted(TimeRange::ALL), &mut out).unwrap(),
        500
    );
    let lens: Vec<usize> = out.iter().map(|framed| read(framed).len()).collect();
    assert_eq!(lens, [120, 120, 120, 120, 20]);
}

#[test]
fn replicas_are_not_merged() {
    let chunks = [
        chunk(Kind::Xor, &[(10, 1), (30, 3)]).with_replica(1),
        chunk(Kind::Xor, &[(20, 7), (40, 9)]).with_replica(2),
    ];
    let mut out = Vec::new();
    assert_eq!(
        reframe(&chunks, &wanted(TimeRange::ALL), &mut out).unwrap(),
        4
    );
    assert_eq!(out.len(), 2);
    assert_eq!((out[0].min_time, out[1].min_time), (10, 20));
}

#[test]
fn stale_markers_stay() {
    let mut builder = HistogramBuilder::new(true);
    builder.push(1, 10, &histogram(1)).unwrap();
    builder.push(1, 20, &Histogram::<u64>::stale()).unwrap();
    let chunks: Vec<Chunk> = builder
        .finish()
        .unwrap()
        .into_iter()
        .map(Chunk::from)
        .collect();
    let mut out = Vec::new();
    assert_eq!(
        reframe(&chunks, &wanted(TimeRange::ALL), &mut out).unwrap(),
        2
    );
    let all: Vec<_> = out.iter().flat_map(read).collect();
    assert_eq!(all[1].1.2, Histogram::<u64>::stale().sum.to_bits());
}

#[test]
fn aggregates_are_those_that_are_asked_for() {
    let encoded = |samples: &[(i64, u64)]| {
        let ChunkData::Encoded { encoding, bytes } = chunk(Kind::Xor, samples).data else {
            panic!("no bytes")
        };
        Some(EncodedChunk { encoding, bytes })
    };
    let aggregates = Aggregates {
        count: encoded(&[(10, 5), (20, 6)]),
        sum: encoded(&[(10, 50), (20, 60)]),
        counter: encoded(&[(5, 1), (10, 2), (20, 3)]),
        ..Aggregates::default()
    };
    let own = Chunk::aggregates(aggregates, range(5, 20));
    let ask = |kinds: &[Aggr], chunk: &Chunk| {
        let kinds: Vec<i32> = kinds.iter().map(|kind| *kind as i32).collect();
        let mut out = Vec::new();
        let wanted = Wanted::new(TimeRange::ALL, &kinds);
        let samples = reframe(std::slice::from_ref(chunk), &wanted, &mut out).unwrap();
        (samples, out)
    };
    let (samples, out) = ask(&[], &own);
    assert_eq!(samples, 7);
    let all = &out[0];
    assert!(all.raw.is_none() && all.count.is_some() && all.sum.is_some());
    assert!(all.counter.is_some() && all.min.is_none() && all.max.is_none());
    let (samples, out) = ask(&[Aggr::Raw, Aggr::Sum, Aggr::Min], &own);
    assert_eq!(
        (samples, out[0].count.is_none(), out[0].sum.is_some()),
        (2, true, true)
    );
    let (samples, out) = ask(&[Aggr::Max], &own);
    assert_eq!((samples, out.len()), (0, 0));
    // What is deleted does not get out.
    let (samples, out) = ask(&[Aggr::Count], &own.with_deleted(vec![range(15, 25)]));
    assert_eq!(samples, 1);
    let count = out[0].count.as_ref().unwrap();
    let (mut timestamps, mut values) = (Vec::new(), Vec::new());
    decode_floats(Encoding::Xor, &count.data, &mut timestamps, &mut values).unwrap();
    assert_eq!((timestamps, values), (vec![10], vec![5.0]));
}
