//! What a hostile query costs: its limits and no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use quarrel_engine::storage::{Storage, TimeRange};
use quarrel_engine::{
    Engine, EngineOptions, ErrorClass, LimitError, MemoryPool, Query, QueryError, QueryOptions,
    QueryResult,
};

use crate::fake::{Fake, OnRow, Working};
use crate::support::{at_secs, over_secs, store};

const LIMIT: u64 = 64 << 20;

/// More samples than a light query may read.
const HEAVY: u64 = 100_000_000;

/// An engine with limits of 64 MiB and two seconds, and its memory.
fn limited() -> (Engine, MemoryPool) {
    let pool = MemoryPool::default();
    let options = EngineOptions::new()
        .threads(2)
        .max_memory(LIMIT)
        .timeout(Duration::from_secs(2))
        .memory_pool(pool.clone());
    (options.build().unwrap(), pool)
}

fn at(engine: &Engine, store: &Arc<dyn Storage>, text: &str) -> Query {
    let options = QueryOptions::new();
    engine.query(text, Arc::clone(store), at_secs(60), options)
}

/// The error of a query that must fail within its limits, and leave nothing.
async fn refused(text: &str, store: &Arc<dyn Storage>) -> QueryError {
    let (engine, pool) = limited();
    let begun = Instant::now();
    let shown = &text[..text.len().min(60)];
    let result = at(&engine, store, text).execute().await;
    let error = match result {
        Err(error) => error,
        Ok(result) => panic!("{shown}: answered with a {}", result.value.type_name()),
    };
    let took = begun.elapsed();
    // Ten times the limit: the machine that tests run on may be busy.
    assert!(took < Duration::from_secs(20), "{shown}: {took:?}");
    assert!(pool.peak() <= LIMIT, "{shown}: {}", pool.peak());
    idle(&engine).await;
    assert_eq!(pool.reserved(), 0, "{shown}");
    error
}

/// Waits until all work of an engine has ended.
async fn idle(engine: &Engine) {
    let begun = Instant::now();
    while engine.active_queries() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn nested(times: usize, inner: &str, wrap: impl Fn(&str) -> String) -> String {
    (0..times).fold(inner.to_string(), |text, _| wrap(&text))
}

#[tokio::test]
async fn label_strings_do_not_grow_beyond_the_limits() {
    let store = store("x{a=\"some text\"} 1 2 3");
    let join = nested(31, "label_join(x, \"x\", \"\", \"a\")", |inner| {
        format!("label_join({inner}, \"x\", \"\", \"x\", \"x\")")
    });
    let dollars = "$1".repeat(8);
    let replace = nested(10, "x", |inner| {
        format!("label_replace({inner}, \"a\", \"{dollars}\", \"a\", \"(.*)\")")
    });
    for text in [join, replace] {
        let error = refused(&text, &store).await;
        assert_eq!(error.class(), ErrorClass::Execution, "{error}");
    }
    // Without any limit of memory a label set still has its own.
    let engine = Engine::builder().build().unwrap();
    let text = nested(24, "label_join(x, \"x\", \"\", \"a\")", |inner| {
        format!("label_join({inner}, \"x\", \"\", \"x\", \"x\")")
    });
    let error = at(&engine, &store, &text).execute().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "a label set would have more than 16777216 bytes"
    );
}

