use proptest::prelude::*;
use quarrel_chunks::histogram::CounterReset;
use quarrel_chunks::{FloatEncoder as _, Xor2Encoder};

use super::testing::{KINDS, Kind, chunk, range};
use super::*;

fn framing(encodings: Encodings, trims: bool, range: TimeRange) -> Framing {
    Framing {
        range,
        encodings,
        trims,
    }
}

/// All chunks of a series.
fn all(chunks: &[Chunk], framing: &Framing) -> Vec<RawChunk> {
    let mut out = Vec::new();
    let mut samples = 0;
    each_group(chunks, framing.range, |group| {
        if let Group::Samples(group) = group {
            samples += reframe(group, framing, &mut out)?;
        }
        Ok::<_, ReframeError>(())
    })
    .unwrap();
    let headers = out
        .iter()
        .map(|raw| num_samples(raw.encoding, &raw.bytes).unwrap() as u64);
    assert_eq!(headers.sum::<u64>(), samples);
    out
}

/// The chunks as a store's again.
fn again(chunks: &[RawChunk]) -> Vec<Chunk> {
    let chunk = |raw: &RawChunk| {
        Chunk::encoded(
            raw.encoding,
            raw.bytes.clone(),
            range(raw.min_time, raw.max_time),
        )
    };
    chunks.iter().map(chunk).collect()
}

fn plain(samples: &[Sample]) -> Vec<(i64, u64)> {
    let plain = |sample: &Sample| match &sample.value {
        Value::Float(value) => (sample.timestamp, value.to_bits()),
        Value::Histogram(_, histogram) => (sample.timestamp, histogram.count.to_bits()),
    };
    samples.iter().map(plain).collect()
}

#[test]
fn a_reset_is_unknown_behind_a_gap() {
    let own = chunk(Kind::HistogramSt, &[(10, 1), (20, 2), (30, 3), (40, 4)]);
    let hints = |samples: Vec<Sample>| -> Vec<CounterReset> {
        let hint = |sample: Sample| match sample.value {
            Value::Histogram(_, histogram) => histogram.counter_reset,
            Value::Float(_) => panic!("a float"),
        };
        samples.into_iter().map(hint).collect()
    };
    let gap = own.clone().with_deleted(vec![range(20, 20)]);
    let unknown = CounterReset::Unknown;
    let read = samples_in(&[gap], TimeRange::ALL).unwrap();
    assert_eq!(hints(read), [unknown, unknown, CounterReset::NoReset]);
    let trimmed = samples_in(&[own], range(15, 35)).unwrap();
    assert_eq!(hints(trimmed), [unknown, CounterReset::NoReset]);
}

#[test]
fn chunks_end_where_the_range_does() {
    for kind in [Kind::Xor, Kind::Xor2, Kind::Histogram, Kind::HistogramSt] {
        let own = chunk(kind, &[(10, 1), (20, 2), (30, 3), (40, 4)]);
        let ChunkData::Encoded { encoding, bytes } = &own.data else {
            panic!("{kind:?}")
        };
        let chunks = std::slice::from_ref(&own);
        let whole = all(chunks, &framing(Encodings::All, true, range(10, 40)));
        assert_eq!((&whole[0].bytes, whole[0].encoding), (bytes, *encoding));
        let cut = all(chunks, &framing(Encodings::All, true, range(15, 39)));
        assert_eq!((cut.len(), cut[0].encoding), (1, *encoding), "{kind:?}");
        assert_eq!((cut[0].min_time, cut[0].max_time), (20, 30));
        let nothing = all(chunks, &framing(Encodings::All, true, range(11, 19)));
        assert_eq!(nothing, []);
    }
}

#[test]
fn start_timestamps_stay_for_those_who_know_them() {
    let mut encoder = Xor2Encoder::new();
    for (start, timestamp) in [(5, 10), (5, 20), (25, 30)] {
        encoder.append_with_start(start, timestamp, 1.5);
    }
    let own = Chunk::encoded(Encoding::Xor2, encoder.bytes().to_vec(), range(10, 30));
    let other = chunk(Kind::Xor, &[(15, 1), (35, 2)]);
    let starts = |chunks: &[Chunk], framing: &Framing| -> Vec<i64> {
        let read = samples_in(&again(&all(chunks, framing)), TimeRange::ALL).unwrap();
        read.iter().map(|sample| sample.start).collect()
    };
    let known = framing(Encodings::All, true, range(15, 40));
    assert_eq!(starts(std::slice::from_ref(&own), &known), [5, 25]);
    assert_eq!(starts(&[own.clone(), other.clone()], &known), [0, 5, 25, 0]);
    let classic = framing(Encodings::Classic, true, range(15, 40));
    let chunks = all(&[own, other], &classic);
    assert!(chunks.iter().all(|chunk| chunk.encoding == Encoding::Xor));
}

proptest! {
    /// What is passed on has the same samples, those in the range, whatever the reader
    /// knows, and its chunks do not overlap.
    #[test]
    fn samples_stay(
        parts in prop::collection::vec((0usize..7, prop::collection::btree_map(0i64..200, 1u64..50, 1..30)), 1..4),
        start in 0i64..200, length in 0i64..200, knows_all in any::<bool>(),
    ) {
        let mut chunks: Vec<Chunk> = parts
            .iter()
            .map(|(kind, samples)| {
                // Counters that do not reset stay one chunk.
                let mut total = 0;
                let samples: Vec<(i64, u64)> = samples
                    .iter()
                    .map(|(&t, &v)| { total += v; (t, total) })
                    .collect();
                chunk(KINDS[*kind], &samples)
            })
            .collect();
        chunks.sort_by_key(|chunk| chunk.min_time);
        let asked = range(start, start + length);
        let expected = samples_in(&chunks, asked).unwrap();
        let encodings = if knows_all { Encodings::All } else { Encodings::Classic };
        let sent = all(&chunks, &framing(encodings, true, asked));
        for raw in &sent {
            prop_assert!(encodings.has(raw.encoding));
            prop_assert!(asked.start <= raw.min_time && raw.max_time <= asked.end);
        }
        prop_assert!(sent.windows(2).all(|pair| pair[0].max_time < pair[1].min_time));
        let read = samples_in(&again(&sent), TimeRange::ALL).unwrap();
        prop_assert_eq!(plain(&read), plain(&expected));
    }
}
