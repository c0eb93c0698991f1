//! Random queries over data: most of them give some.

use std::sync::Arc;

use quarrel_compliance::random::{Generator, Options, Schema};
use quarrel_engine::{Engine, EngineOptions, ParserOptions, QueryOptions, Value};
use quarrel_storage::memory::MemoryStorage;

const START: i64 = 1_700_000_000_000;
const INTERVAL: i64 = 15_000;
const SAMPLES: i64 = 600;

type LabelPairs = Vec<(String, String)>;

fn series() -> Vec<LabelPairs> {
    let mut all = Vec::new();
    let mut add = |name: &str, labels: &[(&str, &str)]| {
        let pairs = [("__name__", name)]
            .into_iter()
            .chain(labels.iter().copied());
        all.push(
            pairs
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        );
    };
    for (job, instance) in [("api", "a-1:90"), ("api", "b-2:90"), ("web", "c-3:90")] {
        let target = [("job", job), ("instance", instance)];
        for name in ["up", "temperature", "memory_bytes"] {
            add(name, &target);
        }
        for code in ["200", "404", "500"] {
            add("requests_total", &[target[0], target[1], ("code", code)]);
        }
        for le in ["0.1", "1", "10", "+Inf"] {
            add(
                "latency_seconds_bucket",
                &[target[0], target[1], ("le", le)],
            );
        }
        add("build_info", &[target[0], target[1], ("version", "1.2")]);
    }
    add("limit", &[]);
    all
}

fn store(series: &[LabelPairs]) -> MemoryStorage {
    let store = MemoryStorage::new();
    for (index, labels) in series.iter().enumerate() {
        let name = &labels[0].1;
        let bound = labels.iter().position(|(name, _)| name == "le");
        let growth = bound.map_or(index as f64, |_| [5.0, 9.0, 10.0, 10.0][index % 4]);
        let value = |step: i64| {
            let step = step as f64;
            match name.as_str() {
                name if name.ends_with("_total") || name.ends_with("_bucket") => growth * step,
                "temperature" => (step / 10.0).sin() * 30.0,
                "memory_bytes" => 1e9 + step * step,
                _ => 1.0,
            }
        };
        let times = (0..SAMPLES).map(|step| START + step * INTERVAL).collect();
        let values = (0..SAMPLES).map(value).collect();
        store.append_series(labels.clone(), times, values).unwrap();
    }
    store
}

#[derive(Default, Debug)]
struct Tally {
    data: usize,
    empty: usize,
    errors: Vec<String>,
}

async fn tally(options: Options) -> Tally {
    let all = series();
    let store = Arc::new(store(&all));
    let schema = Schema::new(all, START..=START + (SAMPLES - 1) * INTERVAL);
    let mut engine_options = EngineOptions::new();
    engine_options.parser = ParserOptions::all();
    let engine = Engine::new(engine_options).unwrap();
    let mut tally = Tally::default();
    for case in Generator::new(schema, 1, options).take(2_000) {
        let times = case.times.unwrap();
        let query = engine.query(&case.query, store.clone(), times, QueryOptions::new());
        match query.execute().await.map(|result| result.value) {
            Ok(Value::Vector(rows) | Value::Matrix(rows)) if rows.to_series().is_empty() => {
                tally.empty += 1;
            }
            Ok(_) => tally.data += 1,
            Err(error) => tally.errors.push(format!("{}\n  {error}", case.query)),
        }
    }
    tally
}

#[tokio::test]
async fn most_queries_give_data() {
    for experimental in [false, true] {
        let tally = tally(Options {
            experimental,
            broken: 0,
            past: false,
        })
        .await;
        let errors = tally.errors.join("\n");
        assert!(tally.errors.len() < 200, "{errors}");
        assert!(
            tally.data > 1_450,
            "{} with data, {} empty",
            tally.data,
            tally.empty
        );
    }
}
