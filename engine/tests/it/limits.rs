//! How queries end before their time: limits, cancellation, dropped futures.
//! Whatever ends one, the engine answers the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use quarrel_engine::storage::Storage;
use quarrel_engine::{
    Engine, EngineOptions, ErrorClass, LimitError, Query, QueryError, QueryOptions, QueryResult,
};

use quarrel_planner::ParserOptions;

use crate::fake::{Fake, Long, never};
use crate::support::{at_secs, over_secs};

/// More samples than a query that runs on the caller's thread may have.
const LARGE: u64 = 10_000_000;

fn engine(options: EngineOptions) -> Engine {
    Engine::new(options.threads(2)).unwrap()
}

fn at(engine: &Engine, store: &Arc<dyn Storage>, text: &str, seconds: i64) -> Query {
    let prepared = engine.prepare(text).unwrap();
    prepared.instant(Arc::clone(store), at_secs(seconds), QueryOptions::new())
}

fn over(engine: &Engine, store: &Arc<dyn Storage>, text: &str, times: (i64, i64, i64)) -> Query {
    let prepared = engine.prepare(text).unwrap();
    prepared.range(Arc::clone(store), over_secs(times), QueryOptions::new())
}

/// A query that must fail.
async fn refused(query: Query, text: &str) -> QueryError {
    match query.execute().await {
        Err(error) => error,
        Ok(result) => panic!("{text} answered with a {}", result.value.type_name()),
    }
}

/// The engine still answers.
async fn lives(engine: &Engine) {
    for estimate in [0, LARGE] {
        let store = Fake {
            estimate: Some(estimate),
            ..Fake::many("x", 3, 3)
        };
        let result = at(engine, &store.store(), "count(x)", 60).execute().await;
        assert_eq!(crate::support::show(&result.unwrap()), "{} 3@60");
    }
    // What runs for queries that failed ends soon, too.
    let begun = Instant::now();
    while engine.active_queries() > 0 && begun.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(engine.active_queries(), 0);
    assert_eq!(engine.waiting_queries(), 0);
}

fn timed_out(result: Result<QueryResult, QueryError>) {
    let error = result.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout, "{error}");
    assert!(
        error.to_string().starts_with("query timed out in "),
        "{error}"
    );
}

fn with_timeout(ms: u64) -> Engine {
    engine(EngineOptions::new().timeout(Duration::from_millis(ms)))
}

#[tokio::test]
async fn a_store_that_never_answers_is_timed_out() {
    let engine = with_timeout(50);
    let snapshot = Fake {
        on_snapshot: Some(Arc::new(never)),
        ..Fake::many("x", 3, 3)
    };
    let select = Fake {
        on_select: Some(Arc::new(never)),
        ..Fake::many("x", 3, 3)
    };
    let prefetch = |estimate| Fake {
        on_prefetch: Some(Arc::new(|_| never())),
        estimate: Some(estimate),
        ..Fake::many("x", 3, 3)
    };
    for store in [snapshot, select, prefetch(0), prefetch(LARGE)] {
        let store = store.store();
        timed_out(at(&engine, &store, "sum(x)", 60).execute().await);
        timed_out(
            at(&engine, &store, "count_values(\"v\", x)", 60)
                .execute()
                .await,
        );
        timed_out(at(&engine, &store, "x[1m]", 60).execute().await);
        assert!(at(&engine, &store, "sum(x)", 60).analyze().await.is_err());
    }
    let store = prefetch(0).store();
    assert!(at(&engine, &store, "sum(x)", 60).explain().await.is_ok());
    lives(&engine).await;
}

#[tokio::test]
async fn a_long_computation_is_timed_out() {
    let engine = with_timeout(100);
    let slow = Fake {
        on_chunks: Some(Arc::new(|_| {
            std::thread::sleep(Duration::from_millis(2));
            Ok(())
        })),
        ..Fake::many("x", 4000, 4)
    };
    for estimate in [0, LARGE] {
        let store = Fake {
            estimate: Some(estimate),
            ..slow.clone()
        };
        let store = store.store();
        for text in ["sum(x)", "x", "rate(x[1m])", "x + x", "x[1m]", "absent(x)"] {
            let start = Instant::now();
            timed_out(at(&engine, &store, text, 90).execute().await);
            let took = start.elapsed();
            assert!(took < Duration::from_millis(1500), "{text}: {took:?}");
        }
    }
    lives(&engine).await;
}

