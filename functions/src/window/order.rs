//! Functions of a window's order: `quantile_over_time`, `mad_over_time`.
//!
//! Long windows that move by few samples are kept sorted from step to step:
//! a sample comes or goes by binary search and one move of memory, which is
//! far less than selecting anew among all of the window's samples.

use std::cmp::Ordering;

use super::bounds::Bounds;
use super::function::FloatKernel::{Buffered, WithParams};
use super::function::{HistogramKernel, ParamBounds, WindowFunction};
use super::input::{WindowInput, required};
use super::scratch::WindowScratch;
use super::sliding::pays;
use crate::grid::Param;
use crate::quantile::{quantile as quantile_of, quantile_of_sorted};

/// `quantile_over_time`
pub static QUANTILE: WindowFunction = WindowFunction::new(
    WithParams(|input, params, scratch, out, present| {
        quantile(input, required(params, 0)?, scratch, out, present);
        Ok(())
    }),
    HistogramKernel::Ignored,
)
.bounded(ParamBounds {
    holds: |q| (0.0..=1.0).contains(&q),
    text: "quantile value should be between 0 and 1",
});

/// `mad_over_time`
pub static MAD: WindowFunction = WindowFunction::new(Buffered(mad), HistogramKernel::Ignored);

/// Below this many samples, selecting anew is as fast.
const LONG_WINDOW: usize = 16;

/// Selecting anew visits each sample so often before a sorted window, which
/// looks for its place twice, is faster.
const VISITS: usize = 4;

/// The quantile of each window.
fn quantile(
    input: &WindowInput<'_>,
    q: Param<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    if pays(input, LONG_WINDOW, VISITS) {
        return sorted_window(input, q, &mut scratch.keys, out, present);
    }
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = !bounds.is_empty();
        if present[i] {
            out[i] = quantile_of(q.at(i), copy(input, *bounds, &mut scratch.numbers));
        }
    }
}

fn copy<'a>(input: &WindowInput<'_>, window: Bounds, numbers: &'a mut Vec<f64>) -> &'a mut [f64] {
    numbers.clear();
    numbers.extend_from_slice(&input.values[window.range()]);
    numbers
}

fn sorted_window(
    input: &WindowInput<'_>,
    q: Param<'_>,
    sorted: &mut Vec<i64>,
    out: &mut [f64],
    present: &mut [bool],
) {
    sorted.clear();
    let mut held = 0..0;
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = !bounds.is_empty();
        let window = bounds.range();
        if !present[i] {
            continue;
        }
        if window.start >= held.end {
            // Nothing in common with the last window.
            sorted.clear();
            sorted.extend(input.values[window.clone()].iter().map(|&v| key(v)));
            sorted.sort_unstable();
        } else {
            let leaving = &input.values[held.start..window.start];
            let coming = &input.values[held.end..window.end];
            replace(sorted, leaving, coming);
        }
        held = window;
        out[i] = quantile_of_sorted(q.at(i), sorted.len(), |at| value(sorted[at]));
    }
}

/// Takes samples out of a sorted window and others in.
fn replace(sorted: &mut Vec<i64>, leaving: &[f64], coming: &[f64]) {
    // Where one goes and one comes, only what lies between them moves.
    let pairs = leaving.len().min(coming.len());
    for (&old, &new) in leaving[..pairs].iter().zip(&coming[..pairs]) {
        let (old, new) = (key(old), key(new));
        let from = sorted.partition_point(|&k| k < old);
        let to = sorted.partition_point(|&k| k < new);
        match to.cmp(&from) {
            Ordering::Greater => {
                sorted.copy_within(from + 1..to, from);
                sorted[to - 1] = new;
            }
            Ordering::Less => {
                sorted.copy_within(to..from, to + 1);
                sorted[to] = new;
            }
            Ordering::Equal => sorted[from] = new,
        }
    }
    for &old in &leaving[pairs..] {
        let old = key(old);
        sorted.remove(sorted.partition_point(|&k| k < old));
    }
    for &new in &coming[pairs..] {
        let new = key(new);
        sorted.insert(sorted.partition_point(|&k| k < new), new);
    }
}

/// An integer that orders as the value does, NaN first.
#[inline]
fn key(value: f64) -> i64 {
    if value.is_nan() {
        return i64::MIN;
    }
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The value of a key.
#[inline]
fn value(key: i64) -> f64 {
    if key == i64::MIN {
        return f64::NAN;
    }
    f64::from_bits((key ^ (((key >> 63) as u64) >> 1) as i64) as u64)
}

/// The median of the distances from the median; NaN if a sample is NaN.
fn mad(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = !bounds.is_empty();
        if !present[i] {
            continue;
        }
        let window = copy(input, *bounds, &mut scratch.numbers);
        if window.iter().any(|v| v.is_nan()) {
            out[i] = f64::NAN;
            continue;
        }
        let median = quantile_of(0.5, window);
        for value in window.iter_mut() {
            *value = (*value - median).abs();
        }
        out[i] = quantile_of(0.5, window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_order_and_value() {
        let ascending = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.0,
            -f64::MIN_POSITIVE,
            -0.0,
            0.0,
            5e-324,
            1.0,
            f64::MAX,
            f64::INFINITY,
        ];
        assert!(ascending.windows(2).all(|w| key(w[0]) < key(w[1])));
        assert!(
            ascending
                .iter()
                .all(|&v| value(key(v)).to_bits() == v.to_bits())
        );
        assert!(key(f64::NAN) < key(f64::NEG_INFINITY) && value(key(-f64::NAN)).is_nan());
    }
}
