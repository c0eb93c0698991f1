//! `stddev_over_time`, `stdvar_over_time`: Welford's method, compensated.

use std::ops::Range;

use super::function::FloatKernel::Buffered;
use super::function::{HistogramKernel, WindowFunction};
use super::input::WindowInput;
use super::moments::Moments;
use super::scratch::WindowScratch;
use super::simple::of_window;
use super::sliding::{pays, slide};

/// `stdvar_over_time`
pub static STDVAR: WindowFunction = WindowFunction::new(
    Buffered(|input, scratch, out, present| variance(input, scratch, |v| v, out, present)),
    HistogramKernel::Ignored,
);

/// `stddev_over_time`
pub static STDDEV: WindowFunction = WindowFunction::new(
    Buffered(|input, scratch, out, present| variance(input, scratch, f64::sqrt, out, present)),
    HistogramKernel::Ignored,
);

/// Below this many samples the plain loop, which gives Prometheus's bits,
/// is fast enough: each sample has to wait for a division (bench: 88 ns at 10
/// samples, 25 ns sliding).
const LONG_WINDOW: usize = 8;

/// The plain loop may visit each sample so often before sliding, which visits
/// it twice, is faster.
const VISITS: usize = 3;

/// `finish` of the variance of each window.
fn variance(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    finish: impl Fn(f64) -> f64,
    out: &mut [f64],
    present: &mut [bool],
) {
    let plain = |window: Range<usize>| {
        let mut moments = Moments::default();
        input.values[window].iter().for_each(|&v| moments.add(v));
        moments.variance()
    };
    if !pays(input, LONG_WINDOW, VISITS) {
        return of_window(input, out, present, |b| finish(plain(b.range())));
    }
    slide::<Moments>(input, &mut scratch.moments, out, present, |b, moments| {
        finish(if moments.is_well_conditioned() {
            moments.variance()
        } else {
            plain(b.range())
        })
    });
}
