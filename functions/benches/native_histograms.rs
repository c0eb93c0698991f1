//! Kernels over rows of native histograms: 200 rows of 60 buckets, as a series
//! with a scrape each 15 s has in 50 minutes. Throughput in bucket counts.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quarrel_functions::histogram::native::{
    CounterReset, Growth, HistogramRef, HistogramRows, HistogramSteps, Layout, RowColumns,
    RowWindows, StepAggregate, growth,
};

const ROWS: usize = 200;
const WIDTH: usize = 60;
/// Rows in a window of five minutes.
const WINDOW: usize = 20;

/// A counter of histograms; `shift` moves its buckets.
fn rows(shift: i32) -> HistogramRows {
    let layout = Layout::exponential(3, 0.0, (shift..shift + WIDTH as i32).collect(), vec![]);
    let mut columns = RowColumns::default();
    let (mut buckets, mut seed) = (vec![0.0; WIDTH], 1u64);
    for _ in 0..ROWS {
        for count in &mut buckets {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *count += (seed >> 60) as f64;
        }
        let count: f64 = buckets.iter().sum();
        columns.hints.push(CounterReset::Unknown);
        columns.zero_counts.push(0.0);
        columns.counts.push(count);
        columns.sums.push(count * 0.7);
        columns.buckets.extend_from_slice(&buckets);
    }
    HistogramRows::from_columns(layout.unwrap(), false, columns).unwrap()
}

fn windows() -> impl Iterator<Item = std::ops::RangeInclusive<usize>> {
    (WINDOW..ROWS).map(|last| last - WINDOW..=last)
}

fn kernels(c: &mut Criterion) {
    let mut group = c.benchmark_group("native_histograms");
    group.throughput(Throughput::Elements((ROWS * WIDTH) as u64));
    let series = rows(0);
    group.bench_function("rate, windows over rows", |b| {
        b.iter(|| {
            let windows_of = RowWindows::of_counter(&series, |_| false).unwrap();
            let mut out = HistogramRows::new(Arc::clone(series.layout()), true);
            for window in windows() {
                windows_of.growth(window, Growth::Counter, &mut out);
            }
            out
        });
    });
    group.bench_function("rate, window by window", |b| {
        let points: Vec<HistogramRef<'_>> = series.rows().collect();
        b.iter(|| {
            for window in windows() {
                black_box(growth(&points[window], Growth::Counter, |_| false));
            }
        });
    });
    group.bench_function("sum_over_time, windows over rows", |b| {
        b.iter(|| {
            let mut windows_of = RowWindows::new(&series).unwrap();
            let mut out = HistogramRows::new(Arc::clone(series.layout()), false);
            for window in windows() {
                windows_of.sum(window, &mut out);
            }
            out
        });
    });
    group.bench_function("histogram_quantile", |b| {
        let (mut out, mut annotations) = (vec![0.0; ROWS], Vec::new());
        b.iter(|| series.quantiles(0.9, &mut out, &mut annotations));
    });
    for (name, shifts) in [
        ("one layout", [0; 10]),
        ("ten layouts", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ] {
        let all: Vec<HistogramRows> = shifts.into_iter().map(rows).collect();
        group.throughput(Throughput::Elements((ROWS * WIDTH * 10) as u64));
        group.bench_function(format!("sum of ten series, {name}"), |b| {
            b.iter(|| {
                let mut steps = HistogramSteps::new(StepAggregate::Sum, ROWS);
                all.iter()
                    .for_each(|rows| steps.add(rows, 0..rows.len(), 0.., &mut Vec::new()));
                steps.finish(|_| false)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
