//! Replicas that scrape at other times: no sample counts twice, no counter is reset
//! by a change of replica, and an answer depends on the samples alone.

use std::sync::Arc;

use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use quarrel_engine::storage::{Deduplication, Storage};
use quarrel_engine::{QueryOptions, QueryRange, SampleValue, Timestamp, Value};
use quarrel_storage::memory::MemoryStorage;
use quarrel_storage::replicas::Replicas;

use super::data::{Metric, Scrape, append, united};
use super::queries::queries;
use crate::support::engine;

/// Points of an answer: its series, time, and the bits of its value or its text.
type Points = Vec<(String, i64, String)>;

fn points(value: &Value) -> Points {
    let set = match value {
        Value::Vector(set) | Value::Matrix(set) => set,
        _ => panic!("rows"),
    };
    let mut out = Points::new();
    for series in set.to_series() {
        let labels = format!("{:?}", series.labels);
        for point in &series.points {
            let value = match point.value {
                SampleValue::Float(value) => format!("{:x}", value.to_bits()),
                SampleValue::Histogram(h) => h.to_text(),
            };
            out.push((labels.clone(), point.timestamp, value));
        }
    }
    out.sort();
    out
}

fn over(storage: &Arc<dyn Storage>, text: &str, (start, end, step): (i64, i64, i64)) -> Points {
    let prepared = engine(1).prepare(text).unwrap();
    let range = QueryRange::from_millis(start..=end, step).unwrap();
    let query = prepared.range(Arc::clone(storage), range, QueryOptions::new());
    points(&block_on(query.execute()).unwrap().value)
}

fn at(storage: &Arc<dyn Storage>, text: &str, time: i64) -> Points {
    let prepared = engine(1).prepare(text).unwrap();
    let time = Timestamp::from_millis(time);
    let query = prepared.instant(Arc::clone(storage), time, QueryOptions::new());
    points(&block_on(query.execute()).unwrap().value)
}

/// Functions whose windows slide over the steps, so that roundings depend on where a
/// query begins, whatever the samples.
const SLIDING: [&str; 6] = [
    "avg_over_time",
    "deriv",
    "integral",
    "predict_linear",
    "std",
    "sum_over_time",
];

/// Whether two answers are the same, to the bit if the function allows it.
fn same(text: &str, a: &Points, b: &Points) -> bool {
    if !SLIDING.iter().any(|name| text.starts_with(name)) || a.len() != b.len() {
        return a == b;
    }
    let float = |bits: &str| u64::from_str_radix(bits, 16).map(f64::from_bits);
    a.iter()
        .zip(b)
        .all(|(a, b)| match (float(&a.2), float(&b.2)) {
            (Ok(x), Ok(y)) => {
                let close = (x - y).abs() <= 1e-9 * x.abs().max(y.abs()).max(1.0);
                (&a.0, a.1) == (&b.0, b.1) && (close || x.to_bits() == y.to_bits())
            }
            _ => a == b,
        })
}

/// A counter that grows by its time, with resets at some times.
fn scrape(time: i64, resets: &[i64]) -> Scrape {
    let begun = resets.iter().copied().filter(|r| *r <= time).max();
    let begun = begun.unwrap_or(0);
    Scrape {
        time,
        count: ((time - begun) / 5_000) as u32,
        start: begun,
        gauge: (time / 9_000 % 50) as i32,
        stale: false,
    }
}

/// What a replica has of a target that is scraped every 15 s: it is shifted, loses
/// samples, and is down now and then.
fn replica() -> impl Strategy<Value = Vec<i64>> {
    let down = vec((0usize..300, 1usize..80), 0..3);
    (0i64..15_000, vec(0u32..10, 300), down).prop_map(|(shift, lost, down)| {
        let is_down = |i: usize| down.iter().any(|d| d.0 <= i && i < d.0 + d.1);
        let there = (0..300).filter(|&i| lost[i] > 0 && !is_down(i));
        there
            .map(|i| 1_000_000 + i as i64 * 15_000 + shift)
            .collect()
    })
}

