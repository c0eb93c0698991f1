//! Reading an answer of Prometheus's HTTP API, as `quarrel compare` does: 3,000
//! series of 241 steps, 23 MB of JSON with all digits.

use std::fmt::Write as _;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use quarrel_compliance::answer::Answer;
use quarrel_compliance::compare::{Promise, Strictness, compare};

const SERIES: u64 = 3000;
const STEPS: u64 = 241;

fn body() -> Vec<u8> {
    let mut text = String::from(r#"{"status":"success","data":{"resultType":"matrix","result":["#);
    for i in 0..SERIES {
        let comma = if i > 0 { "," } else { "" };
        let _ = write!(
            text,
            r#"{comma}{{"metric":{{"__name__":"container_cpu_usage_seconds_total","job":"job-{}","pod":"pod-{i:06}"}},"values":["#,
            i % 40
        );
        for step in 0..STEPS {
            let comma = if step > 0 { "," } else { "" };
            let value = (i * 977 + step * 31) as f64 / 7.0;
            let _ = write!(text, r#"{comma}[{},"{value}"]"#, 1_700_000_000 + step * 30);
        }
        text.push_str("]}");
    }
    text.push_str("]}}");
    text.into_bytes()
}

fn answer(c: &mut Criterion) {
    let body = body();
    let mut group = c.benchmark_group("answer");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("read", |b| {
        b.iter_batched(
            || body.clone(),
            |body| Answer::read(200, body).expect("an answer"),
            BatchSize::LargeInput,
        );
    });
    let read = || Answer::read(200, body.clone()).expect("an answer");
    let (one, other) = (read(), read());
    group.bench_function("compare", |b| {
        b.iter(|| compare(&one, &other, Promise::None, &Strictness::default()));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = answer
}
criterion_main!(benches);
