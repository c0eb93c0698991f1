//! `stddev_over_time`, `stdvar_over_time`: Welford's method, compensated.

use std::ops::Range;

use super::simple::of_window;
use super::sliding::{Fold, pays, slide};
use super::{WindowInput, WindowScratch};
use crate::kahan::Sum;

/// Below this many samples the plain loop, which gives the reference's bits,
/// is fast enough: each sample has to wait for a division (bench: 88 ns at 10
/// samples, 25 ns sliding).
const LONG_WINDOW: usize = 8;

/// The plain loop may visit each sample so often before sliding, which visits
/// it twice, is faster.
const VISITS: usize = 3;

/// Count, mean, and squared distances from the mean.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    count: f64,
    mean: Sum,
    squares: Sum,
}

/// `stdvar_over_time`, or with the square root as `finish` `stddev_over_time`.
pub fn variance(
    input: &WindowInput<'_>,
    scratch: &mut WindowScratch,
    finish: impl Fn(f64) -> f64,
    out: &mut [f64],
    present: &mut [bool],
) {
    let plain = |window: Range<usize>| {
        let mut moments = Moments {
            count: 0.0,
            mean: Sum::default(),
            squares: Sum::default(),
        };
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

/// Below this variance, relative to the squared mean, the rounding errors of
/// the reference itself begin to show (1e-11 of the result here). There only
/// its own order of operations gives its answer.
const WELL_CONDITIONED: f64 = 1e-10;

impl Moments {
    #[inline]
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - (self.mean.sum + self.mean.compensation);
        self.mean.add(delta / self.count);
        let now = value - (self.mean.sum + self.mean.compensation);
        self.squares.add(delta * now);
    }

    /// Whether the order of operations does not matter. Never for NaN and infinities.
    #[inline]
    fn is_well_conditioned(&self) -> bool {
        let variance = self.variance();
        // No variance at all means that all samples are the same.
        variance == 0.0
            || (variance.is_finite() && variance > WELL_CONDITIONED * self.mean.sum * self.mean.sum)
    }

    #[inline]
    fn variance(&self) -> f64 {
        (self.squares.sum + self.squares.compensation) / self.count
    }
}

impl Fold for Moments {
    type State = Moments;

    fn one(value: f64) -> Moments {
        let mut moments = Moments {
            count: 0.0,
            mean: Sum::default(),
            squares: Sum::default(),
        };
        moments.add(value);
        moments
    }

    #[inline]
    fn push(state: &mut Moments, value: f64) {
        state.add(value);
    }

    #[inline]
    fn push_front(state: &mut Moments, value: f64) {
        state.add(value);
    }

    /// By the method of Chan, Golub and LeVeque. The difference of the means
    /// is taken with their compensations, so that it is exact enough where
    /// the means are large and close.
    #[inline]
    fn join(earlier: Moments, later: Moments) -> Moments {
        let count = earlier.count + later.count;
        let delta = (later.mean.sum - earlier.mean.sum)
            + (later.mean.compensation - earlier.mean.compensation);
        let mut mean = earlier.mean;
        mean.add(delta * (later.count / count));
        let mut squares = earlier.squares;
        squares.add(later.squares.sum);
        squares.add(later.squares.compensation);
        squares.add(delta * delta * (earlier.count * later.count / count));
        Moments {
            count,
            mean,
            squares,
        }
    }
}