#[tokio::test]
async fn the_shorter_timeout_counts() {
    let store = Fake {
        on_select: Some(Arc::new(never)),
        ..Fake::default()
    };
    let store = store.store();
    let engine = with_timeout(60_000);
    let prepared = engine.prepare("x").unwrap();
    let ask = |ms| {
        let options = QueryOptions::new().timeout(Duration::from_millis(ms));
        prepared
            .instant(Arc::clone(&store), at_secs(0), options)
            .execute()
    };
    timed_out(ask(20).await);
    let error = ask(0).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout);
    let strict = with_timeout(20);
    let options = QueryOptions::new().timeout(Duration::from_secs(60));
    let query = strict.prepare("x").unwrap();
    timed_out(
        query
            .instant(Arc::clone(&store), at_secs(0), options)
            .execute()
            .await,
    );
}

#[tokio::test]
async fn queries_wait_for_a_place() {
    let engine = engine(EngineOptions::new().max_concurrency(1));
    let stuck = Fake {
        on_select: Some(Arc::new(never)),
        ..Fake::default()
    };
    let stuck = stuck.store();
    let good = Fake::many("x", 3, 3).store();
    let mut first = Box::pin(at(&engine, &stuck, "x", 60).execute());
    assert!(first.as_mut().now_or_never().is_none());
    assert_eq!((engine.active_queries(), engine.waiting_queries()), (1, 0));

    // One waits and is cancelled, one is dropped, one comes in.
    let cancelled = at(&engine, &good, "x", 60);
    let handle = cancelled.cancel_handle();
    let mut cancelled = Box::pin(cancelled.execute());
    assert!(cancelled.as_mut().now_or_never().is_none());
    let mut dropped = Box::pin(at(&engine, &good, "x", 60).execute());
    assert!(dropped.as_mut().now_or_never().is_none());
    let mut last = Box::pin(at(&engine, &good, "count(x)", 60).execute());
    assert!(last.as_mut().now_or_never().is_none());
    assert_eq!((engine.active_queries(), engine.waiting_queries()), (1, 3));
    handle.cancel();
    let error = cancelled.await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Canceled);
    assert_eq!(error.to_string(), "query was canceled in query queue");
    drop(dropped);
    assert_eq!(engine.waiting_queries(), 1);
    drop(first);
    assert_eq!(crate::support::show(&last.await.unwrap()), "{} 3@60");

    // The time in the queue counts; the first one leaves no place before it is over.
    let mut first = Box::pin(at(&engine, &stuck, "x", 60).execute());
    assert!(first.as_mut().now_or_never().is_none());
    let prepared = engine.prepare("x").unwrap();
    let options = QueryOptions::new().timeout(Duration::from_millis(50));
    let error = refused(prepared.instant(good, at_secs(60), options), "x").await;
    assert_eq!(error.class(), ErrorClass::Timeout);
    assert_eq!(error.to_string(), "query timed out in query queue");
    drop(first);
    lives(&engine).await;
}

