//! Queries on the benchmark block, through the library.

use criterion::{Criterion, criterion_group, criterion_main};
use quarrel_benches::classes::block_queries;
use quarrel_benches::{Shape, open};
use quarrel_engine::{Engine, EngineOptions};

const NAMES: [&str; 8] = [
    "sum_rate_1m",
    "sum_rate_5m",
    "sum_rate_1h",
    "rate_1m",
    "sum_by_pod_rate",
    "binary_many_to_one",
    "topk",
    "instant_one_series",
];

fn engine(c: &mut Criterion) {
    let data = Shape::X.directory().expect("the benchmark block");
    let store = open(&data).expect("a readable block");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let engine = Engine::new(EngineOptions::default()).expect("an engine");
    let list = block_queries();
    for query in list.iter().filter(|q| NAMES.contains(&q.name)) {
        c.bench_function(query.name, |b| {
            b.iter(|| {
                runtime
                    .block_on(query.run(&engine, &store))
                    .expect("an answer")
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = engine
}
criterion_main!(benches);
