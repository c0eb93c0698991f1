//! Timeouts, cancellation, dropped futures.

use super::*;

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