#[tokio::test]
async fn the_queue_has_an_end() {
    let engine = engine(EngineOptions::new().max_concurrency(1));
    let stuck = Fake {
        on_select: Some(Arc::new(never)),
        ..Fake::default()
    };
    let stuck = stuck.store();
    let mut waiting = Vec::new();
    for _ in 0..1001 {
        let mut query = Box::pin(at(&engine, &stuck, "x", 60).execute());
        assert!(query.as_mut().now_or_never().is_none());
        waiting.push(query);
    }
    let error = at(&engine, &stuck, "x", 60).execute().await.unwrap_err();
    assert!(
        matches!(error, QueryError::Limit(LimitError::Queue { limit: 1000 })),
        "{error}"
    );
    assert_eq!(error.class(), ErrorClass::Unavailable);
    assert!(error.to_string().contains("max_waiting"), "{error}");
    drop(waiting);
    lives(&engine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_ends_a_computation() {
    let engine = engine(EngineOptions::default());
    for estimate in [0, LARGE] {
        let store = Fake {
            on_chunks: Some(Arc::new(|_| {
                std::thread::sleep(Duration::from_millis(2));
                Ok(())
            })),
            estimate: Some(estimate),
            ..Fake::many("x", 4000, 4)
        };
        let query = at(&engine, &store.store(), "sum(x)", 90);
        let (handle, progress) = (query.cancel_handle(), query.progress());
        let running = tokio::spawn(query.execute());
        while progress.decoded_samples() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let fraction = progress.fraction();
        assert!((0.0..1.0).contains(&fraction), "{fraction}");
        handle.cancel();
        let start = Instant::now();
        let error = running.await.unwrap().unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(2));
        assert_eq!(error.class(), ErrorClass::Canceled);
        assert_eq!(
            error.to_string(),
            "query was canceled in expression evaluation"
        );
    }
    let query = at(&engine, &Fake::default().store(), "x", 0);
    query.cancel_handle().cancel();
    let error = query.execute().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Canceled);
    lives(&engine).await;
}

#[tokio::test]
async fn dropping_the_future_stops_the_work() {
    let engine = engine(EngineOptions::default());
    for text in [
        "sum(x)",
        "x",
        "x + x",
        "quantile(0.5, x)",
        "max_over_time(x[2m:1m])",
    ] {
        let touched = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&touched);
        let store = Fake {
            on_chunks: Some(Arc::new(move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(1));
                Ok(())
            })),
            estimate: Some(LARGE),
            ..Fake::many("x", 20_000, 4)
        };
        let store = store.store();
        let running = at(&engine, &store, text, 90).execute();
        let ended = tokio::time::timeout(Duration::from_millis(50), running).await;
        assert!(ended.is_err(), "{text} is too quick for this test");
        // A morsel has at most 256 series, and there are two threads.
        tokio::time::sleep(Duration::from_millis(700)).await;
        let before = touched.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let after = touched.load(Ordering::Relaxed);
        assert_eq!(before, after, "{text} goes on");
        assert!(after < 19_000, "{text} ran to its end");
    }
    lives(&engine).await;
}

fn limited(max_samples: u64, max_memory: Option<u64>, max_series: Option<u64>) -> Engine {
    let mut options = EngineOptions::new()
        .max_samples(max_samples)
        .parser(ParserOptions::all());
    options.max_memory = max_memory;
    options.max_series = max_series;
    engine(options)
}

