//! What planning promises: each node is bound once, whatever breaks the
//! pipeline, each query is built and optimized once, and progress is true.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use quarrel_engine::{Progress, Query, QueryOptions};

use crate::fake::{Fake, floats};
use crate::support::{at_secs, engine, over_secs};

/// Series of each metric.
const SERIES: usize = 300;

/// Metrics `x` and `y` with samples from 0 to 90 s. Those of the series of `z`
/// do not overlap: the first has one at 0 s, the others begin after a day.
fn data() -> Fake {
    let z = (0..SERIES).map(|i| {
        let time = if i == 0 { 0 } else { 86_400 };
        (format!("z{{i=\"{i:06}\"}}"), vec![floats(&[(time, 1.0)])])
    });
    Fake::many("x", SERIES, 4)
        .and(Fake::many("y", SERIES, 4))
        .and(Fake::new(z))
}

/// Queries with and without pipeline breakers; the last one joins 300 rows with
/// 300 of one match group, which needs its rows before its table.
const QUERIES: [&str; 9] = [
    "1 + 1",
    "x",
    "sum(rate(x[1m])) / sum(y)",
    r#"count_values("v", x)"#,
    r#"count_values("v", x) or on (v) y"#,
    r#"sum(count_values("v", x)) + on () sum(count_values("w", y))"#,
    r#"histogram_quantiles(x, "q", 0.5, scalar(sum(y)))"#,
    "info(x)",
    "x * on () group_left () z",
];

fn range(store: Fake, text: &str) -> Query {
    let prepared = engine(2).prepare(text).expect("a query");
    prepared.range(store.store(), over_secs((0, 60, 30)), QueryOptions::new())
}

#[test]
fn progress_reaches_one_and_never_goes_back() {
    // On the caller's thread, and on the engine's threads.
    for estimate in [0, 10_000_000] {
        for text in QUERIES {
            let progress: Arc<Mutex<Option<Progress>>> = Arc::default();
            let seen: Arc<Mutex<Vec<f64>>> = Arc::default();
            let (of_store, seen_by_store) = (Arc::clone(&progress), Arc::clone(&seen));
            let store = Fake {
                estimate: Some(estimate),
                on_chunks: Some(Arc::new(move |_| {
                    let fraction = of_store.lock().unwrap().as_ref().map(Progress::fraction);
                    seen_by_store.lock().unwrap().extend(fraction);
                    Ok(())
                })),
                ..data()
            };
            let query = range(store, text);
            let handle = query.progress();
            *progress.lock().unwrap() = Some(handle.clone());
            block_on(query.execute()).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(handle.fraction(), 1.0, "{text}");
            let seen = seen.lock().unwrap();
            assert!(seen.iter().all(|f| (0.0..1.0).contains(f)), "{text}");
            // Two threads may report in another order than they looked.
            if estimate == 0 {
                assert!(seen.is_sorted(), "{text}: {seen:?}");
            }
        }
    }
}

#[test]
fn progress_of_what_reads_no_morsels_reaches_one() {
    for text in ["\"text\"", "x[1m]", "x[1m:30s]", "topk(0, x)"] {
        let prepared = engine(2).prepare(text).expect("a query");
        let query = prepared.instant(data().store(), at_secs(60), QueryOptions::new());
        let progress = query.progress();
        assert_eq!(progress.fraction(), 0.0, "{text}");
        block_on(query.execute()).expect("an answer");
        assert_eq!(progress.fraction(), 1.0, "{text}");
    }
}

#[test]
fn a_common_subtree_on_both_sides_of_a_breaker_is_computed_once() {
    let series = SERIES as u64;
    for (text, expected) in [
        (r#"count_values("v", abs(x)) or on (v) abs(x)"#, series),
        (r#"abs(x) unless on (v) count_values("v", abs(x))"#, series),
        (r#"histogram_quantiles(abs(x), "q", 0.5) or abs(x)"#, series),
        // The right operand has 90,000 pairs with the left one, and reads `z`.
        (
            "abs(x) * on () group_left () (z and on (i) abs(x))",
            2 * series,
        ),
    ] {
        let reads = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&reads);
        let store = Fake {
            on_chunks: Some(Arc::new(move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })),
            ..data()
        };
        block_on(range(store, text).execute()).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(reads.load(Ordering::Relaxed), expected, "{text}");
    }
}

#[test]
fn a_query_is_built_once_whatever_is_shown_of_it() {
    let count = |run: &dyn Fn(Query)| {
        let built = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&built);
        let options = QueryOptions::new().subquery_step(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            60_000
        });
        let text = r#"count_values("v", max_over_time(x[2m:]))"#;
        let prepared = engine(2).prepare(text).expect("a query");
        run(prepared.range(data().store(), over_secs((0, 60, 30)), options));
        built.load(Ordering::Relaxed)
    };
    let plan = count(&|query| drop(query.plan().expect("a plan")));
    let execute = count(&|query| drop(block_on(query.execute()).expect("an answer")));
    let explain = count(&|query| drop(block_on(query.explain()).expect("a plan")));
    let analyze = count(&|query| drop(block_on(query.analyze()).expect("a plan")));
    assert!(plan > 0, "the step is asked for");
    assert_eq!([execute, explain, analyze], [plan; 3]);
}
