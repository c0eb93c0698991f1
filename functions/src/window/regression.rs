//! `deriv` and `predict_linear`: least squares over a window.

use super::bounds::Bounds;
use super::function::FloatKernel::{Buffered, WithParams};
use super::function::{HistogramKernel, WindowFunction};
use super::input::{WindowInput, required};
use super::scratch::WindowScratch;
use super::sliding::pays;
use super::trend::{Trend, Trends};
use crate::grid::Param;
use crate::kahan::Sum;

/// `deriv`
pub static DERIV: WindowFunction = WindowFunction::new(Buffered(deriv), HistogramKernel::Ignored);

/// `predict_linear`
pub static PREDICT_LINEAR: WindowFunction = WindowFunction::new(
    WithParams(|input, params, scratch, out, present| {
        predict_linear(input, required(params, 0)?, scratch, out, present);
        Ok(())
    }),
    HistogramKernel::Ignored,
);

/// Below this many samples the plain loop, which gives Prometheus's bits, is
/// as fast (bench `window_lengths`).
const LONG_WINDOW: usize = 8;

/// The plain loop may visit each sample so often before sliding, which visits
/// it three times, is faster.
const VISITS: usize = 3;

/// As [`regression`]: a constant has no slope, whatever rounding would say.
fn constant(value: f64) -> (f64, f64) {
    if value.is_infinite() {
        (f64::NAN, f64::NAN)
    } else {
        (0.0, value)
    }
}

/// Slope per second, and the value at `intercept_time` (ms).
#[inline]
pub(super) fn regression(timestamps: &[i64], values: &[f64], intercept_time: i64) -> (f64, f64) {
    let first = values[0];
    if values.iter().all(|&v| v == first) || (values.len() == 1) {
        return constant(first);
    }
    let (mut sum_x, mut sum_y) = (Sum::default(), Sum::default());
    let (mut sum_xy, mut sum_xx) = (Sum::default(), Sum::default());
    for (&t, &y) in timestamps.iter().zip(values) {
        let x = t.wrapping_sub(intercept_time) as f64 / 1000.0;
        sum_x.add(x);
        sum_y.add(y);
        sum_xy.add(x * y);
        sum_xx.add(x * x);
    }
    let total = |s: Sum| s.sum + s.compensation;
    let n = values.len() as f64;
    let (x, y) = (total(sum_x), total(sum_y));
    let covariance = total(sum_xy) - x * y / n;
    let variance = total(sum_xx) - x * x / n;
    let slope = covariance / variance;
    (slope, y / n - slope * x / n)
}

/// The slope per second.
fn deriv(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    // Times are counted from a sample, so that they stay small.
    let first = |_, b: Bounds| input.timestamps[b.first()];
    of_lines(input, scratch, first, |_| None, out, present);
}

/// The value `seconds` after the evaluation time.
fn predict_linear(
    input: &WindowInput<'_>,
    seconds: Param<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    let now = |i, _| input.eval.at(i);
    of_lines(input, scratch, now, |i| Some(seconds.at(i)), out, present);
}

/// Of the line through each window with two samples or more, either the slope
/// or the value some `seconds` after a `time`.
#[inline]
fn of_lines(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    time: impl Fn(usize, Bounds) -> i64,
    seconds: impl Fn(usize) -> Option<f64>,
    out: &mut [f64],
    present: &mut [bool],
) {
    let mut trends = pays(input, LONG_WINDOW, VISITS)
        .then(|| Trends::new(input, &mut scratch.products))
        .flatten();
    for (i, &bounds) in input.bounds.iter().enumerate() {
        present[i] = bounds.len() >= 2;
        if !present[i] {
            continue;
        }
        let time = time(i, bounds);
        let seconds = seconds(i);
        let wanted = |(slope, intercept): (f64, f64)| {
            seconds.map_or(slope, |seconds| slope * seconds + intercept)
        };
        let slid = trends.as_mut().map(|trends| trends.next(bounds, time));
        let slid = match slid {
            Some(Trend::NotANumber) => Some(f64::NAN),
            Some(Trend::Constant) => Some(wanted(constant(input.values[bounds.first()]))),
            Some(Trend::Line(line)) => seconds.map_or(Some(line.slope), |seconds| line.at(seconds)),
            Some(Trend::IllConditioned) | None => None,
        };
        out[i] = slid.unwrap_or_else(|| {
            let timestamps = &input.timestamps[bounds.range()];
            wanted(regression(timestamps, &input.values[bounds.range()], time))
        });
    }
}