#[tokio::test]
async fn samples_are_limited() {
    let engine = limited(1000, None, None);
    let store = Fake::many("x", 20, 100)
        .and(Fake::many("y", 20, 100))
        .store();
    let times = (0, 2970, 30);
    for text in [
        "x",
        "x + y",
        "-x",
        "x or y",
        "topk(20, x)",
        "quantile by (i) (0.5, x)",
        "count_values(\"v\", x)",
        "info(x)",
        "x + fill(0) y",
        "x smoothed",
        "label_replace(x, \"a\", \"$1\", \"i\", \"(.*)\")",
    ] {
        let error = refused(over(&engine, &store, text, times), text).await;
        assert_eq!(error.class(), ErrorClass::Execution, "{text}: {error}");
        assert!(
            matches!(
                error,
                QueryError::Limit(LimitError::Samples { limit: 1000 })
            ),
            "{text}: {error}"
        );
        assert_eq!(
            error.to_string(),
            "query processing would load too many samples into memory in query execution"
        );
    }
    // What is folded at once is not held.
    let result = over(&engine, &store, "sum(x)", times)
        .execute()
        .await
        .unwrap();
    assert!(result.stats.peak_samples <= 1000, "{:?}", result.stats);
    let raw = at(&engine, &store, "x[1h]", 2970)
        .execute()
        .await
        .unwrap_err();
    assert!(matches!(raw, QueryError::Limit(LimitError::Samples { .. })));
    // Too many steps are refused before a store is asked.
    let error = over(&engine, &store, "1", (0, 2000, 1)).execute().await;
    assert!(matches!(
        error,
        Err(QueryError::Limit(LimitError::Samples { .. }))
    ));
    assert!(
        over(&engine, &store, "sum(x)", times)
            .execute()
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn bytes_are_limited() {
    let engine = limited(u64::MAX, Some(1 << 20), None);
    let store = Fake::many("x", 400, 400)
        .and(Fake::many("y", 400, 400))
        .store();
    let times = (0, 11_970, 30);
    for text in [
        "x",
        "x + y",
        "x * on () group_left () sum(y)",
        "x and y",
        "x or y",
        "topk(200, x)",
        "bottomk by (i) (1, x)",
        "quantile(0.5, x)",
        "count_values(\"v\", x)",
        "info(x)",
        "x + fill(0) nothing",
        "delta(x[5m] smoothed)",
        "sum by (i) (x)",
        "sort(x)",
        "max_over_time(x[1h:1s])",
        "label_replace(x, \"a\", \"$1\", \"i\", \"(.*)\")",
        "x @ 60",
        "absent(x) or x",
        "-x",
    ] {
        let error = refused(over(&engine, &store, text, times), text).await;
        assert_eq!(error.class(), ErrorClass::Execution, "{text}: {error}");
        assert!(
            matches!(&error, QueryError::Limit(LimitError::Memory { limit, .. }) if *limit == 1 << 20),
            "{text}: {error}"
        );
        let message = error.to_string();
        assert!(
            message
                .starts_with("query needs more than 1048576 bytes of memory (limit max_memory): "),
            "{message}"
        );
    }
    let error = at(&engine, &store, "x[4h]", 11_970)
        .execute()
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        QueryError::Limit(LimitError::Memory { .. })
    ));
    assert!(
        over(&engine, &store, "sum(x)", times)
            .execute()
            .await
            .is_ok()
    );
    let options = QueryOptions::new().max_memory(1000);
    let query = engine.prepare("sum(x)").unwrap();
    let error = query
        .range(store, over_secs((0, 5970, 30)), options)
        .execute()
        .await;
    assert!(matches!(
        error,
        Err(QueryError::Limit(LimitError::Memory { limit: 1000, .. }))
    ),);
}

/// Step counts that no machine can hold must be refused by their number, not
/// by the allocator, which would end the process.
#[tokio::test]
async fn huge_grids_are_refused_before_they_are_allocated() {
    let store = Fake::many("x", 2, 3).store();
    let year = 365 * 86_400;
    let steps = (0, 300 * year, 1);
    for (max_samples, max_memory) in [
        (u64::MAX, None),
        (u64::MAX, Some(1 << 30)),
        (50_000_000, None),
    ] {
        let engine = limited(max_samples, max_memory, None);
        for text in [
            "1",
            "x",
            "time()",
            "sum(x)",
            "vector(1)",
            "x @ 60",
            "absent(x)",
            "scalar(x)",
        ] {
            let error = refused(over(&engine, &store, text, steps), text).await;
            assert!(matches!(error, QueryError::Limit(_)), "{text}: {error}");
        }
        for text in [
            "max_over_time(x[250y:1ms])",
            "max_over_time(vector(1)[250y:1ms])",
            "max_over_time((x @ 60)[250y:1ms])",
            "max_over_time(absent(x)[250y:1ms])",
            "absent_over_time(x[250y:1ms])",
            "max_over_time(max_over_time(x[1m:1s])[250y:1ms])",
            "x[250y:1ms]",
            "sum(x)[250y:1ms]",
        ] {
            let error = at(&engine, &store, text, 250 * year)
                .execute()
                .await
                .unwrap_err();
            assert!(matches!(error, QueryError::Limit(_)), "{text}: {error}");
        }
        lives(&engine).await;
    }
}

