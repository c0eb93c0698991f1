//! `min_over_time`, `max_over_time`, and the times of the extremes.

use super::function::FloatKernel::{Buffered, Samples};
use super::function::{HistogramKernel, WindowFunction};
use super::input::WindowInput;
use super::scratch::WindowScratch;
use super::simple::of_window;
use super::sliding::{Fold, pays, slide};

/// `min_over_time`; NaN only if all samples are.
pub static MIN: WindowFunction =
    WindowFunction::new(Buffered(extreme::<Smallest>), HistogramKernel::Ignored);

/// `max_over_time`; NaN only if all samples are.
pub static MAX: WindowFunction =
    WindowFunction::new(Buffered(extreme::<Largest>), HistogramKernel::Ignored);

/// `ts_of_min_over_time`
pub static TS_OF_MIN: WindowFunction = WindowFunction::new(
    Samples(|input, out, present| time_of(input, |v, best| v <= best, out, present)),
    HistogramKernel::Ignored,
);

/// `ts_of_max_over_time`
pub static TS_OF_MAX: WindowFunction = WindowFunction::new(
    Samples(|input, out, present| time_of(input, |v, best| v >= best, out, present)),
    HistogramKernel::Ignored,
);

/// Below this many samples the plain loop is as fast.
const LONG_WINDOW: usize = 10;

/// The plain loop may visit each sample so often before sliding, which visits
/// it twice, is faster.
const VISITS: usize = 4;

fn extreme<F: Fold<State = f64>>(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    if pays(input, LONG_WINDOW, VISITS) {
        return slide::<F>(input, &mut scratch.numbers, out, present, |_, best| best);
    }
    of_window(input, out, present, |b| {
        let window = &input.values[b.range()];
        window[1..]
            .iter()
            .fold(window[0], |best, &value| F::join(best, value))
    });
}

/// The earlier value stays unless the later one is better, or it is NaN.
#[inline]
fn better(earlier: f64, later: f64, wins: bool) -> f64 {
    if wins || earlier.is_nan() {
        later
    } else {
        earlier
    }
}

struct Smallest;
struct Largest;

impl Fold for Smallest {
    type State = f64;

    fn one(value: f64) -> f64 {
        value
    }

    #[inline]
    fn push(state: &mut f64, value: f64) {
        *state = Self::join(*state, value);
    }

    #[inline]
    fn push_front(state: &mut f64, value: f64) {
        *state = Self::join(value, *state);
    }

    #[inline]
    fn join(earlier: f64, later: f64) -> f64 {
        better(earlier, later, later < earlier)
    }
}

impl Fold for Largest {
    type State = f64;

    fn one(value: f64) -> f64 {
        value
    }

    #[inline]
    fn push(state: &mut f64, value: f64) {
        *state = Self::join(*state, value);
    }

    #[inline]
    fn push_front(state: &mut f64, value: f64) {
        *state = Self::join(value, *state);
    }

    #[inline]
    fn join(earlier: f64, later: f64) -> f64 {
        better(earlier, later, later > earlier)
    }
}

/// The time, in seconds, of the last sample that `beats` the best before it.
fn time_of(
    input: &WindowInput<'_>,
    beats: impl Fn(f64, f64) -> bool,
    out: &mut [f64],
    present: &mut [bool],
) {
    of_window(input, out, present, |b| {
        let (mut best, mut at) = (input.values[b.first()], b.first());
        for i in b.range() {
            if beats(input.values[i], best) || best.is_nan() {
                (best, at) = (input.values[i], i);
            }
        }
        input.timestamps[at] as f64 / 1000.0
    });
}
