//! Deep expressions on a small stack, and large ones in bearable time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quarrel_engine::storage::Storage;
use quarrel_engine::{QueryError, QueryOptions};

use crate::fake::{Fake, floats};
use crate::support::{at_secs, engine, show};

/// Runs on a thread with the stack that callers have, with a runtime.
fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let _entered = runtime.enter();
        work();
    };
    thread
        .spawn(run)
        .expect("a thread")
        .join()
        .expect("no panic");
}

fn tiny(estimate: u64) -> Arc<dyn Storage> {
    let samples: Vec<(i64, f64)> = (0..4).map(|s| (s * 30, 1.0)).collect();
    let store = Fake {
        estimate: Some(estimate),
        ..Fake::new([("x{a=\"1\"}".to_string(), vec![floats(&samples)])])
    };
    store.store()
}

/// Deep texts and what they are at 90 s.
fn deep() -> Vec<(String, &'static str)> {
    let chain = |op: &str, n: usize| vec!["x"; n].join(op);
    let nested =
        |open: &str, close: &str, n: usize| format!("{}x{}", open.repeat(n), close.repeat(n));
    vec![
        (chain(" + ", 5000), "{a=1} 5000@90"),
        (chain(" and ", 5000), "{__name__=x,a=1} 1@90"),
        (chain(" or ", 2000), "{__name__=x,a=1} 1@90"),
        (chain(" ^ ", 5000), "{a=1} 1@90"),
        (format!("x{}", " * 1".repeat(5000)), "{a=1} 1@90"),
        (format!("scalar(x){}", " * 1".repeat(5000)), "1 @90"),
        (nested("abs(", ")", 990), "{a=1} 1@90"),
        (nested("sum(", ")", 990), "{} 1@90"),
        (nested("(", ")", 990), "{__name__=x,a=1} 1@90"),
        (nested("vector(scalar(", "))", 490), "{} 1@90"),
        (nested("max_over_time(", "[1m:30s])", 300), "{a=1} 1@90"),
        (format!("{}x", "- ".repeat(5000)), "{a=1} 1@90"),
        (nested("count_values(\"v\", ", ")", 200), "{v=1} 1@90"),
        (nested("info(", ")", 200), "{__name__=x,a=1} 1@90"),
        (nested("start_timestamp(", ")", 900), ""),
        (chain(" + fill(1) ", 2000), "{a=1} 2000@90"),
    ]
}

#[test]
fn deep_expressions_are_evaluated() {
    for estimate in [0, 10_000_000] {
        on_small_stack(move || {
            let (engine, store) = (engine(2), tiny(estimate));
            for (text, wanted) in deep() {
                let begin = &text[..text.len().min(40)];
                let query = engine.prepare(&text).unwrap();
                let query = query.instant(Arc::clone(&store), at_secs(90), QueryOptions::new());
                let result = futures::executor::block_on(query.execute());
                assert_eq!(show(&result.expect(begin)), wanted, "{begin}");
            }
        });
    }
}

#[test]
fn deep_expressions_are_explained_and_dropped() {
    for estimate in [0, 10_000_000] {
        on_small_stack(move || {
            let (engine, store) = (engine(2), tiny(estimate));
            for (text, _) in deep() {
                let begin = &text[..text.len().min(40)];
                let prepared = engine.prepare(&text).unwrap();
                let ask = || prepared.instant(Arc::clone(&store), at_secs(90), QueryOptions::new());
                let explained = futures::executor::block_on(ask().explain()).expect(begin);
                assert!(explained.physical.is_some());
                assert!(!explained.to_string().is_empty());
                // Given up as soon as it waits, if it ever does.
                let mut given_up = Box::pin(ask().execute());
                let _ = futures::FutureExt::now_or_never(given_up.as_mut());
                drop(given_up);
                let canceled = ask();
                canceled.cancel_handle().cancel();
                let error = futures::executor::block_on(canceled.execute());
                assert!(matches!(error, Err(QueryError::Canceled { .. })), "{begin}");
            }
        });
    }
}

/// Runs a query, which must end within a bound that a quadratic algorithm
/// would pass by far, also on a busy machine.
fn timely(store: &Arc<dyn Storage>, text: &str) -> Result<usize, String> {
    let engine = engine(2);
    let query = engine.prepare(text).unwrap();
    let query = query.instant(Arc::clone(store), at_secs(60), QueryOptions::new());
    let start = Instant::now();
    let result = futures::executor::block_on(query.execute());
    let took = start.elapsed();
    let begin = &text[..text.len().min(60)];
    assert!(took < Duration::from_secs(30), "{begin} took {took:?}");
    match result {
        Ok(result) => Ok(show(&result).lines().count()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn many_series_take_time_in_proportion() {
    let store = Fake::many("x", 100_000, 3)
        .and(Fake::many("y", 100_000, 3))
        .store();
    assert_eq!(timely(&store, "x"), Ok(100_000));
    assert_eq!(timely(&store, "x + y"), Ok(100_000));
    assert_eq!(timely(&store, "x or y"), Ok(100_000));
    assert_eq!(timely(&store, "count by (i) (x)"), Ok(100_000));
    assert_eq!(timely(&store, "topk by (i) (1, x)"), Ok(100_000));
    assert_eq!(
        timely(&store, "x * on () group_left () sum(y)"),
        Ok(100_000)
    );
    assert_eq!(timely(&store, "x and on () y"), Ok(100_000));
    assert_eq!(
        timely(&store, "label_replace(x, \"j\", \"$1\", \"i\", \"(.*)\")"),
        Ok(100_000)
    );
}

#[test]
fn many_operands_of_or_are_united() {
    let names: Vec<String> = (0..1000).map(|i| format!("n{i:04}")).collect();
    let store = Fake::new(
        names
            .iter()
            .map(|name| (name.clone(), vec![floats(&[(60, 1.0)])])),
    );
    // Without the name all are alike, so the first one wins.
    assert_eq!(timely(&store.clone().store(), &names.join(" or ")), Ok(1));
    let on_name = names.join(" or on (__name__) ");
    assert_eq!(timely(&store.store(), &on_name), Ok(1000));
}

/// A match that forgets a label is refused as in the reference, and not by
/// way of a table of all pairs.
#[test]
fn a_join_of_all_with_all_is_refused() {
    let store = Fake::many("x", 20_000, 3)
        .and(Fake::many("y", 20_000, 3))
        .store();
    for text in [
        "x * on () group_left () y",
        "x * on () y",
        "x * on () group_left (i) y",
    ] {
        let error = timely(&store, text).unwrap_err();
        assert!(
            error.starts_with("found duplicate series for the match group {}"),
            "{error}"
        );
    }
}