#[tokio::test]
async fn result_series_are_limited() {
    let engine = limited(u64::MAX, None, Some(10));
    let store = Fake::many("x", 11, 3).store();
    for query in [
        at(&engine, &store, "x", 60),
        at(&engine, &store, "x[1m]", 60),
        over(&engine, &store, "x", (0, 60, 30)),
    ] {
        let error = query.execute().await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Execution);
        assert_eq!(
            error.to_string(),
            "query returns more than 10 series (limit max_series)"
        );
    }
    let result = at(&engine, &store, "topk(10, x)", 60).execute().await;
    assert!(result.is_ok());
    let options = QueryOptions::new().max_series(3);
    let query = engine.prepare("topk(4, x)").unwrap();
    let error = query
        .instant(store, at_secs(60), options)
        .execute()
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        QueryError::Limit(LimitError::Series { limit: 3 })
    ));
}

/// What a query may read, in series and in samples, whoever sets the limit.
#[tokio::test]
async fn what_a_query_reads_is_limited() {
    let store = Fake::many("x", 10, 4).store();
    let plain = engine(EngineOptions::default());
    let strict = engine(
        EngineOptions::new()
            .max_selected_series(15)
            .max_samples_read(60),
    );
    let run = |engine: &Engine, text: &str, series: Option<u64>, samples: Option<u64>| {
        let mut options = QueryOptions::new();
        options.max_selected_series = series;
        options.max_samples_read = samples;
        let prepared = engine.prepare(text).unwrap();
        prepared
            .instant(Arc::clone(&store), at_secs(90), options)
            .execute()
    };
    for text in ["sum(x)", "x[90s]", "sum(sum_over_time(x[90s]))"] {
        for (engine, series, samples) in [
            (&plain, None, None),
            (&plain, Some(10), Some(40)),
            (&strict, None, None),
            // The lower limit counts.
            (&strict, Some(1000), Some(1000)),
        ] {
            run(engine, text, series, samples).await.unwrap();
        }
        let error = run(&plain, text, Some(9), None).await.unwrap_err();
        let limit = LimitError::SelectedSeries { limit: 9 };
        assert!(matches!(error, QueryError::Limit(e) if e == limit));
        let error = run(&plain, text, None, Some(9)).await.unwrap_err();
        let limit = LimitError::SamplesRead { limit: 9 };
        assert!(matches!(error, QueryError::Limit(e) if e == limit));
    }
    // Each selector counts.
    let error = run(&strict, "x + rate(x[90s])", None, None)
        .await
        .unwrap_err();
    let text = "query would load too many series into memory in query execution";
    assert_eq!(error.to_string(), text);
    let error = run(&plain, "x + rate(x[90s])", None, Some(60)).await;
    let text = "query would read too many samples in query execution";
    assert_eq!(error.unwrap_err().to_string(), text);
    lives(&plain).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores_that_work_long_leave_half_of_the_threads_to_others() {
    let long = Arc::new(Long::default());
    let store = Fake {
        works_for: Some((Duration::from_millis(250), Arc::clone(&long))),
        ..Fake::many("x", 3, 3)
    };
    let (engine, store) = (engine(EngineOptions::new()), store.store());
    let queries = (0..4).map(|_| tokio::spawn(at(&engine, &store, "count(x)", 60).execute()));
    for query in queries.collect::<Vec<_>>() {
        let answer = query.await.unwrap().unwrap();
        assert_eq!(crate::support::show(&answer), "{} 3@60");
    }
    assert_eq!(long.most.load(Ordering::Relaxed), 1);
    lives(&engine).await;
}

#[tokio::test]
async fn an_estimate_reads_labels_alone() {
    let engine = engine(EngineOptions::default());
    let store = Fake {
        on_chunks: Some(Arc::new(|_| panic!("an estimate reads samples"))),
        estimate: Some(7_000),
        ..Fake::many("x", 5, 3)
    };
    let store = store.store();
    for (text, series, samples) in [
        ("x", 5, 7_000),
        ("sum(x) + sum(x)", 5, 7_000),
        ("x or x offset 5m", 10, 14_000),
        ("y", 0, 7_000),
        ("1", 0, 0),
    ] {
        let estimate = at(&engine, &store, text, 60).estimate().await.unwrap();
        assert_eq!(
            (estimate.series, estimate.samples),
            (series, samples),
            "{text}"
        );
    }
    lives(&engine).await;
}
