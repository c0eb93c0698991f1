//! Stores and short ways to ask.

use std::sync::Arc;

use futures::executor::block_on;
use quarrel_engine::storage::Storage;
use quarrel_engine::{
    Engine, EngineOptions, QueryError, QueryOptions, QueryRange, QueryResult, SampleValue, Series,
    Timestamp, Value,
};
use quarrel_planner::ParserOptions;
use quarrel_storage::memory::MemoryStorage;

/// A store from lines of `name{label="value"} v0 v1 _ v3`, 30 s apart from 0;
/// `_` is a gap, `stale` a stale marker.
pub fn store(text: &str) -> Arc<dyn Storage> {
    let memory = MemoryStorage::new();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (name, values) = match line.find('}') {
            Some(end) => line.split_at(end + 1),
            None => line.split_once(' ').expect("values behind the name"),
        };
        let labels = labels_of(name);
        for (i, word) in values.split_whitespace().enumerate() {
            let value = match word {
                "_" => continue,
                "stale" => f64::from_bits(0x7ff0_0000_0000_0002),
                number => number.parse().expect("a number"),
            };
            let labels = labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
            memory
                .append(labels, i as i64 * 30_000, value)
                .expect("samples in order");
        }
    }
    Arc::new(memory)
}

pub fn labels_of(text: &str) -> Vec<(String, String)> {
    let (name, rest) = text.split_once('{').unwrap_or((text, "}"));
    let mut labels = vec![("__name__".to_string(), name.to_string())];
    for pair in rest
        .trim_end_matches('}')
        .split(',')
        .filter(|p| !p.is_empty())
    {
        let (name, value) = pair.split_once('=').expect("label=value");
        labels.push((name.to_string(), value.trim_matches('"').to_string()));
    }
    labels.sort();
    labels
}

/// An engine with so many threads.
pub fn engine(threads: usize) -> Engine {
    Engine::new(
        EngineOptions::new()
            .threads(threads)
            .parser(ParserOptions::all()),
    )
    .expect("an engine")
}

/// A time, seconds.
pub fn at_secs(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

/// Start, end and step, seconds.
pub fn over_secs((start, end, step): (i64, i64, i64)) -> QueryRange {
    QueryRange::from_millis(start * 1000..=end * 1000, step * 1000).expect("times in order")
}

/// A range query, seconds.
pub fn range(
    store: &Arc<dyn Storage>,
    text: &str,
    times: (i64, i64, i64),
) -> Result<QueryResult, QueryError> {
    let prepared = engine(2).prepare(text)?;
    let query = prepared.range(Arc::clone(store), over_secs(times), QueryOptions::new());
    block_on(query.execute())
}

/// An instant query, seconds.
pub fn instant(store: &Arc<dyn Storage>, text: &str, at: i64) -> Result<QueryResult, QueryError> {
    let prepared = engine(2).prepare(text)?;
    let query = prepared.instant(Arc::clone(store), at_secs(at), QueryOptions::new());
    block_on(query.execute())
}

/// An answer as text, a line a series.
pub fn show(result: &QueryResult) -> String {
    match &result.value {
        Value::Scalar { timestamp, value } => format!("{value} @{}", timestamp / 1000),
        Value::String { value, .. } => format!("{value:?}"),
        Value::Vector(set) | Value::Matrix(set) => set
            .to_series()
            .iter()
            .map(show_series)
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

fn show_series(series: &Series<'_>) -> String {
    let labels: Vec<String> = series
        .labels
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let points: Vec<String> = series
        .points
        .iter()
        .map(|p| match p.value {
            SampleValue::Float(value) => format!("{value}@{}", p.timestamp / 1000),
            SampleValue::Histogram(h) => format!("{}@{}", h.to_text(), p.timestamp / 1000),
        })
        .collect();
    format!("{{{}}} {}", labels.join(","), points.join(" "))
}
