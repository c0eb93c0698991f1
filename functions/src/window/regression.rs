//! `deriv` and `predict_linear`: least squares over a window.

use super::function::FloatKernel::{Samples, WithParams};
use super::function::{HistogramKernel, WindowFunction};
use super::input::{WindowInput, required};
use crate::grid::Param;
use crate::kahan::Sum;

/// `deriv`
pub static DERIV: WindowFunction = WindowFunction::new(Samples(deriv), HistogramKernel::Ignored);

/// `predict_linear`
pub static PREDICT_LINEAR: WindowFunction = WindowFunction::new(
    WithParams(|input, params, _, out, present| {
        predict_linear(input, required(params, 0)?, out, present);
        Ok(())
    }),
    HistogramKernel::Ignored,
);

/// Slope per second, and the value at `intercept_time` (ms).
fn regression(timestamps: &[i64], values: &[f64], intercept_time: i64) -> (f64, f64) {
    let first = values[0];
    if values.iter().all(|&v| v == first) || (values.len() == 1) {
        // A constant has no slope, whatever rounding would say.
        return if first.is_infinite() {
            (f64::NAN, f64::NAN)
        } else {
            (0.0, first)
        };
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
fn deriv(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = bounds.len() >= 2;
        if present[i] {
            let timestamps = &input.timestamps[bounds.range()];
            // Times are counted from a sample, so that they stay small.
            out[i] = regression(timestamps, &input.values[bounds.range()], timestamps[0]).0;
        }
    }
}

/// The value `seconds` after the evaluation time.
fn predict_linear(
    input: &WindowInput<'_>,
    seconds: Param<'_>,
    out: &mut [f64],
    present: &mut [bool],
) {
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = bounds.len() >= 2;
        if present[i] {
            let (slope, intercept) = regression(
                &input.timestamps[bounds.range()],
                &input.values[bounds.range()],
                input.eval.at(i),
            );
            out[i] = slope * seconds.at(i) + intercept;
        }
    }
}
