//! What stores are told, and what selectors below aggregators read.

use futures::executor::block_on;
use quarrel_engine::storage::{Aggregate, SelectHints};
use quarrel_engine::{QueryOptions, QueryRange};

use super::compactor::{FINE, HOUR, MINUTE, Samples, chunks};
use super::{ask, engine, store};
use crate::fake::Fake;

/// The hints of a query's selects, which allows windows of an hour.
fn hints(text: &str, max_resolution_ms: i64) -> Vec<SelectHints> {
    let fake = Fake::new([("x".to_string(), Vec::new())]);
    let asked = fake.asked.clone();
    let options = QueryOptions::new().max_resolution_ms(max_resolution_ms);
    let range = QueryRange::from_millis(0..=HOUR, MINUTE).unwrap();
    let prepared = engine().prepare(text).unwrap();
    block_on(prepared.range(fake.store(), range, options).execute()).unwrap();
    let asked = asked.lock().unwrap();
    asked.clone()
}

fn aggregates(text: &str) -> Vec<&'static str> {
    let all = hints(text, HOUR);
    assert_eq!(all.len(), 1, "{text}");
    all[0].aggregates.iter().map(|a| a.name()).collect()
}

#[test]
fn a_store_is_asked_for_what_the_function_above_reads() {
    for (text, wanted) in [
        ("x", "count,sum"),
        ("sum(x)", "count,sum"),
        ("avg(x)", "count,sum"),
        ("count_values(\"v\", x)", "count,sum"),
        ("min(x)", "min"),
        ("max by (a) ((x))", "max"),
        ("max(+x)", "max"),
        ("max(-x)", "count,sum"),
        ("max(x + 1)", "count,sum"),
        ("count(x)", "count"),
        ("group(x)", "count"),
        ("absent(x)", "count"),
        ("timestamp(x)", "count"),
        ("sum(rate(x[5m]))", "counter"),
        ("max(rate(x[5m]))", "counter"),
        ("min(max_over_time(x[5m]))", "max"),
        ("count_over_time(x[5m])", "count"),
        ("sum_over_time(x[5m])", "sum"),
        ("avg_over_time(x[5m])", "count,sum"),
        ("quantile_over_time(0.5, x[5m])", "count,sum"),
        ("absent_over_time(x[5m])", "count"),
        ("resets(x[5m])", "counter"),
        // In a subquery each step is one sample.
        ("max_over_time(x[5m:1m])", "max"),
        ("rate(x[5m:1m])", "counter"),
        ("sum_over_time(x[5m:1m])", "count,sum"),
        ("avg_over_time(x[5m:1m])", "count,sum"),
        ("count_over_time(x[5m:1m])", "count"),
        ("max_over_time(sum(x)[5m:1m])", "count,sum"),
        // One select for all.
        ("max(x) - min(x)", "min,max"),
        ("rate(x[5m]) / max(x)", "max,counter"),
    ] {
        assert_eq!(aggregates(text).join(","), wanted, "{text}");
    }
    assert_eq!(hints("rate(x[5m])", 0)[0].aggregates, [Aggregate::Counter]);
}

#[test]
fn windows_that_need_two_samples_have_two() {
    for (text, allowed, wanted) in [
        ("rate(x[30m])", HOUR, 15 * MINUTE),
        ("rate(x[30m])", FINE, FINE),
        ("delta(x[30m])", HOUR, 15 * MINUTE),
        ("deriv(x[30m])", HOUR, 15 * MINUTE),
        ("max_over_time(x[30m])", HOUR, HOUR),
        ("rate(x[30m:1m])", HOUR, HOUR),
        ("rate(x[30m]) / max_over_time(x[30m])", HOUR, 15 * MINUTE),
        ("x", HOUR, HOUR),
        ("x", 0, 0),
        ("x", -5, 0),
    ] {
        let all = hints(text, allowed);
        let finest = all.iter().map(|hints| hints.max_resolution_ms).min();
        assert_eq!(finest, Some(wanted), "{text}");
    }
}

#[test]
fn aggregators_read_their_aggregate() {
    let samples: Samples = (0..300)
        .map(|i| (i * MINUTE, f64::from(i as u32 % 7)))
        .collect();
    let downsampled = store(chunks(&samples, HOUR, &[150]));
    let at = 3 * HOUR;
    let value = |text: &str| {
        let got = ask(&engine(), &downsampled, text, (at, at, 0)).unwrap();
        got[0].1
    };
    assert_eq!(value("min(x)"), 0.0);
    assert_eq!(value("max(x)"), 6.0);
    let average = samples[120..180].iter().map(|s| s.1).sum::<f64>() / 60.0;
    assert!((value("sum(x)") - average).abs() < 1e-12);
    assert!((value("max(-x)") + average).abs() < 1e-12);
    assert_eq!(value("count(x)"), 1.0);
    assert_eq!(value("max(x) - min(x)"), 6.0);
    assert_eq!(value("timestamp(x)"), 179.0 * 60.0);
}
