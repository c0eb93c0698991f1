//! What is asked of a bucket: counts, not times.

use std::sync::Arc;

use futures::TryStreamExt as _;
use object_store::ObjectStore as _;
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{MatchOp, Matcher, Snapshot, Storage, TimeRange};

use super::super::testing::{Asked, RUNTIME, TestStore, bucket, put_block, series, storage};
use super::super::{BucketOptions, BucketStorage};
use crate::conformance::reader::{read_series, select};

/// Milliseconds of two hours.
const HOURS: i64 = 2 * 3600 * 1000;

fn matchers(pairs: &[(&str, &str)]) -> Vec<Matcher> {
    let matcher = |(name, value): &(&str, &str)| Matcher::new(MatchOp::Equal, name, value).unwrap();
    pairs.iter().map(matcher).collect()
}

fn snapshot(storage: &BucketStorage, range: TimeRange) -> Arc<dyn Snapshot> {
    RUNTIME.block_on(storage.snapshot(range)).unwrap()
}

/// Blocks of two hours, one after the other, of some series each.
fn blocks(store: &TestStore, count: u32, series_each: usize) {
    let names: Vec<String> = (0..series_each).map(|n| format!("i{n}")).collect();
    for number in 0..count {
        let start = i64::from(number) * HOURS;
        let all: Vec<_> = names
            .iter()
            .map(|instance| {
                let labels = [("__name__", "up"), ("instance", &**instance)];
                series(&labels, start..start + HOURS, 60_000)
            })
            .collect();
        put_block(store, number, &[("cluster", "x")], &all);
    }
}

#[test]
fn a_cold_start_asks_one_listing_and_one_meta_a_block() {
    let store = TestStore::new();
    blocks(&store, 60, 1);
    let bucket = bucket(&store, BucketOptions::default());
    let asked = store.asked();
    assert_eq!((asked.lists, asked.gets, asked.ranges), (1, 60, 0));
    RUNTIME.block_on(bucket.refresh()).unwrap();
    let again = store.asked();
    assert_eq!((again.lists, again.gets, again.ranges), (1, 0, 0));
    let databases = bucket.databases();
    assert_eq!((databases.len(), databases[0].blocks), (1, 60));
}

#[test]
fn a_start_with_a_warm_cache_asks_one_listing() {
    let store = TestStore::new();
    blocks(&store, 20, 1);
    let cache = tempfile::tempdir().unwrap();
    let options = BucketOptions {
        cache_dir: Some(cache.path().to_path_buf()),
        ..BucketOptions::default()
    };
    drop(bucket(&store, options.clone()));
    store.asked();
    let bucket = bucket(&store, options);
    let asked = store.asked();
    assert_eq!((asked.lists, asked.gets, asked.ranges), (1, 0, 0));
    assert_eq!(bucket.metrics().blocks, 20);
}

#[test]
fn an_instant_query_asks_few_ranges_of_one_block() {
    let store = TestStore::new();
    blocks(&store, 40, 50);
    let cache = tempfile::tempdir().unwrap();
    let options = BucketOptions {
        cache_dir: Some(cache.path().to_path_buf()),
        ..BucketOptions::default()
    };
    let ask = |storage: &BucketStorage| {
        let start = 7 * HOURS + 3_000_000;
        let range = TimeRange {
            start,
            end: start + 300_000,
        };
        let view = snapshot(storage, range);
        let wanted = matchers(&[("__name__", "up"), ("instance", "i7"), ("cluster", "x")]);
        let read = read_series(&*view, &wanted, range).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read.values().next().unwrap().len(), 6);
    };
    let first = bucket(&store, options.clone());
    store.asked();
    ask(&storage(&first, false));
    let cold = store.asked();
    assert!(
        cold.ranges < 10 && cold.gets == 0 && cold.lists == 0,
        "{cold:?}"
    );
    ask(&storage(&first, false));
    assert_eq!(store.asked(), Asked::default(), "all is in memory");
    // A new process finds the tables of the index on disk, and what it may not write.
    let second = bucket(&store, options.clone());
    store.asked();
    ask(&storage(&second, false));
    let warm = store.asked();
    assert!(
        0 < warm.ranges && warm.ranges < cold.ranges && warm.gets == 0,
        "{warm:?} {cold:?}"
    );
    assert_eq!(second.metrics().headers_built, 0);
    // The next one finds pages, too.
    let inner = first.inner();
    RUNTIME.block_on(inner.shared.pages.disk().unwrap().settle());
    let weak = Arc::downgrade(inner);
    drop(first);
    while weak.strong_count() > 0 {
        std::thread::yield_now();
    }
    let third = bucket(&store, options);
    store.asked();
    ask(&storage(&third, false));
    assert_eq!(store.asked(), Asked::default(), "all is on disk");
    let metrics = third.metrics();
    assert!(metrics.disk_page_hits > 0 && metrics.disk_page_bytes > 0);
    assert_eq!(metrics.page_misses, 0);
}

