//! Buckets that are slow, fail, refuse, or hold what is damaged.

use std::sync::Arc;
use std::time::Duration;

use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{SelectHints, SelectRequest, Selected, Snapshot, Storage, TimeRange};

use super::super::testing::{RUNTIME, TestStore, bucket, put_block, series, storage, unready};
use super::super::{BlockVanished, Bucket, BucketOptions};
use crate::conformance::reader::{ReadError, Sample, read_series};
use crate::tsdb::testblock::BlockSeries;

fn up(times: std::ops::Range<i64>) -> Vec<BlockSeries> {
    let one = |instance| {
        series(
            &[("__name__", "up"), ("instance", instance)],
            times.clone(),
            10,
        )
    };
    vec![one("a"), one("b")]
}

fn view(bucket: &Arc<Bucket>, partial_response: bool) -> Arc<dyn Snapshot> {
    let storage = storage(bucket, partial_response);
    RUNTIME.block_on(storage.snapshot(TimeRange::ALL)).unwrap()
}

/// The times of the samples of all series, or why they cannot be read.
fn read(bucket: &Arc<Bucket>) -> Result<Vec<Vec<i64>>, String> {
    let storage = storage(bucket, false);
    let view = RUNTIME.block_on(storage.snapshot(TimeRange::ALL));
    let view = view.map_err(|error| error.to_string())?;
    let all = read_series(&*view, &[], TimeRange::ALL).map_err(|error| error.to_string())?;
    let times = |samples: Vec<Sample>| samples.iter().map(|s| s.timestamp).collect();
    Ok(all.into_values().map(times).collect())
}

fn select(view: &dyn Snapshot, symbols: &SymbolTable) -> Selected {
    let hints = SelectHints::default();
    let request = SelectRequest::new(&[], TimeRange::ALL, &hints, symbols);
    RUNTIME.block_on(view.select(request)).unwrap()
}

#[test]
fn requests_that_fail_now_and_then_are_sent_again() {
    let store = TestStore::new();
    for number in 0..8 {
        let start = i64::from(number) * 100;
        put_block(&store, number, &[], &up(start..start + 100));
    }
    store.behaviour.lock().failures = 30;
    let bucket = unready(&store, BucketOptions::default());
    let expected: Vec<i64> = (0..800).step_by(10).collect();
    assert_eq!(read(&bucket).unwrap(), [expected.clone(), expected]);
    let failures: u64 = bucket.metrics().operations.iter().map(|o| o.failures).sum();
    assert!(failures > 0);
}

#[test]
fn what_is_denied_is_an_error_that_names_the_object() {
    let store = TestStore::new();
    let denied = put_block(&store, 1, &[], &up(0..20));
    put_block(&store, 2, &[], &up(20..40));
    for object in ["meta.json", "index", "chunks/000001"] {
        let name = format!("{denied}/{object}");
        store.behaviour.lock().denied = Some(name.clone());
        let bucket = unready(&store, BucketOptions::default());
        let error = read(&bucket).unwrap_err();
        let expected = format!("test/{name}: access is denied");
        assert!(error.contains(&expected), "{error}");
    }
    store.behaviour.lock().denied = Some("list".to_string());
    let bucket = unready(&store, BucketOptions::default());
    let error = read(&bucket).unwrap_err();
    assert!(error.contains("access is denied"), "{error}");
    store.behaviour.lock().denied = None;
    RUNTIME.block_on(bucket.refresh()).unwrap();
    assert_eq!(read(&bucket).unwrap().len(), 2, "once it may");
}

#[test]
fn a_partial_answer_has_a_warning() {
    let store = TestStore::new();
    let denied = put_block(&store, 1, &[], &up(0..20));
    put_block(&store, 2, &[], &up(20..40));
    for object in ["meta.json", "index"] {
        store.behaviour.lock().denied = Some(format!("{denied}/{object}"));
        let bucket = unready(&store, BucketOptions::default());
        let view = view(&bucket, true);
        let symbols = SymbolTable::new();
        let selected = select(&*view, &symbols);
        assert_eq!(selected.labels.len(), 2);
        let warnings = [view.warnings(), selected.warnings].concat();
        let [warning] = &warnings[..] else {
            panic!("{warnings:?}");
        };
        assert!(
            warning.contains(&format!("{denied}/{object}: access is denied")),
            "{warning}"
        );
    }
}

/// Reads all chunks of a select; the times of each row, and the warnings of it.
fn read_partial(bucket: &Arc<Bucket>) -> (Vec<Vec<i64>>, Vec<String>) {
    let view = view(bucket, true);
    let symbols = SymbolTable::new();
    let selected = select(&*view, &symbols);
    let rows = selected.labels.len() as u32;
    if let Some(fetch) = selected.series.prefetch(0..rows) {
        RUNTIME.block_on(fetch).unwrap();
    }
    let mut warnings = [view.warnings(), selected.warnings].concat();
    warnings.extend(selected.series.take_warnings());
    assert!(selected.series.take_warnings().is_empty(), "once");
    let times = (0..rows).map(|row| {
        let mut chunks = Vec::new();
        selected.series.chunks(row, &mut chunks).unwrap();
        let times = chunks.iter().map(|chunk| chunk.min_time);
        times.collect()
    });
    (times.collect(), warnings)
}