#[tokio::test]
async fn binding_is_accounted_for() {
    let store = Fake::many("x", 5000, 2).store();
    let chain = |count: usize, operator: &str| {
        let operand = |i: usize| format!("x{{i!=\"{i}\"}}");
        let operands: Vec<String> = (0..count).map(operand).collect();
        operands.join(&format!(" {operator} "))
    };
    let sources = "\"i\", ".repeat(20_000);
    let sources = sources.trim_end_matches(", ");
    for text in [
        chain(3000, "or"),
        chain(3000, "+"),
        chain(3000, "unless"),
        format!("label_join(x, \"y\", \"-\", {sources})"),
        nested(900, "x", |inner| format!("-({inner} + x)")),
    ] {
        let error = refused(&text, &store).await;
        assert!(
            matches!(
                error,
                QueryError::Limit(LimitError::Memory { .. }) | QueryError::Timeout { .. }
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn chains_of_set_operators_cost_what_their_rows_are() {
    let (engine, pool) = limited();
    let store = Fake::many("x", 1000, 3).store();
    let operand = |i: usize| format!("x{{i=~\"000{i}..\"}}");
    let all: Vec<String> = (0..10).map(operand).collect();
    for (operator, series) in [("or", 1000), ("and", 0), ("unless", 100)] {
        let text = format!("count({}) or vector(0)", all.join(&format!(" {operator} ")));
        let result = at(&engine, &store, &text).execute().await.unwrap();
        assert_eq!(
            crate::support::show(&result),
            format!("{{}} {series}@60"),
            "{operator}"
        );
    }
    assert!(pool.peak() < 4 << 20, "{}", pool.peak());
}

#[tokio::test]
async fn long_texts_are_refused() {
    let engine = Engine::builder().max_query_length(1000).build().unwrap();
    let store = store("x 1");
    let text = format!("x{}", "+x".repeat(500));
    let error = at(&engine, &store, &text).execute().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::BadData);
    let message = "the query is longer than 1000 bytes (limit max_query_length)";
    assert_eq!(error.to_string(), message);
    assert_eq!(engine.prepare(&text).unwrap_err().to_string(), message);
    let lookup = engine.lookup(store, vec![text], TimeRange::ALL, QueryOptions::new());
    assert_eq!(lookup.series().await.unwrap_err().to_string(), message);
}

#[tokio::test]
async fn a_text_is_parsed_when_it_runs() {
    let engine = Engine::builder().build().unwrap();
    let store = store("x 1 2 3");
    let result = at(&engine, &store, "x + 1").execute().await.unwrap();
    assert_eq!(crate::support::show(&result), "{} 4@60");
    for text in ["x +".to_string(), "(".repeat(2000)] {
        let error = at(&engine, &store, &text).execute().await.unwrap_err();
        let prepared = engine.prepare(&text).unwrap_err();
        assert_eq!(error.class(), ErrorClass::BadData);
        assert_eq!(error.to_string(), prepared.to_string());
    }
    // Longer than what is parsed on the caller's thread.
    let text = format!("x{}", " + 1".repeat(1000));
    let result = at(&engine, &store, &text).execute().await.unwrap();
    assert_eq!(crate::support::show(&result), "{} 1003@60");
}

/// A store whose rows are held back until the flag is set.
fn held_back(estimate: u64) -> (Arc<dyn Storage>, Arc<AtomicBool>, Arc<AtomicUsize>) {
    let (go, reading) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let on_row: OnRow = {
        let (go, reading) = (Arc::clone(&go), Arc::clone(&reading));
        Arc::new(move |_| {
            AtomicUsize::fetch_add(&reading, 1, Ordering::Relaxed);
            let begun = Instant::now();
            while !go.load(Ordering::Relaxed) && begun.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        })
    };
    let fake = Fake {
        estimate: Some(estimate),
        on_chunks: Some(on_row),
        ..Fake::many("x", 1, 3)
    };
    (fake.store(), go, reading)
}

async fn until(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_query_keeps_its_place_until_its_work_has_ended() {
    let engine = Engine::builder().threads(2).max_concurrency(1).build();
    let engine = engine.unwrap();
    let (store, go, reading) = held_back(HEAVY);
    let running = tokio::spawn(at(&engine, &store, "x").execute());
    until(|| reading.load(Ordering::Relaxed) > 0).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    // Nobody waits for it, but a thread is still at work.
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(engine.active_queries(), 1);
    let next = at(&engine, &store, "1").execute();
    assert!(next.now_or_never().is_none(), "no place is free");
    go.store(true, Ordering::Relaxed);
    idle(&engine).await;
}

#[tokio::test]
async fn light_queries_do_not_stand_behind_heavy_ones() {
    let engine = Engine::builder().threads(8).max_concurrency(4).build();
    let engine = engine.unwrap();
    let (heavy, go, reading) = held_back(HEAVY);
    let running: Vec<_> = (0..12)
        .map(|_| tokio::spawn(at(&engine, &heavy, "x").execute()))
        .collect();
    until(|| reading.load(Ordering::Relaxed) == 3 && engine.waiting_queries() == 9).await;
    assert_eq!(engine.active_queries(), 3);
    let light = store("y 1 2 3");
    let result = at(&engine, &light, "y").execute().await.unwrap();
    assert_eq!(crate::support::show(&result), "{__name__=y} 3@60");
    go.store(true, Ordering::Relaxed);
    for query in running {
        query.await.unwrap().unwrap();
    }
    idle(&engine).await;
    assert_eq!(engine.waiting_queries(), 0);
}

#[tokio::test]
async fn heavy_queries_wait_with_nothing_in_their_hands() {
    let pool = MemoryPool::default();
    let engine = Engine::builder().threads(4).max_concurrency(2);
    let engine = engine.memory_pool(pool.clone()).build().unwrap();
    let (blocking, go, reading) = held_back(HEAVY);
    let first = tokio::spawn(at(&engine, &blocking, "x").execute());
    until(|| reading.load(Ordering::Relaxed) > 0).await;
    let before = pool.reserved();
    let many = Fake::many("x", 30_000, 2).store();
    let waiting = tokio::spawn(at(&engine, &many, "x").execute());
    until(|| engine.waiting_queries() == 1).await;
    assert_eq!(pool.reserved(), before, "the labels of 30,000 series");
    go.store(true, Ordering::Relaxed);
    let results: [Result<QueryResult, _>; 2] = [first.await.unwrap(), waiting.await.unwrap()];
    let counts = results.map(|result| result.map(|answer| answer.value.iter().count()));
    assert!(matches!(counts, [Ok(1), Ok(30_000)]), "{counts:?}");
}

#[tokio::test]
async fn engines_share_memory_and_answers_hold_theirs() {
    let pool = MemoryPool::new(8 << 20);
    let engines = [(); 2].map(|()| {
        let options = EngineOptions::new().memory_pool(pool.clone());
        options.threads(1).build().unwrap()
    });
    let many = Fake::many("x", 5000, 100).store();
    let over = |engine: &Engine| {
        let times = over_secs((0, 2970, 30));
        engine.query("x", Arc::clone(&many), times, QueryOptions::new())
    };
    let answer = over(&engines[0]).execute().await.unwrap();
    idle(&engines[0]).await;
    let held = pool.reserved();
    assert!(held > 5000 * 100 * 8, "{held}");
    let body = pool.reserve((6 << 20) - held).unwrap();
    let result = over(&engines[1]).execute().await;
    let error = result.map(|_| "an answer").unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unavailable, "{error}");
    assert!(matches!(
        error,
        QueryError::Limit(LimitError::TotalMemory { limit, .. }) if limit == 8 << 20
    ));
    drop((answer, body));
    idle(&engines[1]).await;
    assert_eq!(pool.reserved(), 0);
    assert!(over(&engines[1]).execute().await.is_ok());
}

#[tokio::test]
async fn queries_wait_while_memory_is_scarce() {
    let pool = MemoryPool::new(1 << 20);
    let engine = Engine::builder().memory_pool(pool.clone()).build().unwrap();
    let store = store("x 1 2 3");
    let body = pool.reserve(700 << 10).unwrap();
    let more = pool.reserve(68 << 10).unwrap();
    let full = Fake::many("x", 1, 1);
    // The last quarter is reserved by a query's answer.
    let answer = at(&engine, &full.store(), "x").execute().await.unwrap();
    assert!(pool.reserved() > 768 << 10, "{}", pool.reserved());
    let waiting = tokio::spawn(at(&engine, &store, "x").execute());
    until(|| engine.waiting_queries() == 1).await;
    drop(more);
    assert!(waiting.await.unwrap().is_ok());
    drop((body, answer));
    // Who waits in vain is told what for.
    let _body = pool.reserve(768 << 10).unwrap();
    let _answer = at(&engine, &store, "x").execute().await.unwrap();
    let options = QueryOptions::new().timeout(Duration::from_millis(20));
    let query = engine.query("x", store, at_secs(60), options);
    let error = query.execute().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unavailable, "{error}");
}

#[tokio::test]
async fn a_store_at_work_ends_with_its_query() {
    let (engine, _) = limited();
    let working = Arc::new(Working::default());
    let fake = Fake {
        until_stopped: Some(Arc::clone(&working)),
        ..Fake::many("x", 1, 1)
    };
    let options = QueryOptions::new().timeout(Duration::from_millis(50));
    let store = fake.store();
    let query = engine.query("x", Arc::clone(&store), at_secs(60), options);
    let error = query.execute().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout, "{error}");
    // Its time may be over before a thread was free for the store.
    until(|| engine.active_queries() == 0).await;
    let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
    let begun = count(&working.begun);
    assert_eq!(count(&working.stopped), begun);
    idle(&engine).await;
    let query = at(&engine, &store, "x");
    let cancel = query.cancel_handle();
    let running = tokio::spawn(query.execute());
    until(|| count(&working.begun) > begun).await;
    cancel.cancel();
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.class(), ErrorClass::Canceled, "{error}");
    until(|| count(&working.stopped) > begun).await;
    idle(&engine).await;
}

