//! The kernels' cost a step, on one series of a day as Prometheus writes it,
//! 30 s apart with a few ms of jitter, evaluated each 30 s.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use quarrel_functions::aggregate::{Accumulator, AggregateFunction};
use quarrel_functions::grid::{Grid, Param};
use quarrel_functions::histogram::classic::{BucketRow, ClassicRows};
use quarrel_functions::table::{Kind, lookup};
use quarrel_functions::window::{Bounds, WindowInput, WindowScratch, compute_bounds};

const SAMPLES: usize = 2880;
const GAP_MS: i64 = 30_000;
const MINUTE_MS: i64 = 60_000;

/// A small generator, so that values are neither sorted nor periodic.
fn noise(i: usize) -> u64 {
    (i as u64)
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        >> 33
}

fn timestamps(jitter: bool) -> Vec<i64> {
    let jitter = |i| if jitter { noise(i) as i64 % 7 } else { 0 };
    (0..SAMPLES)
        .map(|i| i as i64 * GAP_MS + jitter(i))
        .collect()
}

fn gauge() -> Vec<f64> {
    (0..SAMPLES)
        .map(|i| noise(i) as f64 % 10_000.0 / 7.0)
        .collect()
}

fn counter() -> Vec<f64> {
    let mut total = 0.0;
    let add = |i: usize| {
        total = if i % 700 == 699 {
            0.0
        } else {
            total + noise(i) as f64 % 100.0
        };
        total
    };
    (0..SAMPLES).map(add).collect()
}

fn grid() -> Grid {
    Grid {
        start_ms: 11,
        step_ms: GAP_MS,
        len: SAMPLES,
    }
}

fn bounds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compute_bounds");
    group.throughput(Throughput::Elements(SAMPLES as u64));
    for (name, jitter) in [("even", false), ("jitter", true)] {
        let timestamps = timestamps(jitter);
        let mut bounds = Vec::new();
        group.bench_function(name, |b| {
            b.iter(|| compute_bounds(black_box(&timestamps), grid(), 5 * MINUTE_MS, &mut bounds));
        });
    }
    group.finish();
}

fn windows(criterion: &mut Criterion) {
    let timestamps = timestamps(true);
    let functions = [
        ("rate", counter()),
        ("sum_over_time", gauge()),
        ("avg_over_time", gauge()),
        ("max_over_time", gauge()),
        ("stddev_over_time", gauge()),
        ("quantile_over_time", gauge()),
        ("deriv", gauge()),
    ];
    let mut scratch = WindowScratch::default();
    let (mut out, mut present) = (vec![0.0; SAMPLES], vec![false; SAMPLES]);
    for (name, values) in &functions {
        let Some(Kind::Window(function)) = lookup(name).map(|row| row.kind) else {
            panic!("{name} is a window function")
        };
        let mut group = criterion.benchmark_group(*name);
        group.throughput(Throughput::Elements(SAMPLES as u64));
        for minutes in [5, 20, 60, 360] {
            let range_ms = minutes * MINUTE_MS;
            let mut bounds: Vec<Bounds> = Vec::new();
            compute_bounds(&timestamps, grid(), range_ms, &mut bounds);
            let (ends, eval) = (grid(), grid());
            let input = WindowInput {
                raised_by: None,
                timestamps: &timestamps,
                values,
                bounds: &bounds,
                ends,
                range_ms,
                start_timestamps: None,
                extension: None,
                eval,
            };
            group.bench_function(BenchmarkId::from_parameter(format!("{minutes}m")), |b| {
                b.iter(|| {
                    let q = [Param::Const(0.9)];
                    let input = black_box(&input);
                    function
                        .eval(input, &q, &mut scratch, &mut out, &mut present)
                        .expect("valid");
                });
            });
        }
        group.finish();
    }
}

fn aggregates(criterion: &mut Criterion) {
    use AggregateFunction as A;
    let values = gauge();
    let present: Vec<bool> = (0..SAMPLES).map(|i| !noise(i).is_multiple_of(10)).collect();
    let mut group = criterion.benchmark_group("aggregate");
    group.throughput(Throughput::Elements(SAMPLES as u64));
    for (name, function) in [
        ("sum", A::Sum),
        ("avg", A::Avg),
        ("max", A::Max),
        ("stddev", A::Stddev),
    ] {
        for (rows, mask) in [("full", None), ("masked", Some(&present[..]))] {
            let mut state = Accumulator::new(function);
            state.cover(0..SAMPLES);
            group.bench_function(BenchmarkId::new(name, rows), |b| {
                b.iter(|| state.add(0, black_box(&values), mask));
            });
        }
    }
    group.finish();
}

fn histograms(criterion: &mut Criterion) {
    const BUCKETS: usize = 12;
    let rows: Vec<Vec<f64>> = (0..BUCKETS)
        .map(|b| {
            (0..SAMPLES)
                .map(|i| (b * 100) as f64 + noise(i) as f64 % 90.0)
                .collect()
        })
        .collect();
    let bound = |b: usize| {
        if b + 1 == BUCKETS {
            f64::INFINITY
        } else {
            f64::from(1 << b)
        }
    };
    let (mut out, mut present) = (vec![0.0; SAMPLES], vec![false; SAMPLES]);
    let mut group = criterion.benchmark_group("histogram_quantile");
    group.throughput(Throughput::Elements(SAMPLES as u64));
    group.bench_function("12 buckets", |b| {
        let rows = rows.iter().enumerate().map(|(b, values)| BucketRow {
            upper_bound: bound(b),
            first_step: 0,
            values,
            present: None,
        });
        let mut rows = ClassicRows::new(rows.collect());
        b.iter(|| {
            rows.quantile(
                black_box(Param::Const(0.9)),
                &mut out,
                &mut present,
                |_, _| {},
            )
        });
    });
    group.finish();
}

criterion_group!(benches, bounds, windows, aggregates, histograms);
criterion_main!(benches);
