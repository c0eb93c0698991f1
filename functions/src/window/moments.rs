//! Count, mean and variance of samples, which can be joined.

use super::sliding::Fold;
use crate::kahan::Sum;

/// Count, mean, and squared distances from the mean.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    count: f64,
    mean: Sum,
    squares: Sum,
}

/// Below this variance, relative to the squared mean, the rounding errors of
/// Prometheus itself begin to show (1e-11 of the result here). There only
/// its own order of operations gives its answer.
const WELL_CONDITIONED: f64 = 1e-10;

impl Moments {
    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - (self.mean.sum + self.mean.compensation);
        self.mean.add(delta / self.count);
        let now = value - (self.mean.sum + self.mean.compensation);
        self.squares.add(delta * now);
    }

    /// Whether the order of operations does not matter. Never for NaN and infinities.
    #[inline]
    pub(super) fn is_well_conditioned(&self) -> bool {
        let variance = self.variance();
        // No variance at all means that all samples are the same.
        variance == 0.0
            || (variance.is_finite() && variance > WELL_CONDITIONED * self.mean.sum * self.mean.sum)
    }

    #[inline]
    pub(super) fn variance(&self) -> f64 {
        (self.squares.sum + self.squares.compensation) / self.count
    }
}

impl Fold for Moments {
    type Item = f64;
    type State = Moments;

    fn one(value: f64) -> Moments {
        let mut moments = Moments::default();
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
