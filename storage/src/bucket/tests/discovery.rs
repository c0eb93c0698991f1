//! Which blocks of a bucket are read.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use object_store::ObjectStore;
use quarrel_engine::storage::{Storage, TimeRange};

use super::super::testing::{RUNTIME, TestStore, bucket, put_block, series, storage, unready};
use super::super::{Bucket, BucketOptions, BucketQuery, BucketStorage};
use crate::conformance::reader::{Labels, read_series};
use quarrel_engine::storage::{MatchOp, Matcher};

fn read(bucket: &Arc<Bucket>) -> Vec<(Labels, Vec<i64>)> {
    read_of(&storage(bucket, false))
}

fn read_of(storage: &BucketStorage) -> Vec<(Labels, Vec<i64>)> {
    let view = RUNTIME.block_on(storage.snapshot(TimeRange::ALL)).unwrap();
    let all = read_series(&*view, &[], TimeRange::ALL).unwrap();
    let times = |(labels, samples): (Labels, Vec<crate::conformance::reader::Sample>)| {
        (labels, samples.iter().map(|s| s.timestamp).collect())
    };
    all.into_iter().map(times).collect()
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let own = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    pairs.iter().map(own).collect()
}

fn mark(ago: Duration) -> String {
    let then = SystemTime::now() - ago;
    let seconds = then.duration_since(UNIX_EPOCH).unwrap().as_secs();
    serde_json::json!({ "id": "x", "version": 1, "deletion_time": seconds }).to_string()
}

#[test]
fn external_labels_are_those_of_their_block() {
    let store = TestStore::new();
    let up = |times| [series(&[("__name__", "up"), ("zone", "own")], times, 10)];
    put_block(&store, 1, &[("zone", "a"), ("replica", "1")], &up(0..30));
    put_block(&store, 2, &[("zone", "b")], &up(30..60));
    put_block(&store, 3, &[("zone", "b")], &up(60..80));
    let bucket = bucket(&store, BucketOptions::default());
    let a = labels(&[("__name__", "up"), ("replica", "1"), ("zone", "a")]);
    let b = labels(&[("__name__", "up"), ("zone", "b")]);
    assert_eq!(
        read(&bucket),
        [(a, vec![0, 10, 20]), (b.clone(), vec![30, 40, 50, 60, 70])]
    );
    let matcher = Matcher::new(MatchOp::Regex, "zone", "b|c").unwrap();
    let query = BucketQuery {
        store_matchers: vec![vec![matcher]],
        ..BucketQuery::default()
    };
    let picked = BucketStorage::new(Arc::clone(&bucket), query);
    let picked: Vec<Labels> = read_of(&picked)
        .into_iter()
        .map(|series| series.0)
        .collect();
    assert_eq!(picked, [b]);
    let databases = bucket.databases();
    assert_eq!((databases.len(), databases[1].range.end), (2, 70));
}

#[test]
fn marked_blocks_are_read_for_a_while() {
    let store = TestStore::new();
    let up = |times| [series(&[("__name__", "up")], times, 10)];
    let one = put_block(&store, 1, &[], &up(0..20));
    let two = put_block(&store, 2, &[], &up(20..40));
    put_block(&store, 3, &[], &up(40..60));
    let bucket = bucket(&store, BucketOptions::default());
    let times = || read(&bucket).remove(0).1;
    assert_eq!(times(), [0, 10, 20, 30, 40, 50]);
    store.put(
        &format!("{one}/deletion-mark.json"),
        mark(Duration::from_secs(3600)),
    );
    store.put(
        &format!("{two}/deletion-mark.json"),
        mark(Duration::from_secs(30 * 3600)),
    );
    // It concerns the Compactor alone.
    store.put(&format!("{one}/no-downsample-mark.json"), "{}");
    assert_eq!(times(), [0, 10, 20, 30, 40, 50], "not looked at yet");
    RUNTIME.block_on(bucket.refresh()).unwrap();
    assert_eq!(times(), [0, 10, 40, 50]);
    store.delete("deletion-mark.json");
    RUNTIME.block_on(bucket.refresh()).unwrap();
    assert_eq!(times(), [0, 10, 20, 30, 40, 50]);
    store.put(&format!("{two}/deletion-mark.json"), "no JSON");
    RUNTIME.block_on(bucket.refresh()).unwrap();
    assert_eq!(times(), [0, 10, 20, 30, 40, 50]);
}

#[test]
fn what_is_uploaded_or_deleted_is_not_read() {
    let store = TestStore::new();
    let up = |times| [series(&[("__name__", "up")], times, 10)];
    let one = put_block(&store, 1, &[], &up(0..20));
    put_block(&store, 2, &[], &up(20..40));
    let meta = store.bytes(&format!("{one}/meta.json"));
    store.delete(&format!("{one}/meta.json"));
    store.put("debug/metas/x.json", "{}");
    store.put("thanos.shipper.json", "{}");
    let bucket = bucket(&store, BucketOptions::default());
    let times = || read(&bucket).remove(0).1;
    assert_eq!(times(), [20, 30]);
    store.put(&format!("{one}/meta.json"), meta);
    RUNTIME.block_on(bucket.refresh()).unwrap();
    assert_eq!(times(), [0, 10, 20, 30]);
}

