//! `min_over_time`, `max_over_time`, and the times of the extremes.

use super::function::FloatKernel::Buffered;
use super::function::{HistogramKernel, WindowFunction};
use super::input::WindowInput;
use super::scratch::WindowScratch;
use super::simple::of_window;
use super::sliding::{Fold, pays, slide, slide_over};

/// `min_over_time`; NaN only if all samples are.
pub static MIN: WindowFunction =
    WindowFunction::new(Buffered(extreme::<Smallest>), HistogramKernel::Ignored);

/// `max_over_time`; NaN only if all samples are.
pub static MAX: WindowFunction =
    WindowFunction::new(Buffered(extreme::<Largest>), HistogramKernel::Ignored);

/// `ts_of_min_over_time`
pub static TS_OF_MIN: WindowFunction =
    WindowFunction::new(Buffered(time_of::<LastSmallest>), HistogramKernel::Ignored);

/// `ts_of_max_over_time`
pub static TS_OF_MAX: WindowFunction =
    WindowFunction::new(Buffered(time_of::<LastLargest>), HistogramKernel::Ignored);

/// Below this many samples the plain loop is as fast.
const LONG_WINDOW: usize = 10;

/// The plain loop may visit each sample so often before sliding, which visits
/// it twice, is faster.
const VISITS: usize = 4;

fn extreme<F: Fold<Item = f64, State = f64>>(
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
    type Item = f64;
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
    type Item = f64;
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

struct LastSmallest;
struct LastLargest;

/// A value and its sample.
type At = (f64, u32);

/// The later value, unless the earlier one is better or the later one NaN.
macro_rules! last_extreme {
    ($fold:ty, $beats:tt) => {
        impl Fold for $fold {
            type Item = At;
            type State = At;

            fn one(item: At) -> At {
                item
            }

            #[inline]
            fn push(state: &mut At, item: At) {
                *state = Self::join(*state, item);
            }

            #[inline]
            fn push_front(state: &mut At, item: At) {
                *state = Self::join(item, *state);
            }

            #[inline]
            fn join(earlier: At, later: At) -> At {
                if later.0 $beats earlier.0 || earlier.0.is_nan() {
                    later
                } else {
                    earlier
                }
            }
        }
    };
}

last_extreme!(LastSmallest, <=);
last_extreme!(LastLargest, >=);

/// The time, in seconds, of the last sample that is as good as any; of the
/// last one if all are NaN.
fn time_of<F: Fold<Item = At, State = At>>(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    let item = |i: usize| (input.values[i], i as u32);
    let seconds = |(_, at): At| input.timestamps[at as usize] as f64 / 1000.0;
    if pays(input, LONG_WINDOW, VISITS) {
        let front = &mut scratch.places;
        return slide_over::<F>(input.bounds, item, front, out, present, |_, at| seconds(at));
    }
    of_window(input, out, present, |b| {
        let later = b.range().skip(1).map(item);
        seconds(later.fold(item(b.first()), F::join))
    });
}
