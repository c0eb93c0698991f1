//! Three years of 1,000 series in windows of an hour, as Thanos's Compactor makes
//! them, in one range query with a step of a day.

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::BoxFuture;
use quarrel_engine::labels::{Label, LabelList};
use quarrel_engine::storage::{
    Aggregates, Chunk, EncodedChunk, Encoding, FloatEncoder, LabelsRequest, SelectRequest,
    Selected, SeriesSource, Snapshot, Storage, StorageError, TimeRange, XorEncoder,
};
use quarrel_engine::{Engine, EngineOptions, QueryOptions, QueryRange};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const YEARS: i64 = 3 * 365 * DAY;
const SERIES: usize = 1_000;
/// Windows of a chunk: Thanos's most.
const WINDOWS: i64 = 140;
/// Scrapes in an hour.
const SAMPLES: f64 = 240.0;

/// Different contents of chunks; the series share them.
const KINDS: usize = 16;

struct Years {
    /// The chunks of each kind of series.
    chunks: Vec<Vec<Chunk>>,
}

/// The chunks of one series.
fn chunks(mut seed: u64) -> Vec<Chunk> {
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 40) as f64 / 1024.0
    };
    let mut out = Vec::new();
    let (mut total, mut start) = (0.0, 0);
    while start < YEARS {
        let mut columns: [XorEncoder; 5] = Default::default();
        columns[4].append(start + 7_000, total);
        let ends = (0..WINDOWS).map(|window| start + (window + 1) * HOUR - 1);
        let ends: Vec<i64> = ends.take_while(|end| *end < YEARS).collect();
        for &end in &ends {
            let (low, high) = (random(), random());
            total += high;
            let values = [
                SAMPLES,
                SAMPLES * (low + high) / 2.0,
                low.min(high),
                high.max(low),
                total,
            ];
            for (column, value) in columns.iter_mut().zip(values) {
                column.append(end, value);
            }
        }
        let last = ends.last().copied().unwrap_or(start);
        columns[4].append(last, total);
        let [count, sum, min, max, counter] = columns.map(|column| {
            Some(EncodedChunk {
                encoding: Encoding::Xor,
                bytes: column.bytes().to_vec().into(),
            })
        });
        let aggregates = Aggregates {
            count,
            sum,
            min,
            max,
            counter,
        };
        let times = TimeRange {
            start: start + HOUR - 1,
            end: last,
        };
        out.push(Chunk::aggregates(aggregates, times));
        start += WINDOWS * HOUR;
    }
    out
}

impl Storage for Years {
    fn snapshot(&self, _: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let chunks = self.chunks.clone();
        async move { Ok(Arc::new(Years { chunks }) as Arc<dyn Snapshot>) }.boxed()
    }
}

impl Snapshot for Years {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        async move {
            let mut labels = LabelList::new();
            for number in 0..SERIES {
                let pairs = [
                    ("__name__", "x".to_string()),
                    ("pod", format!("{number:04}")),
                ];
                labels.push(pairs.iter().map(|(name, value)| Label {
                    name: request.symbols.intern(name),
                    value: request.symbols.intern(value),
                }));
            }
            let chunks = self.chunks.clone();
            Ok(Selected::new(labels, Arc::new(Years { chunks })))
        }
        .boxed()
    }

    fn label_names<'a>(
        &'a self,
        _: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn label_values<'a>(
        &'a self,
        _: &'a str,
        _: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        async { Ok(Vec::new()) }.boxed()
    }
}

impl SeriesSource for Years {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        out.extend_from_slice(&self.chunks[row as usize % KINDS]);
        Ok(())
    }

    fn estimated_samples(&self) -> Option<u64> {
        Some((YEARS / HOUR) as u64 * SERIES as u64)
    }
}

fn years(c: &mut Criterion) {
    let chunks = (0..KINDS).map(|kind| chunks(kind as u64 + 1)).collect();
    let store: Arc<dyn Storage> = Arc::new(Years { chunks });
    let engine = Engine::new(EngineOptions::default()).expect("an engine");
    let mut group = c.benchmark_group("three_years");
    group.sample_size(10);
    for text in [
        "sum(increase(x[1d]))",
        "rate(x[1d])",
        "max_over_time(x[1d])",
        "sum(count_over_time(x[1d]))",
        "avg_over_time(x[1d])",
        "sum by (pod) (x)",
    ] {
        let prepared = engine.prepare(text).expect("a query");
        group.bench_function(text, |b| {
            b.iter(|| {
                let options = QueryOptions::new().max_resolution_ms(HOUR);
                let options = options.lookback_delta(std::time::Duration::from_secs(3600));
                let range = QueryRange::from_millis(DAY..=YEARS, DAY).expect("a range");
                let query = prepared.range(Arc::clone(&store), range, options);
                block_on(query.execute()).expect("an answer")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, years);
criterion_main!(benches);
