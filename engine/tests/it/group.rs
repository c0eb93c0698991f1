//! Groups of queries: one snapshot, side by side, each with its own limits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::BoxFuture;
use quarrel_engine::storage::{Snapshot, Storage, StorageError, TimeRange};
use quarrel_engine::{
    Engine, ErrorClass, LimitError, PinnedStorage, QueryError, QueryGroup, QueryOptions,
    QueryResult,
};

use crate::fake::{Fake, never};
use crate::support::{at_secs, engine, over_secs, show};

/// Keeps the ranges of the snapshots that were taken.
struct Counted {
    inner: Fake,
    ranges: Mutex<Vec<TimeRange>>,
}

impl Counted {
    fn new(inner: Fake) -> Arc<Self> {
        let ranges = Mutex::default();
        Arc::new(Counted { inner, ranges })
    }

    fn ranges(&self) -> Vec<TimeRange> {
        self.ranges.lock().unwrap().clone()
    }
}

impl Storage for Counted {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        self.ranges.lock().unwrap().push(range);
        self.inner.snapshot(range)
    }
}

fn push(group: &mut QueryGroup, engine: &Engine, text: &str, seconds: i64) {
    let prepared = engine.prepare(text).unwrap();
    group.push(&prepared, at_secs(seconds), QueryOptions::new());
}

fn shown(results: Vec<Result<QueryResult, QueryError>>) -> Vec<String> {
    let text = |result: Result<QueryResult, QueryError>| match result {
        Ok(result) => show(&result),
        Err(error) => error.to_string(),
    };
    results.into_iter().map(text).collect()
}

#[tokio::test]
async fn one_snapshot_covers_all_queries() {
    let engine = engine(2);
    let store = Counted::new(Fake::many("x", 3, 20));
    let mut group = engine.group(Arc::clone(&store) as _);
    assert!(group.is_empty());
    push(&mut group, &engine, "count(x)", 60);
    push(&mut group, &engine, "1 + 1", 60);
    push(&mut group, &engine, "count(rate(x[10m]))", 600);
    let range = engine.prepare("sum(x offset 1h)").unwrap();
    group.push(&range, over_secs((3600, 3660, 30)), QueryOptions::new());
    assert_eq!(group.len(), 4);
    let results = shown(group.execute().await);
    assert_eq!(results[..3], ["{} 3@60", "2 @60", "{} 3@600"]);
    assert!(results[3].starts_with("{} ") && results[3].ends_with("@3660"));
    let ranges = store.ranges();
    assert_eq!(ranges.len(), 1, "{ranges:?}");
    // From the lookback of the range query to the window of the third.
    assert_eq!((ranges[0].start, ranges[0].end), (-299_999, 600_000));
}

#[tokio::test]
async fn no_snapshot_is_taken_where_none_is_needed() {
    let engine = engine(2);
    let store = Counted::new(Fake::default());
    let mut group = engine.group(Arc::clone(&store) as _);
    push(&mut group, &engine, "1", 0);
    assert_eq!(shown(group.execute().await), ["1 @0"]);
    assert_eq!(engine.group(store.clone()).execute().await.len(), 0);
    assert!(store.ranges().is_empty());
}

#[tokio::test]
async fn a_query_that_fails_does_not_end_the_others() {
    let engine = engine(2);
    let mut group = engine.group(Fake::many("x", 20, 3).store());
    push(&mut group, &engine, "count(x)", 60);
    let prepared = engine.prepare("x").unwrap();
    let few = QueryOptions::new().max_series(10);
    group.push(&prepared, at_secs(60), few);
    let canceled = group.push(&prepared, at_secs(60), QueryOptions::new());
    canceled.cancel_handle().cancel();
    push(
        &mut group,
        &engine,
        "label_replace(x, \"i\", \"a\", \"\", \"\")",
        60,
    );
    push(&mut group, &engine, "sum(count_over_time(x[1m]))", 60);
    let results = group.execute().await;
    assert!(matches!(
        results[1],
        Err(QueryError::Limit(LimitError::Series { limit: 10 }))
    ));
    let class = |i: usize| results[i].as_ref().unwrap_err().class();
    assert_eq!(class(2), ErrorClass::Canceled);
    assert_eq!(class(3), ErrorClass::Execution);
    let results = shown(results);
    assert_eq!((&*results[0], &*results[4]), ("{} 20@60", "{} 40@60"));
}

