//! Answers whose parts leave while their query runs.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use quarrel_engine::storage::{Encoding, Storage};
use quarrel_engine::{Engine, EngineOptions, QueryError, QueryOptions, QueryStream};

use crate::fake::{Fake, encoded, floats, xor};
use crate::support::{at_secs, over_secs};

/// An engine that hands all work to its threads, with one place.
fn engine(options: impl FnOnce(EngineOptions) -> EngineOptions) -> Engine {
    let one_place = EngineOptions::new()
        .threads(2)
        .max_concurrency(1)
        .inline_samples(0);
    Engine::new(options(one_place)).unwrap()
}

async fn begun(engine: &Engine, store: &Arc<dyn Storage>, text: &str) -> QueryStream {
    let prepared = engine.prepare(text).unwrap();
    let query = prepared.range(
        Arc::clone(store),
        over_secs((0, 60, 30)),
        QueryOptions::new(),
    );
    query.stream().await.unwrap()
}

#[tokio::test]
async fn parts_are_the_answer_whether_they_flow_or_not() {
    let store = Fake::many("x", 2000, 3).store();
    let engine = engine(|options| options);
    for text in [
        "x",
        "rate(x[1m])",
        "x * 2 > 0",
        "sum(x)",
        "x + x",
        "topk(3, x)",
    ] {
        let prepared = engine.prepare(text).unwrap();
        for is_instant in [false, true] {
            let ask = || {
                let (store, options) = (Arc::clone(&store), QueryOptions::new());
                match is_instant {
                    true => prepared.instant(store, at_secs(60), options),
                    false => prepared.range(store, over_secs((0, 60, 30)), options),
                }
            };
            let whole = ask().execute().await.unwrap();
            let mut stream = ask().stream().await.unwrap();
            assert_eq!(stream.type_name(), whole.value.type_name());
            let mut at = 0;
            let all: Vec<_> = whole.value.iter().collect();
            while let Some(part) = stream.next().await {
                for series in part.unwrap().iter() {
                    assert_eq!(series.metric(), all[at].metric(), "{text}");
                    assert!(series.points().eq(all[at].points()), "{text}");
                    at += 1;
                }
            }
            assert_eq!(at, all.len(), "{text}");
            let trailer = stream.trailer().unwrap();
            assert_eq!(trailer.infos, whole.infos);
            assert_eq!(trailer.stats.decoded_samples, whole.stats.decoded_samples);
        }
    }
}

/// Many series, of which the last one has a chunk that is none.
fn broken() -> Arc<dyn Storage> {
    let bad = encoded(Encoding::Xor, vec![0], floats(&[(0, 1.0), (60, 3.0)]));
    let good = xor(&[(0, 1.0), (30, 2.0), (60, 3.0)]);
    let series = (0..50_000).map(|i| {
        let chunk = if i == 49_999 { &bad } else { &good };
        (format!("x{{a=\"{i:05}\"}}"), vec![chunk.clone()])
    });
    Fake::new(series).store()
}

#[tokio::test]
async fn parts_come_before_an_error_behind_them() {
    let engine = engine(|options| options);
    let mut stream = begun(&engine, &broken(), "x").await;
    let mut series = 0;
    let error = loop {
        match stream.next().await.expect("an error") {
            Ok(part) => series += part.iter().count(),
            Err(error) => break error,
        }
    };
    assert!(series > 1000, "{series}");
    assert!(matches!(error, QueryError::Chunk { .. }), "{error}");
    assert!(stream.next().await.is_none());
    assert!(stream.trailer().is_none());
    assert!(stream.finish().stats.decoded_samples > 3000);
}

#[tokio::test]
async fn who_does_not_read_keeps_no_place() {
    let store = Fake::many("x", 2000, 3).store();
    let engine = engine(|options| options);
    let unread = begun(&engine, &store, "x").await;
    let next = begun(&engine, &store, "x + 0");
    let mut stream = tokio::time::timeout(Duration::from_secs(60), next)
        .await
        .expect("the only place is free");
    assert!(stream.next().await.unwrap().is_ok());
    drop(unread);
}

#[tokio::test]
async fn what_is_not_read_counts_for_memory_until_it_is_dropped() {
    let store = Fake::many("x", 20_000, 3).store();
    let pool = quarrel_engine::MemoryPool::new(1 << 30);
    let engine = engine(|options| options.memory_pool(pool.clone()));
    let mut stream = begun(&engine, &store, "x").await;
    let mut parts = Vec::new();
    while let Some(part) = stream.next().await {
        parts.push(part.unwrap());
    }
    assert!(parts.len() > 1);
    // 20,000 rows of three floats.
    assert!(pool.reserved() > 20_000 * 3 * 8, "{}", pool.reserved());
    drop(stream);
    parts.truncate(1);
    let one = pool.reserved();
    parts.clear();
    assert!(pool.reserved() < one);
    assert_eq!(pool.reserved(), 0);
}

#[tokio::test]
async fn an_answer_that_may_pass_a_limit_is_complete_before_it_leaves() {
    let store = Fake::many("x", 2000, 3).store();
    let engine = engine(|options| options.max_series(1999));
    let prepared = engine.prepare("x").unwrap();
    let times = over_secs((0, 60, 30));
    let query = prepared.range(Arc::clone(&store), times, QueryOptions::new());
    assert!(matches!(query.stream().await, Err(QueryError::Limit(_))));
}

#[tokio::test]
async fn a_dropped_stream_ends_its_query() {
    let engine = engine(|options| options);
    let stream = begun(&engine, &Fake::many("x", 50_000, 3).store(), "x").await;
    drop(stream);
    for _ in 0..1000 {
        if engine.active_queries() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the query goes on");
}
