//! Places among the running queries, and threads.

use super::*;

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
