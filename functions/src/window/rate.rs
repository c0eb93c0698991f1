//! `rate`, `increase`, `delta`, `irate`, `idelta`.
//!
//! A counter that falls was reset; the value before the fall is added to what
//! the window gained. The positions of resets are found once for the series,
//! and only those inside a window are added, in order, as Prometheus does:
//! with few resets a window costs the same whatever its length. (Differences
//! of running sums would not give the same bits, and an infinite value before
//! a reset would poison all that follows.)
//!
//! What each window needs is gathered for some steps at a time into small
//! arrays, over which the extrapolation is branch-free arithmetic (`lanes.rs`).

use super::avx2::{Avx2, extrapolate_lanes};
use super::extended::extended;
use super::extrapolation::{Extent, seconds};
use super::function::FloatKernel::{Buffered, Samples};
use super::function::{HistogramKernel, WindowFunction};
use super::input::WindowInput;
use super::lanes::{Edges, LANES, Lanes};
use super::native::instant;
use super::native::rate::{self, Rate};
use super::neighbours::{Resets, find_resets};
use super::scratch::WindowScratch;
use crate::histogram::native::Growth;
use crate::paths::takes_fast;

/// `rate`
pub static RATE: WindowFunction = WindowFunction::new(
    Buffered(extrapolated::<true, true>),
    HistogramKernel::Corrects(|series, out| rate::eval(series, Rate::PER_SECOND, out)),
)
.extended(extended::<true, true>);

/// `increase`
pub static INCREASE: WindowFunction = WindowFunction::new(
    Buffered(extrapolated::<true, false>),
    HistogramKernel::Corrects(|series, out| rate::eval(series, Rate::INCREASE, out)),
)
.extended(extended::<true, false>);

/// `delta`
pub static DELTA: WindowFunction = WindowFunction::new(
    Buffered(extrapolated::<false, false>),
    HistogramKernel::Corrects(|series, out| rate::eval(series, Rate::DELTA, out)),
)
.extended(extended::<false, false>);

/// `irate`
pub static IRATE: WindowFunction = WindowFunction::new(
    Samples(last_two::<true>),
    HistogramKernel::Corrects(|series, out| instant::last_two(series, Growth::Counter, out)),
);

/// `idelta`
pub static IDELTA: WindowFunction = WindowFunction::new(
    Samples(last_two::<false>),
    HistogramKernel::Corrects(|series, out| instant::last_two(series, Growth::Gauge, out)),
);

/// `rate` (`COUNTER`, `PER_SECOND`), `increase` (`COUNTER`), `delta`.
fn extrapolated<const COUNTER: bool, const PER_SECOND: bool>(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    scratch.indices.clear();
    if COUNTER {
        find_resets(input, &mut scratch.indices);
    }
    let mut resets = Resets::new(&scratch.indices);
    let divisor = if PER_SECOND {
        seconds(input.range_ms)
    } else {
        1.0
    };
    let finish =
        |gained: f64, factor: f64| gained * if PER_SECOND { factor / divisor } else { factor };
    if input.raised_by.is_none() && takes_fast(out.len() >= MANY) {
        in_lanes::<COUNTER, PER_SECOND>(input, &mut resets, divisor, out, present);
    } else {
        for (i, (out, present)) in out.iter_mut().zip(present.iter_mut()).enumerate() {
            *present = input.bounds[i].len() >= 2;
            if *present {
                let (gained, factor) = stretched::<COUNTER>(input, i, &mut resets);
                *out = finish(gained, factor);
            }
        }
    }
    if COUNTER && let Some(start_timestamps) = input.start_timestamps {
        let mut resets = Resets::new(&scratch.indices);
        for (i, (out, present)) in out.iter_mut().zip(present).enumerate() {
            if let Some((gained, factor)) = since_start(input, start_timestamps, i, &mut resets) {
                *present = true;
                *out = finish(gained, factor);
            }
        }
    }
}