#[test]
fn a_partial_answer_does_without_chunks_that_cannot_be_read() {
    let store = TestStore::new();
    let bad = put_block(&store, 1, &[], &up(0..20));
    put_block(&store, 2, &[], &up(20..40));
    let name = format!("{bad}/chunks/000001");
    let whole = store.bytes(&name);
    let options = BucketOptions::default;
    assert_eq!(
        read_partial(&bucket(&store, options())),
        (vec![vec![0, 20]; 2], Vec::new())
    );
    // Denied, damaged, cut short, and gone.
    let mut damaged = whole.to_vec();
    damaged[20] ^= 1;
    let spoil: [(&str, &dyn Fn()); 4] = [
        ("access is denied", &|| {
            store.behaviour.lock().denied = Some(name.clone());
        }),
        ("does not match its checksum", &|| {
            store.put(&name, damaged.clone());
        }),
        ("ends too soon", &|| store.put(&name, whole.slice(..12))),
        ("is missing", &|| store.delete(&name)),
    ];
    for (expected, spoil) in spoil {
        spoil();
        let (times, warnings) = read_partial(&bucket(&store, options()));
        assert!(times.iter().all(|row| row.contains(&20)), "{times:?}");
        assert!(times.iter().any(|row| !row.contains(&0)), "{times:?}");
        let [warning] = &warnings[..] else {
            panic!("{warnings:?}");
        };
        assert!(
            warning.contains(&name) && warning.contains(expected),
            "{warning}"
        );
        let error = read(&bucket(&store, options())).unwrap_err();
        assert!(error.contains(&name) && error.contains(expected), "{error}");
        store.behaviour.lock().denied = None;
        store.put(&name, whole.clone());
    }
}

#[test]
fn what_was_damaged_on_its_way_is_fetched_once_more() {
    let store = TestStore::new();
    put_block(&store, 1, &[], &up(0..3_000));
    let expected: Vec<i64> = (0..3_000).step_by(10).collect();
    let expected = vec![expected.clone(), expected];
    for object in ["/index", "/chunks/"] {
        let bucket = bucket(&store, BucketOptions::default());
        // The tables of the index have checksums of their own.
        assert_eq!(read(&bucket).unwrap(), expected);
        bucket.inner().shared.pages.clear();
        store.behaviour.lock().damages = Some(object.to_string());
        assert_eq!(read(&bucket).unwrap(), expected, "{object}");
        assert!(store.behaviour.lock().damages.is_none(), "{object}");
        let asked = store.asked();
        assert_eq!(read(&bucket).unwrap(), expected);
        assert_eq!(store.asked().ranges, 0, "kept as it is: {asked:?}");
    }
}

#[test]
fn bodies_that_always_end_too_soon_are_an_error() {
    let store = TestStore::new();
    let block = put_block(&store, 1, &[], &up(0..20));
    store.behaviour.lock().short = Some("chunks".to_string());
    let bucket = unready(&store, BucketOptions::default());
    let error = read(&bucket).unwrap_err();
    let expected = format!("test/{block}/chunks/000001: the answer has");
    assert!(error.contains(&expected), "{error}");
}

#[test]
fn flipped_bits_are_never_a_wrong_value() {
    let store = TestStore::new();
    let block = put_block(&store, 1, &[], &up(0..3_000));
    let expected: Vec<i64> = (0..3_000).step_by(10).collect();
    let expected = vec![expected.clone(), expected];
    for object in ["index", "chunks/000001"] {
        let name = format!("{block}/{object}");
        let whole = store.bytes(&name);
        let mut errors = 0;
        for bit in (0..whole.len() * 8).step_by(67) {
            let mut bytes = whole.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            store.put(&name, bytes);
            match read(&unready(&store, BucketOptions::default())) {
                Ok(times) => assert_eq!(times, expected, "{object} bit {bit}"),
                Err(error) => {
                    assert!(error.contains(&name), "{error}");
                    errors += 1;
                }
            }
        }
        assert!(errors > 5, "{object}: {errors}");
        store.put(&name, whole);
    }
}

#[test]
fn files_that_are_cut_short_or_missing_are_errors() {
    let store = TestStore::new();
    let block = put_block(&store, 1, &[], &up(0..3_000));
    for object in ["index", "chunks/000001"] {
        let name = format!("{block}/{object}");
        let whole = store.bytes(&name);
        for length in (0..whole.len()).step_by(151) {
            store.put(&name, whole.slice(..length));
            let error = read(&unready(&store, BucketOptions::default())).unwrap_err();
            assert!(error.contains(&name), "{length}: {error}");
        }
        store.delete(&name);
        let error = read(&unready(&store, BucketOptions::default())).unwrap_err();
        assert!(
            error.contains(&format!("{name} is missing")) || error.contains(&name),
            "{error}"
        );
        store.put(&name, whole);
    }
    assert!(read(&unready(&store, BucketOptions::default())).is_ok());
}