#[tokio::test]
async fn lookups_have_limits_and_answers() {
    let (engine, pool) = limited();
    let store = store("x{a=\"1\"} 1\nx{a=\"2\"} 1\ny{b=\"3\"} 1");
    let lookup = |selectors: &[&str]| {
        let selectors: Vec<String> = selectors.iter().map(ToString::to_string).collect();
        let all = TimeRange::ALL;
        engine.lookup(Arc::clone(&store), selectors, all, QueryOptions::new())
    };
    let found = lookup(&["x", "{a=~\"1|3\"}", "y"]).series().await.unwrap();
    let shown: Vec<String> = {
        let symbols = found.found.symbols.read();
        let rows = found.found.labels.iter();
        rows.map(|row| symbols.display(row)).collect()
    };
    assert_eq!(shown, ["x{a=\"1\"}", "x{a=\"2\"}", "y{b=\"3\"}"]);
    assert!(pool.reserved() > 0);
    drop(found);
    let names = lookup(&["x"]).label_names().await.unwrap();
    assert_eq!(names.found, ["__name__", "a"]);
    let values = lookup(&[]).label_values("a").await.unwrap();
    assert_eq!(values.found, ["1", "2"]);
    drop((names, values));
    let error = lookup(&["{a=~\".*\"}"]).series().await.unwrap_err();
    let message = "match[] must contain at least one non-empty matcher";
    assert_eq!(error.to_string(), message);
    idle(&engine).await;
    assert_eq!(pool.reserved(), 0);
    let options = QueryOptions::new().max_memory(100);
    let selectors = vec!["x".to_string()];
    let lookup = engine.lookup(Arc::clone(&store), selectors, TimeRange::ALL, options);
    let error = lookup.series().await.unwrap_err();
    assert!(matches!(
        error,
        QueryError::Limit(LimitError::Memory { .. })
    ));
}
