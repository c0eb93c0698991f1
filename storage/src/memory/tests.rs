//! Tests of the memory store beyond `crate::conformance`.

use std::collections::BTreeMap;

use arrow_buffer::ScalarBuffer;
use futures::executor::block_on;
use proptest::prelude::*;
use quarrel_engine::storage::{Chunk, ChunkData, Matcher, SelectHints, SelectRequest};
use quarrel_matchers::MatchOp;

use super::*;

const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;

/// All samples of all matching series, by printed labels.
fn read(
    snapshot: &dyn Snapshot,
    matchers: &[Matcher],
    range: TimeRange,
) -> Vec<(String, Vec<(i64, f64)>)> {
    let symbols = SymbolTable::new();
    let hints = SelectHints::default();
    let request = SelectRequest::new(matchers, range, &hints, &symbols);
    let selected = block_on(snapshot.select(request)).unwrap();
    let rows = 0..selected.labels.len();
    rows.map(|row| {
        let mut chunks = Vec::new();
        selected.series.chunks(row as u32, &mut chunks).unwrap();
        let labels = symbols.read().display(selected.labels.get(row));
        (labels, chunks.iter().flat_map(samples).collect())
    })
    .collect()
}

fn samples(chunk: &Chunk) -> Vec<(i64, f64)> {
    match &chunk.data {
        ChunkData::Floats {
            timestamps, values, ..
        } => columns(timestamps, values),
        other => panic!("plain columns, not {other:?}"),
    }
}

fn columns(timestamps: &ScalarBuffer<i64>, values: &ScalarBuffer<f64>) -> Vec<(i64, f64)> {
    timestamps
        .iter()
        .copied()
        .zip(values.iter().copied())
        .collect()
}

fn snapshot(storage: &MemoryStorage) -> Arc<dyn Snapshot> {
    block_on(storage.snapshot(TimeRange::ALL)).unwrap()
}

#[test]
fn a_snapshot_does_not_see_later_appends() {
    let storage = MemoryStorage::new();
    let a = [("__name__", "a")];
    for t in 0..5000 {
        storage.append(a, t, t as f64).unwrap();
    }
    let before = snapshot(&storage);
    let early = read(&*before, &[], TimeRange::ALL);
    storage.append(a, 5000, 1.0).unwrap();
    storage.append(a, -1, 1.0).unwrap();
    storage.append([("__name__", "b")], 0, 1.0).unwrap();
    assert_eq!(read(&*before, &[], TimeRange::ALL), early);
    let after = read(&*snapshot(&storage), &[], TimeRange::ALL);
    assert_eq!(after.len(), 2);
    assert_eq!(after[0].1.len(), 5002);
    assert_eq!(after[0].1[0], (-1, 1.0));
}

#[test]
fn another_value_at_one_time_is_an_error() {
    let storage = MemoryStorage::new();
    let a = [("__name__", "a"), ("x", "1")];
    storage.append(a, 10, 1.0).unwrap();
    storage.append(a, 10, 1.0).unwrap();
    let error = storage.append(a, 10, 2.0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "series a{x=\"1\"}: another value at 10 ms"
    );
    // NaN is a value, compared by its bits.
    storage.append(a, 20, f64::NAN).unwrap();
    storage.append(a, 20, f64::NAN).unwrap();
    let stale = f64::from_bits(STALE_NAN);
    assert!(storage.append(a, 20, stale).is_err());
    // All samples of a series are appended, or none.
    let error = storage
        .append_series(a, vec![5, 10, 30], vec![0.0, 3.0, 0.0])
        .unwrap_err();
    assert!(matches!(
        error,
        AppendError::DuplicateTimestamp { timestamp: 10, .. }
    ));
    let error = storage
        .append_series(a, vec![7, 7], vec![0.0, 3.0])
        .unwrap_err();
    assert!(matches!(
        error,
        AppendError::DuplicateTimestamp { timestamp: 7, .. }
    ));
    assert_eq!(storage.sample_count(), 2);
}