/// Small queries, which alone would run on the caller's thread, run on the
/// engine's threads at the same time.
#[test]
fn queries_run_side_by_side_on_the_engines_threads() {
    let (inside, met) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let hook = {
        let (inside, met) = (Arc::clone(&inside), Arc::clone(&met));
        move |_: u32| {
            let name = std::thread::current().name().unwrap_or("").to_string();
            assert!(name.starts_with("quarrel-"), "on thread {name:?}");
            inside.fetch_add(1, Ordering::SeqCst);
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(20) {
                if inside.load(Ordering::SeqCst) == 2 {
                    met.fetch_add(1, Ordering::SeqCst);
                    return Ok(());
                }
                std::thread::yield_now();
            }
            Ok(())
        }
    };
    let store = Fake {
        on_chunks: Some(Arc::new(hook)),
        estimate: Some(3),
        ..Fake::many("x", 1, 3)
    };
    let engine = engine(2);
    let mut group = engine.group(store.store());
    push(&mut group, &engine, "x", 60);
    push(&mut group, &engine, "x + 1", 60);
    let results = block_on(group.execute());
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(met.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_group_may_be_larger_than_the_engines_queue() {
    let engine = Engine::builder().threads(2).max_concurrency(1);
    let engine = engine.build().unwrap();
    let mut group = engine.group(Fake::many("x", 3, 3).store());
    let prepared = engine.prepare("count(x)").unwrap();
    for _ in 0..1200 {
        group.push(&prepared, at_secs(60), QueryOptions::new());
    }
    let results = shown(group.execute().await);
    assert_eq!(results.len(), 1200);
    assert!(results.iter().all(|result| result == "{} 3@60"));
}

#[tokio::test]
async fn a_store_that_never_answers_times_out_each_query() {
    let store = Fake {
        on_snapshot: Some(Arc::new(never)),
        ..Fake::default()
    };
    let engine = engine(2);
    let mut group = engine.group(store.store());
    let prepared = engine.prepare("x").unwrap();
    for ms in [10, 30] {
        let options = QueryOptions::new().timeout(Duration::from_millis(ms));
        group.push(&prepared, at_secs(60), options);
    }
    for result in group.execute().await {
        assert_eq!(result.unwrap_err().class(), ErrorClass::Timeout);
    }
}

#[tokio::test]
async fn a_group_that_is_dropped_ends_its_queries() {
    let store = Fake {
        on_select: Some(Arc::new(never)),
        ..Fake::default()
    };
    let engine = engine(2);
    let mut group = engine.group(store.store());
    push(&mut group, &engine, "x", 60);
    push(&mut group, &engine, "x + 1", 60);
    let mut running = Box::pin(group.execute());
    let begun = Instant::now();
    while engine.active_queries() < 2 && begun.elapsed() < Duration::from_secs(20) {
        assert!(running.as_mut().now_or_never().is_none());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(engine.active_queries(), 2);
    drop(running);
    while engine.active_queries() > 0 && begun.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(engine.active_queries(), 0);
}

#[tokio::test]
async fn a_pinned_snapshot_refuses_what_it_does_not_cover() {
    let range = |start, end| TimeRange { start, end };
    let store = Counted::new(Fake::many("x", 3, 3));
    let pinned = PinnedStorage::new(Arc::clone(&store) as _, range(0, 100));
    for inside in [range(0, 100), range(50, 60), range(0, -1)] {
        assert!(pinned.snapshot(inside).await.is_ok());
    }
    for outside in [range(-1, 50), range(50, 101)] {
        assert!(pinned.snapshot(outside).await.is_err());
    }
    assert_eq!(store.ranges(), [range(0, 100)]);
}
