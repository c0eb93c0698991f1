//! Answers are the same to the bit on any number of threads.

use std::sync::Arc;

use futures::executor::block_on;
use quarrel_engine::storage::Storage;
use quarrel_engine::{QueryOptions, QueryResult, Value};

use crate::fake::{Fake, floats};
use crate::support::{at_secs, engine, over_secs};

/// Series whose sums depend on the order of summation, and that come and go.
fn store() -> Arc<dyn Storage> {
    let series = |name: &str, count: usize| {
        Fake::new((0..count).map(|i| {
            let first = (i % 7) as i64;
            let value = |s: i64| ((i as f64 + 0.1) * 1.7).powi(9) / (s as f64 + 3.3) + s as f64;
            let samples: Vec<(i64, f64)> =
                (first..first + 24).map(|s| (s * 30, value(s))).collect();
            let labels = format!("{name}{{g=\"{}\",i=\"{i:05}\"}}", i % 13);
            (labels, vec![floats(&samples)])
        }))
        .sorted()
    };
    let store = series("x_total", 3000).and(series("y_total", 1500));
    // Guessed samples beyond what runs on the caller's thread.
    let large = Fake {
        estimate: Some(10_000_000),
        ..store
    };
    large.store()
}

/// Labels and the bits of all samples, in order.
fn bits(result: &QueryResult) -> Vec<String> {
    let set = match &result.value {
        Value::Vector(set) | Value::Matrix(set) => set,
        Value::Scalar { value, .. } => return vec![format!("{:x}", value.to_bits())],
        Value::String { .. } => panic!("no text was asked for"),
    };
    set.to_series()
        .into_iter()
        .map(|series| {
            let points: Vec<String> = series
                .points
                .iter()
                .map(|p| {
                    let value = p.value.as_float().expect("a float");
                    format!("{:x}@{}", value.to_bits(), p.timestamp)
                })
                .collect();
            format!("{:?} {}", series.labels, points.join(" "))
        })
        .collect()
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let store = store();
    let engines = [1, 2, 3, 8].map(engine);
    for text in [
        "x_total",
        "sum(x_total)",
        "avg by (g) (rate(x_total[2m]))",
        "stddev by (g) (x_total)",
        "topk by (g) (2, x_total)",
        "quantile(0.3, x_total)",
        "x_total / on (g, i) y_total",
        "sum(x_total * on (i) group_left () y_total)",
        "x_total unless on (i) y_total",
        "sum by (g) (x_total) or avg by (i) (y_total)",
        "count_values by (g) (\"v\", sgn(x_total))",
        "sum(max_over_time(sum by (g) (rate(x_total[1m]))[3m:30s]))",
        "scalar(sum(x_total)) + sum(y_total)",
        "-x_total + x_total",
        "sum by (g) (rate(x_total[2m])) / count by (g) (rate(x_total[2m]))",
        "rate(x_total[2m]) / on (g) group_left () sum by (g) (rate(x_total[2m]))",
        "absent(nothing) + on () sum(x_total)",
        "sum(x_total @ 300) + sum(x_total)",
        "sum(x_total / on (i) group_left fill (2) y_total)",
        "sum by (g) (increase(x_total[2m] anchored))",
        "avg(rate(x_total[2m] smoothed) + on (g, i) (y_total smoothed))",
        "sum(info(x_total, {__name__=\"y_total\"}))",
    ] {
        let answers: Vec<_> = engines
            .iter()
            .map(|engine| {
                let prepared = engine.prepare(text).unwrap();
                let instant =
                    prepared.instant(Arc::clone(&store), at_secs(300), QueryOptions::new());
                let range = prepared.range(
                    Arc::clone(&store),
                    over_secs((120, 600, 30)),
                    QueryOptions::new(),
                );
                let (instant, range) = (block_on(instant.execute()), block_on(range.execute()));
                (bits(&instant.unwrap()), bits(&range.unwrap()))
            })
            .collect();
        assert!(
            !answers[0].0.is_empty() && !answers[0].1.is_empty(),
            "{text}"
        );
        for other in &answers[1..] {
            assert!(answers[0] == *other, "{text} depends on threads");
        }
    }
}

#[test]
fn rows_that_are_shared_fold_as_those_that_are_not() {
    let (store, engine) = (store(), engine(2));
    let ask = |text: &str| {
        let prepared = engine.prepare(text).unwrap();
        let times = over_secs((120, 600, 30));
        let range = prepared.range(Arc::clone(&store), times, QueryOptions::new());
        bits(&block_on(range.execute()).unwrap())
    };
    let alone = ask("sum by (g) (rate(x_total[2m]))");
    for shared in [
        "sum by (g) (rate(x_total[2m])) + 0 * count by (g) (rate(x_total[2m]))",
        "sum by (g) (rate(x_total[2m])) and on (g) rate(x_total[2m])",
    ] {
        assert_eq!(ask(shared), alone, "{shared}");
    }
}