#[test]
fn series_side_by_side_are_few_requests() {
    let store = TestStore::new();
    blocks(&store, 3, 300);
    let bucket = bucket(&store, BucketOptions::default());
    store.asked();
    let range = TimeRange {
        start: 0,
        end: 3 * HOURS,
    };
    let view = snapshot(&storage(&bucket, false), range);
    let read = read_series(&*view, &matchers(&[("__name__", "up")]), range).unwrap();
    assert_eq!(read.len(), 300);
    assert!(read.values().all(|samples| samples.len() == 360));
    let asked = store.asked();
    // Of each block: the end of the index, its tables, postings, series, and chunks.
    assert!(asked.ranges <= 3 * 5, "{asked:?}");
}

/// Reads all rows in their order, some at a time, each of so many chunks. What was asked
/// of the store until then is not counted.
fn read_rows(store: &TestStore, view: &dyn Snapshot, range: TimeRange, step: u32, chunks: usize) {
    let symbols = SymbolTable::new();
    let selected = select(view, &matchers(&[("__name__", "up")]), range, &symbols).unwrap();
    store.asked();
    let all = selected.labels.len() as u32;
    for first in (0..all).step_by(step as usize) {
        let rows = first..(first + step).min(all);
        let fetch = selected.series.prefetch(rows.clone()).unwrap();
        RUNTIME.block_on(fetch).unwrap();
        for row in rows.clone() {
            let mut found = Vec::new();
            selected.series.chunks(row, &mut found).unwrap();
            assert_eq!(found.len(), chunks);
        }
        selected.series.release(rows);
    }
}

#[test]
fn what_is_read_ahead_is_read_once() {
    let store = TestStore::new();
    blocks(&store, 1, 30);
    let bucket = bucket(&store, BucketOptions::default());
    let range = TimeRange {
        start: 0,
        end: HOURS,
    };
    let view = snapshot(&storage(&bucket, false), range);
    read_rows(&store, &*view, range, 1, 1);
    let asked = store.asked();
    assert_eq!(asked.ranges, 1, "{asked:?}");
}

#[test]
fn windows_are_one_request_a_block() {
    let store = TestStore::new();
    blocks(&store, 4, 1500);
    let bucket = bucket(&store, BucketOptions::default());
    let range = TimeRange {
        start: 0,
        end: 4 * HOURS,
    };
    let view = snapshot(&storage(&bucket, false), range);
    read_rows(&store, &*view, range, 10, 4);
    let asked = store.asked();
    let all = RUNTIME.block_on(store.list(None).try_collect::<Vec<_>>());
    let segments = all
        .unwrap()
        .into_iter()
        .filter(|o| o.location.as_ref().contains("chunks"));
    let bytes: u64 = segments.map(|segment| segment.size).sum();
    // Nothing is fetched twice. A window has 512 KiB in tests, and two pieces.
    assert!(asked.bytes <= bytes, "{asked:?} of {bytes}");
    assert!(
        asked.ranges <= 4 * (bytes >> 19).next_multiple_of(2),
        "{asked:?} of {bytes}"
    );
}