#[test]
fn invalid_labels_are_refused() {
    let storage = MemoryStorage::new();
    let none: [(&str, &str); 0] = [];
    assert_eq!(storage.append(none, 0, 1.0), Err(AppendError::NoLabels));
    assert_eq!(
        storage.append([("x", "")], 0, 1.0),
        Err(AppendError::NoLabels)
    );
    let error = storage.append([("", "x")], 0, 1.0).unwrap_err();
    assert!(matches!(error, AppendError::EmptyLabelName { .. }));
    let error = storage
        .append([("x", "1"), ("y", "1"), ("x", "2")], 0, 1.0)
        .unwrap_err();
    assert_eq!(error.to_string(), "label name \"x\" appears twice");
    let error = storage
        .append_series([("x", "1")], vec![1], vec![])
        .unwrap_err();
    assert_eq!(
        error,
        AppendError::UnequalColumns {
            timestamps: 1,
            values: 0
        }
    );
    storage.append_series([("x", "1")], vec![], vec![]).unwrap();
    assert_eq!(storage.series_count(), 0);
}

#[test]
fn order_and_empty_labels_do_not_make_another_series() {
    let storage = MemoryStorage::new();
    storage
        .append([("__name__", "a"), ("x", "1")], 0, 1.0)
        .unwrap();
    storage
        .append([("x", "1"), ("__name__", "a"), ("y", "")], 1, 1.0)
        .unwrap();
    assert_eq!(storage.series_count(), 1);
    let rows = [("a", 0), ("b", 0), ("a", 1)];
    let rows = rows.map(|(name, t)| ([("__name__", name.to_string())], t, 1.0));
    storage.extend(rows).unwrap();
    assert_eq!((storage.series_count(), storage.sample_count()), (3, 5));
}

#[test]
fn series_are_not_copied_and_ranges_are_slices() {
    let storage = MemoryStorage::new();
    let timestamps: Vec<i64> = (0..10_000).collect();
    let at = timestamps.as_ptr();
    storage
        .append_series([("a", "b")], timestamps, vec![1.0; 10_000])
        .unwrap();
    let contents = storage.state.read().contents.clone();
    let mut chunks = Vec::new();
    contents.series[0]
        .floats
        .chunks(TimeRange { start: 17, end: 42 }, &mut chunks);
    let [
        Chunk {
            min_time: 17,
            max_time: 42,
            data: ChunkData::Floats { timestamps, .. },
            ..
        },
    ] = &chunks[..]
    else {
        panic!("one chunk of the range, not {chunks:?}");
    };
    assert_eq!(timestamps.as_ptr(), at.wrapping_add(17));
}

#[derive(Clone, Debug)]
enum Op {
    One(i64, f64),
    Many(Vec<(i64, f64)>),
}

fn op() -> impl Strategy<Value = Op> {
    let sample = || {
        (
            -50i64..50,
            prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN)],
        )
    };
    prop_oneof![
        (sample()).prop_map(|(t, v)| Op::One(t, v)),
        proptest::collection::vec(sample(), 0..12).prop_map(Op::Many),
    ]
}

/// Adds samples to a map by time; false if another value is at one of the times.
fn put(model: &mut BTreeMap<i64, u64>, samples: &[(i64, f64)]) -> bool {
    let mut next = model.clone();
    for &(t, v) in samples {
        if *next.entry(t).or_insert(v.to_bits()) != v.to_bits() {
            return false;
        }
    }
    *model = next;
    true
}