#[test]
fn new_blocks_are_noticed_by_themselves() {
    let store = TestStore::new();
    let up = |times| [series(&[("__name__", "up")], times, 10)];
    put_block(&store, 1, &[], &up(0..20));
    let options = BucketOptions {
        sync_interval: Duration::from_millis(20),
        ..BucketOptions::default()
    };
    let bucket = bucket(&store, options);
    let view = RUNTIME
        .block_on(storage(&bucket, false).snapshot(TimeRange::ALL))
        .unwrap();
    put_block(&store, 2, &[], &up(20..40));
    for _ in 0..200 {
        if bucket.metrics().blocks == 2 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(read(&bucket).remove(0).1, [0, 10, 20, 30]);
    let before = read_series(&*view, &[], TimeRange::ALL).unwrap();
    assert_eq!(
        before.into_values().next().unwrap().len(),
        2,
        "a view stays"
    );
}

#[test]
fn blocks_below_a_prefix_are_found() {
    let store = TestStore::new();
    let dir = tempfile::tempdir().unwrap();
    let up = [series(&[("__name__", "up")], 0..20, 10)];
    crate::tsdb::testblock::write_block(dir.path(), 1, &up).unwrap();
    store.upload_below(dir.path(), "tenant/a/");
    let open = |prefix| {
        let _runtime = RUNTIME.enter();
        let store = Arc::clone(&store) as Arc<dyn ObjectStore>;
        let options = BucketOptions::default();
        Arc::new(Bucket::over(store, prefix, "test", options).unwrap())
    };
    assert_eq!(read(&open("tenant/a")).len(), 1);
    assert_eq!(read(&open("/tenant/a/")).len(), 1);
    assert!(read(&open("tenant")).is_empty());
}

#[test]
fn a_damaged_cache_is_made_anew() {
    let store = TestStore::new();
    let up = [series(&[("__name__", "up"), ("job", "j")], 0..20, 10)];
    let block = put_block(&store, 1, &[], &up);
    let cache = tempfile::tempdir().unwrap();
    let options = BucketOptions {
        cache_dir: Some(cache.path().to_path_buf()),
        ..BucketOptions::default()
    };
    let first = bucket(&store, options.clone());
    assert_eq!(read(&first).len(), 1);
    let dir = cache.path().join(&block);
    let whole: Vec<Vec<u8>> = ["index-header", "meta.json"]
        .map(|name| fs::read(dir.join(name)).unwrap())
        .into();
    for damage in [
        |bytes: &mut Vec<u8>| bytes.truncate(30),
        |bytes: &mut Vec<u8>| bytes.clear(),
        |bytes: &mut Vec<u8>| bytes[4] ^= 3,
        |bytes: &mut Vec<u8>| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x80;
        },
    ] {
        for (name, bytes) in ["index-header", "meta.json"].iter().zip(&whole) {
            let mut bytes = bytes.clone();
            damage(&mut bytes);
            fs::write(dir.join(name), bytes).unwrap();
        }
        assert_eq!(read(&bucket(&store, options.clone())).len(), 1);
        let mended = fs::read(dir.join("index-header")).unwrap();
        assert_eq!(mended, whole[0]);
    }
    // What is kept of blocks that are gone goes.
    store.delete(&block);
    RUNTIME.block_on(first.refresh()).unwrap();
    assert!(!dir.exists());
}

#[test]
fn a_cache_that_cannot_be_written_is_no_error() {
    let store = TestStore::new();
    put_block(&store, 1, &[], &[series(&[("__name__", "up")], 0..20, 10)]);
    let file = tempfile::NamedTempFile::new().unwrap();
    let options = BucketOptions {
        cache_dir: Some(file.path().join("below")),
        ..BucketOptions::default()
    };
    assert_eq!(read(&bucket(&store, options)).len(), 1);
}

#[test]
fn an_empty_bucket_has_no_series() {
    let bucket = bucket(&TestStore::new(), BucketOptions::default());
    assert!(read(&bucket).is_empty());
    assert!(bucket.databases().is_empty());
}

#[test]
fn a_query_waits_for_the_first_listing() {
    let store = TestStore::new();
    put_block(&store, 1, &[], &[series(&[("__name__", "up")], 0..20, 10)]);
    store.behaviour.lock().latency = Duration::from_millis(30);
    let bucket = unready(&store, BucketOptions::default());
    assert_eq!(read(&bucket).len(), 1);
}
