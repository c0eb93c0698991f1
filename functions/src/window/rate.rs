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
//! arrays, over which the extrapolation is branch-free arithmetic.

use super::extended::extended;
use super::extrapolation::{Extent, seconds};
use super::function::FloatKernel::{Buffered, Samples};
use super::function::{HistogramKernel, WindowFunction};
use super::input::WindowInput;
use super::native::instant;
use super::native::rate::{self, Rate};
use super::neighbours::{Resets, find_resets};
use super::scratch::WindowScratch;
use crate::histogram::native::Growth;

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

/// Steps that are gathered before they are computed: five arrays of this
/// length stay in L1.
const LANES: usize = 64;

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
    let mut lanes = Lanes::new();
    let steps = out.chunks_mut(LANES).zip(present.chunks_mut(LANES));
    for (chunk, (out, present)) in steps.enumerate() {
        let from = chunk * LANES;
        if resets.at.is_empty() {
            gather(input, from, present, &mut lanes, |_, _, gained| gained);
        } else {
            gather(input, from, present, &mut lanes, |first, last, gained| {
                resets.correct(input.values, first, last, gained)
            });
        }
        lanes.extrapolate::<COUNTER, PER_SECOND>(divisor, out);
    }
    if COUNTER && let Some(start_timestamps) = input.start_timestamps {
        let mut resets = Resets::new(&scratch.indices);
        for (i, (out, present)) in out.iter_mut().zip(present).enumerate() {
            if let Some((gained, factor)) = since_start(input, start_timestamps, i, &mut resets) {
                *present = true;
                *out = gained * if PER_SECOND { factor / divisor } else { factor };
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

/// What the extrapolation of some steps needs. Times are ms.
struct Lanes {
    gained: [f64; LANES],
    first_value: [f64; LANES],
    to_start: [f64; LANES],
    to_end: [f64; LANES],
    sampled: [f64; LANES],
    gaps: [f64; LANES],
}

#[inline]
fn gather(
    input: &WindowInput<'_>,
    from: usize,
    present: &mut [bool],
    lanes: &mut Lanes,
    mut correct: impl FnMut(usize, usize, f64) -> f64,
) {
    let bounds = &input.bounds[from..from + present.len()];
    for (i, (bounds, present)) in bounds.iter().zip(present).enumerate() {
        *present = bounds.len() >= 2;
        if !*present {
            continue;
        }
        let (first, last) = (bounds.first(), bounds.last());
        let (first_t, last_t) = (input.timestamps[first], input.timestamps[last]);
        let (first_value, last_value) = (input.values[first], input.values[last]);
        let (begin, end) = input.edges(from + i);
        lanes.gained[i] = correct(first, last, last_value - first_value);
        lanes.first_value[i] = first_value;
        lanes.to_start[i] = first_t.wrapping_sub(begin) as f64;
        lanes.to_end[i] = end.wrapping_sub(last_t) as f64;
        lanes.sampled[i] = last_t.wrapping_sub(first_t) as f64;
        lanes.gaps[i] = (bounds.len() - 1) as f64;
    }
}

impl Lanes {
    fn new() -> Lanes {
        let ones = [1.0; LANES];
        Lanes {
            gained: ones,
            first_value: ones,
            to_start: ones,
            to_end: ones,
            sampled: ones,
            gaps: ones,
        }
    }

    /// Stretches what was gained between the first and the last sample
    /// towards the window's ends.
    #[inline]
    fn extrapolate<const COUNTER: bool, const PER_SECOND: bool>(
        &self,
        divisor: f64,
        out: &mut [f64],
    ) {
        for (i, out) in out.iter_mut().enumerate().take(LANES) {
            let gained = self.gained[i];
            let extent = Extent {
                to_start: self.to_start[i] / 1000.0,
                to_end: self.to_end[i] / 1000.0,
                sampled: self.sampled[i] / 1000.0,
                gaps: self.gaps[i],
            };
            let factor = extent.factor(COUNTER, self.first_value[i], gained);
            *out = gained * if PER_SECOND { factor / divisor } else { factor };
        }
    }
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
