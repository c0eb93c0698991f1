//! Answers of 295,000 floats as Arrow record batches, in both forms.

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quarrel_engine::storage::Storage;
use quarrel_engine::{Engine, QueryOptions, QueryRange, Value};
use quarrel_storage::memory::MemoryStorage;

const SERIES: i64 = 1229;
const STEPS: i64 = 240;
const STEP_MS: i64 = 30_000;

/// Series of five labels with a sample at each step.
fn storage() -> Arc<dyn Storage> {
    let memory = MemoryStorage::new();
    for i in 0..SERIES {
        let labels = [
            ("__name__", "container_memory_bytes".to_string()),
            ("cluster", "production".to_string()),
            ("instance", format!("10.0.{}.{}:9100", i / 250, i % 250)),
            ("job", format!("job-{}", i % 40)),
            ("pod", format!("pod-{i:06}")),
        ];
        let times = (0..STEPS).map(|step| step * STEP_MS).collect();
        let values = (0..STEPS).map(|step| (i * step) as f64).collect();
        let appended = memory.append_series(labels, times, values);
        appended.expect("samples in order");
    }
    Arc::new(memory)
}

fn answer() -> Value {
    let engine = Engine::builder().build().expect("an engine");
    let prepared = engine.prepare("container_memory_bytes").expect("a query");
    let range = QueryRange::from_millis(0..=(STEPS - 1) * STEP_MS, STEP_MS).expect("a range");
    let query = prepared.range(storage(), range, QueryOptions::new());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(query.execute()).expect("an answer").value
}

fn arrow(c: &mut Criterion) {
    let value = answer();
    let batch = value.to_arrow_tidy().expect("a batch");
    assert_eq!(batch.num_rows() as i64, SERIES * STEPS);
    let mut group = c.benchmark_group("arrow");
    group.throughput(Throughput::Elements(batch.num_rows() as u64));
    group.bench_function("nested", |b| b.iter(|| value.to_arrow().expect("a batch")));
    group.bench_function("tidy", |b| {
        b.iter(|| value.to_arrow_tidy().expect("a batch"));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = arrow
}
criterion_main!(benches);
