use super::super::window_columns::{COARSE_MS, FINE_MS};
use proptest::prelude::*;
use quarrel_chunks::{Encoding, FloatEncoder, XorEncoder};

use super::*;

const FINE: i64 = FINE_MS;
const STALE: f64 = f64::from_bits(STALE_NAN);

fn encoded(samples: &[(i64, f64)]) -> EncodedChunk {
    let mut encoder = XorEncoder::new();
    for &(t, v) in samples {
        assert!(encoder.append(t, v));
    }
    EncodedChunk {
        encoding: Encoding::Xor,
        bytes: encoder.bytes().to_vec().into(),
    }
}

/// Windows of (time, number, sum, least, greatest).
fn windows(windows: &[(i64, f64, f64, f64, f64)]) -> Chunk {
    let column = |of: fn(&(i64, f64, f64, f64, f64)) -> f64| {
        let samples: Vec<(i64, f64)> = windows.iter().map(|w| (w.0, of(w))).collect();
        Some(encoded(&samples))
    };
    let aggregates = Aggregates {
        count: column(|w| w.1),
        sum: column(|w| w.2),
        min: column(|w| w.3),
        max: column(|w| w.4),
        counter: None,
    };
    chunk(aggregates, windows[0].0, windows[windows.len() - 1].0)
}

fn counter(points: &[(i64, f64)]) -> Chunk {
    let aggregates = Aggregates {
        counter: Some(encoded(points)),
        ..Aggregates::default()
    };
    chunk(aggregates, points[0].0, points[points.len() - 1].0)
}

fn chunk(aggregates: Aggregates, start: i64, end: i64) -> Chunk {
    Chunk::aggregates(aggregates, TimeRange { start, end })
}

fn raw(samples: &[(i64, f64)]) -> Chunk {
    let (timestamps, values): (Vec<i64>, Vec<f64>) = samples.iter().copied().unzip();
    Chunk::floats(timestamps, values)
}

fn load(reads: Downsampled, chunks: &[Chunk]) -> Result<Vec<(i64, f64)>, SamplesError> {
    let mut columns = SampleColumns::new(true, reads);
    columns.load(chunks, TimeRange::ALL)?;
    assert_eq!(
        columns.start_timestamps.as_ref().unwrap().len(),
        columns.len()
    );
    Ok(columns.timestamps.into_iter().zip(columns.values).collect())
}

