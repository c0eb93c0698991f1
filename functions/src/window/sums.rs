//! `sum_over_time`, `avg_over_time`: compensated.

use std::ops::Range;

use super::function::FloatKernel::Buffered;
use super::function::{HistogramKernel, WindowFunction};
use super::input::WindowInput;
use super::native::sums as native;
use super::scratch::WindowScratch;
use super::simple::of_window;
use super::sliding::{Fold, pays, slide};
use crate::histogram::native::StepAggregate;
use crate::kahan::{Mean, Sum, add};

/// `sum_over_time`
pub static SUM: WindowFunction = WindowFunction::new(
    Buffered(sum),
    HistogramKernel::Corrects(|series, out| native::aggregate(series, StepAggregate::Sum, out)),
);

/// `avg_over_time`
pub static AVG: WindowFunction = WindowFunction::new(
    Buffered(avg),
    HistogramKernel::Corrects(|series, out| native::aggregate(series, StepAggregate::Mean, out)),
);

/// Below this many samples the plain loop, which gives Prometheus's bits,
/// costs at most as much as decoding did (bench: 13 ns at 10 samples, 7 ns
/// sliding).
const LONG_WINDOW: usize = 24;

/// The plain loop may visit each sample so often before sliding, which visits
/// it twice with more work, is faster.
const VISITS: usize = 4;

fn sum(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    let plain = |window: Range<usize>| {
        let mut sum = Sum::default();
        input.values[window].iter().for_each(|&v| sum.add(v));
        sum.value()
    };
    if !pays(input, LONG_WINDOW, VISITS) {
        return of_window(input, out, present, |b| plain(b.range()));
    }
    slide::<Sums>(input, &mut scratch.sums, out, present, |b, sum| {
        finite_or(sum.value(), || plain(b.range()))
    });
}

fn avg(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    let plain = |window: Range<usize>| {
        let (values, count) = (&input.values[window.clone()], window.len() as f64);
        let mut sum = Sum::default();
        values.iter().for_each(|&v| sum.add(v));
        finite_or(sum.sum / count + sum.compensation / count, || {
            let mut mean = Mean::default();
            values.iter().for_each(|&v| mean.add(v));
            mean.value()
        })
    };
    if !pays(input, LONG_WINDOW, VISITS) {
        return of_window(input, out, present, |b| plain(b.range()));
    }
    slide::<Sums>(input, &mut scratch.sums, out, present, |b, sum| {
        let count = b.len() as f64;
        finite_or(sum.sum / count + sum.compensation / count, || {
            plain(b.range())
        })
    });
}

/// Infinities and NaN depend on the order of the samples: partial sums may
/// overflow here that do not in the plain order.
#[inline]
fn finite_or(value: f64, plain: impl FnOnce() -> f64) -> f64 {
    if value.is_finite() { value } else { plain() }
}

struct Sums;

impl Fold for Sums {
    type Item = f64;
    type State = Sum;

    fn one(value: f64) -> Sum {
        Sum {
            sum: value,
            compensation: 0.0,
        }
    }

    #[inline]
    fn push(state: &mut Sum, value: f64) {
        state.add(value);
    }

    #[inline]
    fn push_front(state: &mut Sum, value: f64) {
        state.add(value);
    }

    #[inline]
    fn join(earlier: Sum, later: Sum) -> Sum {
        let (sum, compensation) = add(later.sum, earlier.sum, earlier.compensation);
        Sum {
            sum,
            compensation: compensation + later.compensation,
        }
    }
}