/// What the window of a step gained, and by how much it is stretched; it has two
/// samples at least.
fn stretched<const COUNTER: bool>(
    input: &WindowInput<'_>,
    step: usize,
    resets: &mut Resets<'_>,
) -> (f64, f64) {
    let (bounds, (begin, end)) = (input.bounds[step], input.edges(step));
    let (first, last) = (bounds.first(), bounds.last());
    let (first_t, last_t) = (input.timestamps[first], input.timestamps[last]);
    let (first_value, last_value) = (input.values[first], input.values[last]);
    let gained = resets.correct(input.values, first, last, last_value - first_value);
    let between = |from: i64, to: i64| to.wrapping_sub(from) as f64 / 1000.0;
    let extent = Extent {
        to_start: between(begin, first_t),
        to_end: between(last_t, end),
        sampled: between(first_t, last_t),
        gaps: (bounds.len() - 1) as f64,
    };
    let above_zero = match input.raised_by {
        Some(raised_by) => first_value - raised_by[first],
        None => first_value,
    };
    (gained, extent.factor(COUNTER, above_zero, gained))
}

/// Steps from which on lanes pay: to fill and compute them costs as much as some
/// steps one by one.
const MANY: usize = 8;

/// The extrapolation of many steps.
fn in_lanes<const COUNTER: bool, const PER_SECOND: bool>(
    input: &WindowInput<'_>,
    resets: &mut Resets<'_>,
    divisor: f64,
    out: &mut [f64],
    present: &mut [bool],
) {
    let (mut lanes, avx2) = (Lanes::new(), Avx2::detect());
    let edges = Edges::of(input);
    let steps = out.chunks_mut(LANES).zip(present.chunks_mut(LANES));
    for (chunk, (out, present)) in steps.enumerate() {
        let from = chunk * LANES;
        let bounds = &input.bounds[from..from + present.len()];
        match &edges {
            Some(edges) if lanes.gather_even(input, bounds, edges, from) => present.fill(true),
            Some(edges) => lanes.gather(input, bounds, present, |i| edges.at(from + i)),
            None => lanes.gather(input, bounds, present, |i| input.edges(from + i)),
        }
        if resets.any(bounds) {
            for (gained, bounds) in lanes.gained.iter_mut().zip(bounds) {
                if bounds.len() >= 2 {
                    *gained = resets.correct(input.values, bounds.first(), bounds.last(), *gained);
                }
            }
        }
        let mut results = [0.0; LANES];
        match out.try_into() {
            Ok(out) => extrapolate_lanes::<COUNTER, PER_SECOND>(avx2, &lanes, divisor, out),
            Err(_) => {
                extrapolate_lanes::<COUNTER, PER_SECOND>(avx2, &lanes, divisor, &mut results);
                out.copy_from_slice(&results[..out.len()]);
            }
        }
    }
}

/// A window in which the counter began to count: it was zero then, so that
/// nothing is to be guessed before the first sample, which may be the only one.
/// Gives what was gained, and by how much it is stretched.
fn since_start(
    input: &WindowInput<'_>,
    start_timestamps: &[i64],
    step: usize,
    resets: &mut Resets<'_>,
) -> Option<(f64, f64)> {
    let bounds = input.bounds[step];
    if bounds.is_empty() {
        return None;
    }
    let (first, last) = (bounds.first(), bounds.last());
    let (first_t, last_t) = (input.timestamps[first], input.timestamps[last]);
    let (begin, end) = input.edges(step);
    let start = start_timestamps[first];
    if start == 0 || start <= begin || start >= first_t {
        return None;
    }
    let (first_value, last_value) = (input.values[first], input.values[last]);
    let gained = resets.correct(input.values, first, last, last_value - first_value) + first_value;
    let between = |from: i64, to: i64| to.wrapping_sub(from) as f64 / 1000.0;
    let extent = Extent {
        to_start: 0.0,
        to_end: between(last_t, end),
        sampled: between(first_t, last_t),
        gaps: (bounds.len() - 1) as f64,
    };
    let factor = extent.factor_since(between(start, last_t));
    Some((gained, factor))
}

/// `irate` (`COUNTER`) and `idelta`: the last two samples of each window.
fn last_two<const COUNTER: bool>(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    for ((bounds, out), present) in input.bounds.iter().zip(out).zip(present) {
        *present = false;
        if bounds.len() < 2 {
            continue;
        }
        let last = bounds.last();
        let interval = input.timestamps[last].wrapping_sub(input.timestamps[last - 1]);
        let (before, value) = (input.values[last - 1], input.values[last]);
        *present = interval != 0;
        *out = if !COUNTER {
            value - before
        } else {
            let gained = if value < before || input.starts_anew(last) {
                value
            } else {
                value - before
            };
            gained / (interval as f64 / 1000.0)
        };
    }
}