proptest! {
    #[test]
    fn columns_are_a_map_by_time(
        ops in proptest::collection::vec(op(), 0..40),
        (start, end) in (-60i64..60, -60i64..60),
    ) {
        let mut columns = FloatColumns::default();
        let mut model = BTreeMap::new();
        for op in ops {
            let taken = match &op {
                Op::One(t, v) => columns.push(*t, *v).is_ok(),
                Op::Many(rows) => sorted(rows.iter().map(|r| r.0).collect(), rows.iter().map(|r| r.1).collect())
                    .and_then(|(timestamps, values)| columns.extend(timestamps, values))
                    .is_ok(),
            };
            let rows = match &op {
                Op::One(t, v) => vec![(*t, *v)],
                Op::Many(rows) => rows.clone(),
            };
            prop_assert_eq!(taken, put(&mut model, &rows));
            let mut chunks = Vec::new();
            columns.chunks(TimeRange { start, end }, &mut chunks);
            let got: Vec<(i64, u64)> =
                chunks.iter().flat_map(samples).map(|(t, v)| (t, v.to_bits())).collect();
            let inside = |t: &i64| start <= *t && *t <= end;
            let want: Vec<(i64, u64)> =
                model.iter().map(|(t, v)| (*t, *v)).filter(|(t, _)| inside(t)).collect();
            prop_assert_eq!(got, want);
            prop_assert_eq!(columns.len(), model.len());
        }
    }

    #[test]
    fn the_index_agrees_with_matching_each_series(
        series in proptest::collection::btree_set((0u8..4, 0u8..4, 0u8..4), 1..40),
        matchers in proptest::collection::vec((0usize..4, 0usize..4, 0usize..7), 0..4),
    ) {
        let values = ["", "a", "ab", "b"];
        let names = ["x", "y", "z", "absent"];
        let patterns = ["", "a", "a.*", "a|b", ".+", ".*", "|b"];
        let ops = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex];
        let matchers: Vec<Matcher> = matchers
            .iter()
            .map(|&(op, name, p)| Matcher::new(ops[op], names[name], patterns[p]).unwrap())
            .collect();
        let storage = MemoryStorage::new();
        let mut want = Vec::new();
        for &(x, y, z) in &series {
            let of = |i: u8| values[i as usize];
            let labels = [("x", of(x)), ("y", of(y)), ("z", of(z))];
            if labels.iter().all(|(_, value)| value.is_empty()) {
                continue;
            }
            storage.append(labels, 0, 1.0).unwrap();
            let value = |name: &str| labels.iter().find(|l| l.0 == name).map_or("", |l| l.1);
            if matchers.iter().all(|m| m.matches(value(m.name()))) {
                let labels: Vec<_> = labels.into_iter().filter(|l| !l.1.is_empty()).collect();
                want.push(labels);
            }
        }
        want.sort();
        let print = |labels: &Vec<(&str, &str)>| {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            format!("{{{}}}", labels.join(", "))
        };
        let want: Vec<String> = want.iter().map(print).collect();
        let got: Vec<String> = read(&*snapshot(&storage), &matchers, TimeRange::ALL)
            .into_iter()
            .map(|(labels, _)| labels)
            .collect();
        prop_assert_eq!(got, want);
    }
}

#[test]
fn floats_with_start_timestamps_are_chunks() {
    let storage = MemoryStorage::new();
    let floats = |times: std::ops::Range<i64>| -> Vec<FloatSample> {
        let sample = |t: i64| FloatSample {
            timestamp: t * 1000,
            start_timestamp: t / 50 * 50_000,
            value: t as f64,
        };
        times.map(sample).collect()
    };
    storage.append([("i", "1")], 0, 0.0).unwrap();
    storage
        .append_floats([("i", "1")], &floats(1..301))
        .unwrap();
    storage.append([("i", "1")], 400_000, 4.0).unwrap();
    assert_eq!(storage.sample_count(), 302);
    for out_of_order in [
        floats(300..302),
        floats(400..401),
        vec![floats(500..501)[0]; 2],
    ] {
        let error = storage
            .append_floats([("i", "1")], &out_of_order)
            .unwrap_err();
        assert!(matches!(error, AppendError::OutOfOrder { .. }), "{error}");
    }
    let symbols = SymbolTable::new();
    let hints = SelectHints::default();
    let request = SelectRequest::new(&[], TimeRange::ALL, &hints, &symbols);
    let selected = block_on(snapshot(&storage).select(request)).unwrap();
    let mut chunks = Vec::new();
    selected.series.chunks(0, &mut chunks).unwrap();
    assert!(chunks.is_sorted_by_key(|chunk| chunk.min_time));
    let (mut start_timestamps, mut times, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for chunk in &chunks {
        if let ChunkData::Encoded { encoding, bytes } = &chunk.data {
            let out = (&mut start_timestamps, &mut times, &mut values);
            quarrel_chunks::decode_floats_with_start(*encoding, bytes, out.0, out.1, out.2)
                .unwrap();
        }
    }
    let got = start_timestamps.into_iter().zip(times).zip(values);
    let got: Vec<FloatSample> = got
        .map(|((start_timestamp, timestamp), value)| FloatSample {
            timestamp,
            start_timestamp,
            value,
        })
        .collect();
    assert_eq!(got, floats(1..301));
}