fn scrapes(replicas: &[Vec<i64>], resets: &[i64]) -> Vec<Vec<Scrape>> {
    let of_replica = |times: &Vec<i64>| times.iter().map(|&t| scrape(t, resets)).collect();
    replicas.iter().map(of_replica).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_split_changes_no_value(
        replicas in vec(replica(), 2..4),
        resets in vec(1_000_000i64..5_500_000, 0..3),
        (start, steps, step) in (900_000i64..5_000_000, 2i64..40, 5_000i64..150_000),
        (split, metric) in (any::<prop::sample::Index>(), prop::sample::select(&Metric::ALL[..])),
    ) {
        let storage = united(&scrapes(&replicas, &resets));
        let end = start + (steps - 1) * step;
        let first_end = start + split.index(steps as usize - 1) as i64 * step;
        for text in queries(metric).iter().filter(|text| !text.contains("absent")) {
            let whole = over(&storage, text, (start, end, step));
            let mut parts = over(&storage, text, (start, first_end, step));
            parts.extend(over(&storage, text, (first_end + step, end, step)));
            parts.sort();
            prop_assert!(same(text, &parts, &whole), "{text}: {parts:?} for {whole:?}");
            let own: Points = whole.into_iter().filter(|p| p.1 == first_end).collect();
            let instant = at(&storage, text, first_end);
            prop_assert!(same(text, &instant, &own), "{text}: {instant:?} for {own:?}");
        }
    }

    #[test]
    fn counters_grow_as_if_nothing_was_lost(
        replicas in vec(replica(), 2..4),
        (start, steps) in (1_000_000i64..5_000_000, 2i64..60),
    ) {
        let storage = united(&scrapes(&replicas, &[]));
        let times = (start, start + steps * 60_000, 60_000);
        let mut everywhere: Vec<i64> = replicas.concat();
        everywhere.sort_unstable();
        for text in ["resets(requests_total[10m])", "resets(latency[10m])"] {
            for (_, time, value) in over(&storage, text, times) {
                prop_assert_eq!(value, format!("{:x}", 0f64.to_bits()), "{} at {}", text, time);
            }
        }
        for (_, time, bits) in over(&storage, "count_over_time(load[10m])", times) {
            let count = f64::from_bits(u64::from_str_radix(&bits, 16).unwrap());
            // As many as one replica has, and one more at each of the window's ends,
            // and where more than two fill a gap.
            let changes = if replicas.len() > 2 { 20.0 } else { 1.0 };
            prop_assert!(count <= 40.0 + changes, "{} at {}", count, time);
        }
        for (_, time, bits) in over(&storage, "rate(requests_total[5m])", times) {
            let rate = f64::from_bits(u64::from_str_radix(&bits, 16).unwrap());
            prop_assert!((0.0..=0.3).contains(&rate), "{} at {}", rate, time);
        }
    }
}

#[test]
fn each_way_of_deduplication_is_another_answer() {
    // The first replica misses each fourth sample, the other one is 4 s behind.
    let first = (0..80).filter(|i| i % 4 != 3).map(|i| i * 15_000);
    let other = (0..80).map(|i| i * 15_000 + 4_000);
    let memory = MemoryStorage::new();
    let replicas = scrapes(&[first.collect(), other.collect()], &[]);
    append(&memory, Metric::Counter, "a", &replicas[0]);
    append(&memory, Metric::Counter, "b", &replicas[1]);
    let memory: Arc<dyn Storage> = Arc::new(memory);
    let count = |deduplication| {
        let replicas = Replicas::new(Arc::clone(&memory), ["replica"]);
        let storage: Arc<dyn Storage> = Arc::new(replicas.with_deduplication(deduplication));
        let answer = at(&storage, "count_over_time(requests_total[10m])", 900_000);
        let [(_, _, bits)] = &answer[..] else {
            panic!("one series, not {answer:?}");
        };
        f64::from_bits(u64::from_str_radix(bits, 16).unwrap())
    };
    assert_eq!(count(Deduplication::Replicas), 40.0);
    assert_eq!(count(Deduplication::Chain), 70.0);
    let thanos = count(Deduplication::Penalty);
    assert!((30.0..40.0).contains(&thanos), "{thanos}");
}