#[test]
fn a_malformed_meta_is_an_error_for_its_range() {
    let store = TestStore::new();
    let block = put_block(&store, 1, &[], &up(0..20));
    let name = format!("{block}/meta.json");
    let text = String::from_utf8(store.bytes(&name).to_vec()).unwrap();
    store.put(&name, text.replace("\"version\":1", "\"version\":7"));
    let bucket = bucket(&store, BucketOptions::default());
    let error = read(&bucket).unwrap_err();
    assert!(
        error.contains(&name) && error.contains("version 7"),
        "{error}"
    );
    let view = view(&bucket, true);
    assert!(view.warnings()[0].contains(&name));
    let later = TimeRange {
        start: 1_000,
        end: 2_000,
    };
    let storage = storage(&bucket, false);
    assert!(RUNTIME.block_on(storage.snapshot(later)).is_ok());
    store.put(&name, text);
    RUNTIME.block_on(bucket.refresh()).unwrap();
    assert!(read(&bucket).is_ok(), "once it is mended");
}

#[test]
fn a_block_that_was_deleted_is_looked_for_once_more() {
    let store = TestStore::new();
    let old = put_block(&store, 1, &[], &up(0..20));
    let bucket = bucket(&store, BucketOptions::default());
    let view = view(&bucket, false);
    // The Compactor makes a larger block of it, and deletes it.
    put_block(&store, 2, &[], &up(0..40));
    store.delete(&old);
    let read = read_series(&*view, &[], TimeRange::ALL).unwrap();
    let lengths: Vec<usize> = read.values().map(Vec::len).collect();
    assert_eq!(lengths, [4, 4]);
}

#[test]
fn rows_of_a_block_that_is_deleted_while_chunks_are_read_are_found_in_another() {
    let store = TestStore::new();
    let old = put_block(&store, 1, &[("cluster", "x")], &up(0..20));
    let bucket = bucket(&store, BucketOptions::default());
    let view = view(&bucket, false);
    // The Compactor has made a larger block of it, with more series before its own.
    let mut larger = up(0..40);
    larger.push(series(&[("__name__", "a")], 0..40, 10));
    put_block(&store, 2, &[("cluster", "x")], &larger);
    store.behaviour.lock().deletes = Some((old.clone(), format!("{old}/chunks/")));
    let read = read_series(&*view, &[], TimeRange::ALL).unwrap();
    let rows = read
        .iter()
        .map(|(labels, samples)| (labels.len(), samples.len()));
    assert_eq!(rows.collect::<Vec<_>>(), [(3, 4), (3, 4)]);
    assert!(
        read.keys()
            .all(|labels| labels[0].1 == "up" && labels[1].1 == "x")
    );
}

#[test]
fn rows_of_a_block_that_is_past_its_retention_have_no_samples() {
    let store = TestStore::new();
    let old = put_block(&store, 1, &[], &up(0..20));
    let bucket = bucket(&store, BucketOptions::default());
    let view = view(&bucket, false);
    store.behaviour.lock().deletes = Some((old.clone(), format!("{old}/chunks/")));
    let read = read_series(&*view, &[], TimeRange::ALL).unwrap();
    assert!(read.len() == 2 && read.values().all(Vec::is_empty));
}

#[test]
fn a_block_that_is_gone_again_is_an_error_that_says_so() {
    let store = TestStore::new();
    let old = put_block(&store, 1, &[], &up(0..20));
    let bucket = bucket(&store, BucketOptions::default());
    let view = view(&bucket, false);
    let new = put_block(&store, 2, &[], &up(0..40));
    store.delete(&old);
    store.behaviour.lock().deletes = Some((new.clone(), format!("{new}/index")));
    let error = read_series(&*view, &[], TimeRange::ALL).unwrap_err();
    let ReadError::Storage(error) = error else {
        panic!("{error}");
    };
    let vanished = error.downcast_ref::<BlockVanished>().unwrap();
    assert_eq!(vanished.ulid, new);
    assert!(error.to_string().contains("was deleted"), "{error}");
}

#[test]
fn a_slow_bucket_is_asked_side_by_side() {
    let store = TestStore::new();
    for number in 0..40 {
        let start = i64::from(number) * 100;
        put_block(&store, number, &[], &up(start..start + 100));
    }
    store.behaviour.lock().latency = Duration::from_millis(20);
    let began = std::time::Instant::now();
    let bucket = unready(&store, BucketOptions::default());
    assert_eq!(read(&bucket).unwrap()[0].len(), 400);
    // One after the other it were 40 times six requests.
    assert!(began.elapsed() < Duration::from_millis(40 * 6 * 20 / 2));
}