fn error(reads: Downsampled, chunks: &[Chunk]) -> String {
    match load(reads, chunks) {
        Err(SamplesError::Aggregates(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

const W1: i64 = FINE - 1;
const W2: i64 = 2 * FINE - 1;
const W3: i64 = 3 * FINE - 1;

#[test]
fn each_reading_has_its_column() {
    let chunks = [windows(&[
        (W1, 5.0, 20.0, 1.0, 9.0),
        (W2, 4.0, 6.0, 0.5, 2.0),
    ])];
    let read = |reads| load(reads, &chunks).unwrap();
    assert_eq!(read(Downsampled::Average), [(W1, 4.0), (W2, 1.5)]);
    assert_eq!(read(Downsampled::Sum), [(W1, 20.0), (W2, 6.0)]);
    assert_eq!(read(Downsampled::Count), [(W1, 5.0), (W2, 4.0)]);
    assert_eq!(read(Downsampled::Presence), [(W1, 5.0), (W2, 4.0)]);
    assert_eq!(read(Downsampled::Min), [(W1, 1.0), (W2, 0.5)]);
    assert_eq!(read(Downsampled::Max), [(W1, 9.0), (W2, 2.0)]);
    let mut columns = SampleColumns::new(false, Downsampled::WeightedAverage);
    columns.load(&chunks, TimeRange::ALL).unwrap();
    assert_eq!(
        (&columns.values[..], &columns.beside[..]),
        (&[20.0, 6.0][..], &[5.0, 4.0][..])
    );
    assert!(columns.has_windows && columns.bytes() > 0);
    columns.load(&[raw(&[(1, 1.0)])], TimeRange::ALL).unwrap();
    assert!(!columns.has_windows && columns.beside.is_empty());
}

#[test]
fn raw_samples_stand_beside_windows_in_any_order() {
    let before = raw(&[(10, 3.0), (20, STALE)]);
    let after = raw(&[(W2 + 10, 7.0), (W2 + 20, 8.0)]);
    let between = windows(&[(W2, 4.0, 6.0, 0.5, 2.0)]);
    for chunks in [
        [before.clone(), between.clone(), after.clone()],
        [between.clone(), after.clone(), before.clone()],
        [after, before, between],
    ] {
        let read = |reads| load(reads, &chunks).unwrap();
        let shown = |samples: Vec<(i64, f64)>| -> Vec<(i64, u64)> {
            samples.into_iter().map(|(t, v)| (t, v.to_bits())).collect()
        };
        let wanted = |a: f64, w: f64, b: f64, c: f64| {
            shown(vec![
                (10, a),
                (20, STALE),
                (W2, w),
                (W2 + 10, b),
                (W2 + 20, c),
            ])
        };
        assert_eq!(
            shown(read(Downsampled::Average)),
            wanted(3.0, 1.5, 7.0, 8.0)
        );
        assert_eq!(shown(read(Downsampled::Count)), wanted(1.0, 4.0, 1.0, 1.0));
        let mut columns = SampleColumns::new(false, Downsampled::WeightedAverage);
        columns.load(&chunks, TimeRange::ALL).unwrap();
        columns.drop_stale();
        assert_eq!(columns.values, [3.0, 6.0, 7.0, 8.0]);
        assert_eq!(columns.beside, [1.0, 4.0, 1.0, 1.0]);
        columns.cut_to(TimeRange {
            start: 11,
            end: W2 + 10,
        });
        assert_eq!(columns.beside, [4.0, 1.0]);
    }
}

#[test]
fn a_window_with_a_raw_sample_is_left_out() {
    let three = windows(&[
        (W1, 1.0, 1.0, 1.0, 1.0),
        (W2, 1.0, 2.0, 2.0, 2.0),
        (W3, 1.0, 3.0, 3.0, 3.0),
    ]);
    let with = |time: i64| load(Downsampled::Sum, &[raw(&[(time, 9.0)]), three.clone()]).unwrap();
    assert_eq!(with(-1), [(-1, 9.0), (W1, 1.0), (W2, 2.0), (W3, 3.0)]);
    assert_eq!(with(0), [(0, 9.0), (W2, 2.0), (W3, 3.0)]);
    assert_eq!(with(W1), [(W1, 9.0), (W2, 2.0), (W3, 3.0)]);
    assert_eq!(with(W1 + 1), [(W1, 1.0), (W1 + 1, 9.0), (W3, 3.0)]);
    assert_eq!(
        with(W3 + 1),
        [(W1, 1.0), (W2, 2.0), (W3, 3.0), (W3 + 1, 9.0)]
    );
}

#[test]
fn the_first_chunk_has_the_windows_of_its_times() {
    let one = windows(&[(W1, 1.0, 1.0, 1.0, 1.0), (W2, 1.0, 2.0, 2.0, 2.0)]);
    let two = windows(&[(W2, 1.0, 5.0, 2.0, 2.0), (W3, 1.0, 3.0, 3.0, 3.0)]);
    let both = load(Downsampled::Sum, &[one, two]).unwrap();
    assert_eq!(both, [(W1, 1.0), (W2, 2.0), (W3, 3.0)]);
}

#[test]
fn deleted_windows_are_gone() {
    let two = [(W1, 1.0, 1.0, 1.0, 1.0), (W2, 1.0, 2.0, 2.0, 2.0)];
    let deleted = windows(&two).with_deleted([TimeRange { start: W1, end: W1 }]);
    assert_eq!(load(Downsampled::Sum, &[deleted]).unwrap(), [(W2, 2.0)]);
}

#[test]
fn windows_outside_of_the_range_are_not_read() {
    let broken = Aggregates::default();
    let far = chunk(broken, 10 * COARSE_MS, 11 * COARSE_MS);
    let mut columns = SampleColumns::new(false, Downsampled::Sum);
    let range = TimeRange {
        start: 0,
        end: 8 * COARSE_MS,
    };
    assert_eq!(columns.load(&[far], range).unwrap(), 0);
    assert!(columns.is_empty());
}

#[test]
fn windows_are_hours_or_five_minutes() {
    assert_eq!(resolution_of(&[]), COARSE_MS);
    assert_eq!(
        resolution_of(&[COARSE_MS - 1, 2 * COARSE_MS - 1, 2 * COARSE_MS + 17]),
        COARSE_MS
    );
    assert_eq!(resolution_of(&[W1, W2]), FINE_MS);
    assert_eq!(resolution_of(&[-1, FINE - 1, 2 * FINE - 1]), FINE_MS);
}

/// Chunks of counters that begin and end as these do in raw samples.
#[test]
fn a_counter_goes_on_where_a_chunk_ends_and_begins_anew_where_it_was_reset() {
    // 5, 9, reset: 2, 4 within the chunk.
    let one = counter(&[(10, 5.0), (W1, 9.0), (W2, 13.0), (W2, 4.0)]);
    // From 4 to 6: no reset.
    let on = counter(&[(W2 + 10, 6.0), (W3, 7.0), (W3, 7.0)]);
    let joined = load(Downsampled::Counter, &[one.clone(), on]).unwrap();
    let wanted = [
        (10, 5.0),
        (W1, 9.0),
        (W2, 13.0),
        (W2 + 10, 15.0),
        (W3, 16.0),
    ];
    assert_eq!(joined, wanted);
    // From 4 to 3: a reset.
    let anew = counter(&[(W2 + 10, 3.0), (W3, 7.0), (W3, 7.0)]);
    let joined = load(Downsampled::Counter, &[one.clone(), anew]).unwrap();
    assert_eq!(
        joined,
        [(10, 5.0), (W1, 9.0), (W2, 13.0), (W2 + 10, 3.0), (W3, 7.0)]
    );
    // Raw samples that go on, and are reset.
    let then = raw(&[
        (W2 + 10, 5.0),
        (W2 + 20, 6.0),
        (W2 + 30, 1.0),
        (W2 + 40, 2.0),
    ]);
    let joined = load(Downsampled::Counter, &[then, one.clone()]).unwrap();
    let wanted = [
        (W2 + 10, 14.0),
        (W2 + 20, 15.0),
        (W2 + 30, 1.0),
        (W2 + 40, 2.0),
    ];
    assert_eq!(joined[3..], wanted);
    // Raw samples before.
    let first = raw(&[(1, 1.0), (2, STALE), (3, 3.0)]);
    let joined = load(Downsampled::Counter, &[first, one.clone()]).unwrap();
    assert!(joined[1].1.to_bits() == STALE_NAN);
    assert_eq!(joined[2..], [(3, 3.0), (10, 5.0), (W1, 9.0), (W2, 13.0)]);
}

#[test]
fn a_counter_of_one_sample_is_one_point() {
    let one = counter(&[(10, 5.0), (10, 5.0), (10, 5.0)]);
    assert_eq!(load(Downsampled::Counter, &[one]).unwrap(), [(10, 5.0)]);
}

#[test]
fn where_growth_is_not_known_there_is_none() {
    let resets = counter(&[(10, 5.0), (W1, 9.0), (W2, 13.0), (W3, 14.0), (W3, 5.0)]);
    let within = raw(&[(W1 + 1, 2.0), (W2, 4.0)]);
    let joined = load(Downsampled::Counter, &[resets, within.clone()]).unwrap();
    assert_eq!(
        joined,
        [(10, 5.0), (W1, 9.0), (W1 + 1, 9.0), (W2, 11.0), (W3, 12.0)]
    );
    let plain = counter(&[(10, 1.0), (W1, 1.5), (W2, 4.0), (W3, 6.0), (W3, 6.0)]);
    let joined = load(Downsampled::Counter, &[plain, within]).unwrap();
    assert_eq!(
        joined,
        [(10, 1.0), (W1, 1.5), (W1 + 1, 2.0), (W2, 4.0), (W3, 6.0)]
    );
}

#[test]
fn what_is_wrong_is_told() {
    let good = || encoded(&[(W1, 1.0), (W2, 2.0)]);
    let with = |change: &dyn Fn(&mut Aggregates)| {
        let mut aggregates = Aggregates {
            count: Some(good()),
            sum: Some(good()),
            min: Some(good()),
            max: Some(good()),
            counter: Some(good()),
        };
        change(&mut aggregates);
        [chunk(aggregates, W1, W2)]
    };
    use Downsampled::{Average, Count, Counter, Max, Min, Sum, WeightedAverage};
    assert_eq!(
        error(Min, &with(&|a| a.min = None)),
        "no min of its windows"
    );
    assert_eq!(
        error(Max, &with(&|a| a.max = None)),
        "no max of its windows"
    );
    assert_eq!(
        error(Counter, &with(&|a| a.counter = None)),
        "no counter of its windows"
    );
    assert_eq!(
        error(Average, &with(&|a| a.count = None)),
        "no count of its windows"
    );
    assert_eq!(
        error(Sum, &[chunk(Aggregates::default(), W1, W2)]),
        "no sum of its windows"
    );
    let longer = || Some(encoded(&[(W1, 1.0), (W2, 2.0), (W3, 2.0)]));
    let later = || Some(encoded(&[(W1, 1.0), (W3, 2.0)]));
    for reads in [Average, WeightedAverage] {
        let apart = "count and sum of different windows";
        assert_eq!(error(reads, &with(&|a| a.count = longer())), apart);
        assert_eq!(error(reads, &with(&|a| a.sum = longer())), apart);
        assert_eq!(error(reads, &with(&|a| a.sum = later())), apart);
    }
    let unordered = || Some(encoded(&[(W2, 1.0), (W1, 2.0)]));
    assert_eq!(
        error(Count, &with(&|a| a.count = unordered())),
        "count: windows out of order"
    );
    let counters = "counter: windows out of order";
    assert_eq!(
        error(Counter, &with(&|a| a.counter = unordered())),
        counters
    );
    let histograms = |a: &mut Aggregates| {
        a.count.as_mut().unwrap().encoding = Encoding::FloatHistogram;
    };
    let text = error(Count, &with(&histograms));
    assert_eq!(text, "count: chunk holds histograms, not floats");
    let cut = |a: &mut Aggregates| {
        let bytes = a.max.as_ref().unwrap().bytes.clone();
        a.max.as_mut().unwrap().bytes = bytes.slice(..bytes.len() - 1);
    };
    assert!(error(Max, &with(&cut)).starts_with("max: chunk ends within sample 1"));
}

fn any_encoding() -> impl Strategy<Value = Encoding> {
    (1u8..=6).prop_map(|byte| Encoding::try_from(byte).unwrap())
}

fn any_aggregate() -> impl Strategy<Value = Option<EncodedChunk>> {
    let samples = proptest::collection::vec((0i64..40, -3.0f64..3.0), 0..6);
    let good = samples.prop_map(|mut samples| {
        samples.sort_by_key(|(t, _)| *t);
        let samples: Vec<_> = samples.into_iter().map(|(t, v)| (t * W1, v)).collect();
        encoded(&samples)
    });
    let bytes = proptest::collection::vec(any::<u8>(), 0..60);
    let bad = (any_encoding(), bytes).prop_map(|(encoding, bytes)| EncodedChunk {
        encoding,
        bytes: bytes.into(),
    });
    proptest::option::of(prop_oneof![good, bad])
}

fn any_reading() -> impl Strategy<Value = Downsampled> {
    use Downsampled::{Average, Count, Counter, Max, Min, Presence, Sum, WeightedAverage};
    let all = [
        Average,
        Min,
        Max,
        Sum,
        Count,
        Counter,
        WeightedAverage,
        Presence,
    ];
    (0..all.len()).prop_map(move |i| all[i])
}

proptest! {
    /// Whatever a store gives, there is an error or columns in order.
    #[test]
    fn no_bytes_do_harm(
        chunks in proptest::collection::vec(
            [any_aggregate(), any_aggregate(), any_aggregate()], 1..4),
        samples in proptest::collection::btree_map(0i64..40 * W1, -3.0f64..3.0, 0..6),
        reads in any_reading(),
    ) {
        let mut all: Vec<Chunk> = chunks.into_iter().map(|[a, b, c]| {
            let aggregates = Aggregates {
                count: a.clone(), sum: b, min: c.clone(), max: a, counter: c,
            };
            chunk(aggregates, 0, 40 * W1)
        }).collect();
        if !samples.is_empty() {
            all.push(raw(&samples.into_iter().collect::<Vec<_>>()));
        }
        let mut columns = SampleColumns::new(false, reads);
        if columns.load(&all, TimeRange::ALL).is_ok() {
            prop_assert_eq!(columns.timestamps.len(), columns.values.len());
            prop_assert!(columns.timestamps.is_sorted_by(|a, b| a < b));
            if reads == Downsampled::WeightedAverage {
                prop_assert_eq!(columns.beside.len(), columns.values.len());
            }
        }
    }
}
