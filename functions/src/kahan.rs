//! Compensated (Kahan-Neumaier) summation, used wherever Prometheus has it.

/// A running sum and its rounding error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    /// The sum as far as one float holds it.
    pub sum: f64,
    /// The compensation, to be added at the end.
    pub compensation: f64,
}

impl Sum {
    /// Adds a term. After an overflow the compensation is forgotten, since
    /// infinity minus infinity would make it NaN.
    #[inline]
    pub fn add(&mut self, term: f64) {
        (self.sum, self.compensation) = add(term, self.sum, self.compensation);
    }

    /// The compensated value; infinity stays infinity.
    #[inline]
    pub fn value(self) -> f64 {
        if self.sum.is_infinite() {
            self.sum
        } else {
            self.sum + self.compensation
        }
    }
}

/// One step of the summation: the new sum and compensation.
#[inline]
pub fn add(term: f64, sum: f64, compensation: f64) -> (f64, f64) {
    let total = sum + term;
    let lost = if sum.abs() >= term.abs() {
        (sum - total) + term
    } else {
        (term - total) + sum
    };
    (
        total,
        if total.is_infinite() {
            0.0
        } else {
            compensation + lost
        },
    )
}

/// The mean by compensated summation; once the sum would overflow, by
/// incremental means.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean {
    pub(crate) count: f64,
    /// The sum, or the mean once `incremental`.
    pub(crate) state: Sum,
    pub(crate) incremental: bool,
}

impl Mean {
    /// Takes a value in.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.state.sum = value;
            return;
        }
        if !self.incremental {
            let mut next = self.state;
            next.add(value);
            if !next.sum.is_infinite() {
                self.state = next;
                return;
            }
            self.incremental = true;
            self.state.sum /= self.count - 1.0;
            self.state.compensation /= self.count - 1.0;
        }
        let share = (self.count - 1.0) / self.count;
        let (sum, compensation) = add(
            value / self.count,
            share * self.state.sum,
            share * self.state.compensation,
        );
        self.state = Sum { sum, compensation };
    }

    /// Takes in the mean of other values; neither side is empty.
    pub fn merge(&mut self, other: &Mean) {
        let count = self.count + other.count;
        if !self.incremental && !other.incremental {
            let (sum, compensation) = add(other.state.sum, self.state.sum, self.state.compensation);
            if !sum.is_infinite() {
                let compensation = compensation + other.state.compensation;
                *self = Mean {
                    count,
                    state: Sum { sum, compensation },
                    incremental: false,
                };
                return;
            }
        }
        let (a, b) = (self.count / count, other.count / count);
        let mut state = Sum::default();
        state.add(a * self.value());
        state.add(b * other.value());
        *self = Mean {
            count,
            state,
            incremental: true,
        };
    }

    /// The mean of what was added.
    #[inline]
    pub fn value(&self) -> f64 {
        if self.incremental {
            return self.state.sum + self.state.compensation;
        }
        self.state.sum / self.count + self.state.compensation / self.count
    }

    /// How many values were added.
    pub fn count(&self) -> f64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_survive_large_ones() {
        let mut sum = Sum::default();
        for term in [1.0, 1e100, 1.0, -1e100] {
            sum.add(term);
        }
        assert_eq!(sum.value(), 2.0);
    }

    #[test]
    fn infinity_is_not_poisoned() {
        let mut sum = Sum::default();
        sum.add(f64::INFINITY);
        sum.add(1.0);
        assert_eq!(sum.value(), f64::INFINITY);
        sum.add(f64::NEG_INFINITY);
        assert!(sum.value().is_nan());
    }

    #[test]
    fn a_mean_survives_overflow_of_the_sum() {
        let mut mean = Mean::default();
        for _ in 0..4 {
            mean.add(f64::MAX);
        }
        assert!((mean.value() / f64::MAX - 1.0).abs() < 1e-12);
    }
}
