//! Blocks that Thanos's Compactor has downsampled, all in one bucket: queries read the
//! resolution that they allow, as they read a directory of that one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use quarrel_engine::storage::Storage;
use quarrel_engine::{Engine, EngineOptions, QueryOptions, QueryRange, Value};
use quarrel_planner::ParserOptions;

use super::super::testing::{RUNTIME, TestStore, bucket, storage};
use super::super::{Bucket, BucketOptions};
use crate::fanout::{Fanout, Part};
use crate::tsdb::{Tsdb, TsdbOptions};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// See `storage/tests/downsampled.rs`.
const BASE: i64 = 498_720 * HOUR;

const QUERIES: [&str; 7] = [
    "count_over_time(gauge[3h])",
    "sum_over_time(gauge[1h])",
    "rate(requests_total[2h])",
    "increase(restarting_total[1d])",
    "max_over_time(single[3h])",
    "gauge",
    "sum(rate(latency[3h]))",
];

fn dir(name: &str) -> PathBuf {
    let home = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    home.join("testdata/downsampled").join(name)
}

/// A directory with the external labels of its blocks.
fn directory(name: &str) -> Arc<dyn Storage> {
    let tsdb = Tsdb::open(dir(name), TsdbOptions::default()).unwrap();
    let part = Part::new(Arc::new(tsdb)).with_labels([("replica", "a")]);
    Arc::new(Fanout::new(vec![part.unwrap()]))
}

fn engine() -> Engine {
    let options = EngineOptions::new().lookback_delta(Duration::from_secs(7200));
    let options = options.threads(2).parser(ParserOptions::all());
    options.build().unwrap()
}

/// The answer as text.
fn ask(engine: &Engine, store: &Arc<dyn Storage>, text: &str, resolution: i64) -> String {
    ask_by(engine, store, text, resolution, HOUR / 2)
}

fn ask_by(
    engine: &Engine,
    store: &Arc<dyn Storage>,
    text: &str,
    resolution: i64,
    step: i64,
) -> String {
    let options = QueryOptions::new().max_resolution_ms(resolution);
    let times = BASE - 170 * HOUR - 1..=BASE + 32 * HOUR - 1;
    let range = QueryRange::from_millis(times, step).unwrap();
    let query = engine.prepare(text).unwrap();
    let query = query.range(Arc::clone(store), range, options);
    let result = RUNTIME.block_on(query.execute());
    let result = result.unwrap_or_else(|e| panic!("{text}: {e}"));
    assert!(result.warnings.is_empty(), "{:?}", result.warnings);
    let Value::Matrix(set) = &result.value else {
        panic!("no series");
    };
    format!("{:?}", set.to_series())
}

fn of_all() -> (Arc<TestStore>, Arc<Bucket>) {
    let store = TestStore::new();
    for name in ["raw", "5m", "1h"] {
        store.upload(&dir(name));
    }
    let bucket = bucket(&store, BucketOptions::default());
    (store, bucket)
}

#[test]
fn queries_read_the_resolution_that_they_allow() {
    let (_, bucket) = of_all();
    let all: Arc<dyn Storage> = Arc::new(storage(&bucket, false));
    let engine = engine();
    for (resolution, name) in [(0, "raw"), (5 * MINUTE, "5m"), (HOUR, "1h")] {
        let own = directory(name);
        for text in QUERIES {
            let wanted = ask(&engine, &own, text, resolution);
            assert!(wanted.len() > 100, "{text}: {wanted}");
            let got = ask(&engine, &all, text, resolution);
            assert_eq!(got, wanted, "{text} at {resolution}");
        }
    }
}

#[test]
fn raw_blocks_fill_gaps_of_downsampled_ones() {
    let (store, bucket) = of_all();
    let engine = engine();
    let all: Arc<dyn Storage> = Arc::new(storage(&bucket, false));
    let text = "count_over_time(gauge[1h])";
    // At the ends of windows.
    let ask = || ask_by(&engine, &all, text, HOUR, HOUR);
    let whole = ask();
    // The hours of the last part are gone, and its five minutes.
    store.delete("01M8PW7R4VDS7FAZMVD9NDRQ5S");
    store.delete("01M8PW7R0MJ52B7EW89WYRRDH9");
    RUNTIME.block_on(bucket.refresh()).unwrap();
    assert!(ask() == whole, "{}\n{whole}", ask());
}
