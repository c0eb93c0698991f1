//! What a step of each window function costs, by the length of its window: a
//! sample each 30 s with a few ms of jitter, a step each 30 s, over a day whose
//! windows are all full. Prints ns a step and what 24 h cost relative to 5 min.
//! Names given on the command line are those that are measured.

use std::hint::black_box;
use std::time::{Duration, Instant};

use quarrel_functions::grid::{Grid, Param};
use quarrel_functions::table::{Kind, all};
use quarrel_functions::window::{Bounds, WindowInput, WindowScratch, compute_bounds};

const DAY: usize = 2880;
const GAP_MS: i64 = 30_000;
const MINUTE_MS: i64 = 60_000;
const MINUTES: [i64; 4] = [5, 60, 360, 1440];
/// How long each is measured; the fastest run counts.
const PATIENCE: Duration = Duration::from_millis(150);

fn noise(i: usize) -> u64 {
    (i as u64)
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        >> 33
}

fn params(name: &str) -> Vec<Param<'static>> {
    match name {
        "integral" => vec![],
        _ => vec![Param::Const(0.9), Param::Const(0.3)],
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let timestamps: Vec<i64> = (0..2 * DAY)
        .map(|i| i as i64 * GAP_MS + noise(i) as i64 % 7)
        .collect();
    let values: Vec<f64> = (0..2 * DAY)
        .map(|i| noise(i) as f64 % 10_000.0 / 7.0)
        .collect();
    let quantiles: Vec<f64> = (0..DAY).map(|i| noise(i) as f64 % 100.0 / 100.0).collect();
    // A counter, which begins anew once.
    let counter: Vec<f64> = (0..2 * DAY)
        .map(|i| (i % (DAY + 900)) as f64 * 7.5)
        .collect();
    println!(
        "{:32} {:>8} {:>8} {:>8} {:>8} {:>6}",
        "ns/step", "5m", "1h", "6h", "24h", "ratio"
    );
    let measure = |name: &str, label: &str, params: &[Param<'_>]| {
        let is_wanted = |names: &[String]| {
            let mut named = names
                .iter()
                .filter(|name| !name.starts_with("--"))
                .peekable();
            named.peek().is_none() || named.any(|wanted| label.contains(wanted.as_str()))
        };
        if is_wanted(&wanted) {
            let is_counter = ["rate", "increase", "irate", "resets"].contains(&name);
            let values = if is_counter { &counter } else { &values };
            let costs = MINUTES.map(|minutes| cost(name, minutes, params, &timestamps, values));
            let [a, b, c, d] = costs;
            let ratio = d / a;
            println!("{label:32} {a:8.1} {b:8.1} {c:8.1} {d:8.1} {ratio:6.2}");
        }
    };
    for row in all() {
        if matches!(row.kind, Kind::Window(_)) {
            measure(row.name, row.name, &params(row.name));
        }
    }
    let moving = [Param::PerStep(&quantiles)];
    measure("quantile_over_time", "quantile_over_time, by step", &moving);
}

/// ns a step.
fn cost(name: &str, minutes: i64, params: &[Param<'_>], timestamps: &[i64], values: &[f64]) -> f64 {
    let Some(Kind::Window(function)) = quarrel_functions::table::lookup(name).map(|row| row.kind)
    else {
        panic!("{name} is a window function")
    };
    let ends = Grid {
        start_ms: DAY as i64 * GAP_MS + 11,
        step_ms: GAP_MS,
        len: DAY,
    };
    let range_ms = minutes * MINUTE_MS;
    let mut bounds: Vec<Bounds> = Vec::new();
    compute_bounds(timestamps, ends, range_ms, &mut bounds);
    let input = WindowInput {
        raised_by: None,
        timestamps,
        values,
        bounds: &bounds,
        ends,
        range_ms,
        start_timestamps: None,
        extension: None,
        eval: ends,
    };
    let mut scratch = WindowScratch::default();
    let (mut out, mut present) = (vec![0.0; DAY], vec![false; DAY]);
    let (begun, mut best) = (Instant::now(), f64::MAX);
    while best == f64::MAX || begun.elapsed() < PATIENCE {
        let start = Instant::now();
        function
            .eval(
                black_box(&input),
                params,
                &mut scratch,
                &mut out,
                &mut present,
            )
            .expect("valid parameters");
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e9 / DAY as f64
}
