//! Evenly spaced times, and parameters that may change along them.

use std::ops::Range;

/// Evenly spaced times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grid {
    /// The first time, ms since 1970.
    pub start_ms: i64,
    /// The distance of two times, ms. 0 where `@` pins all windows to one time.
    pub step_ms: i64,
    /// How many times.
    pub len: usize,
}

impl Grid {
    /// One time.
    pub fn instant(at_ms: i64) -> Self {
        Grid {
            start_ms: at_ms,
            step_ms: 1,
            len: 1,
        }
    }

    /// All times from `start_ms` to `end_ms`, both closed; none if the end is
    /// earlier. A step below 1 ms counts as 1.
    pub fn range(start_ms: i64, end_ms: i64, step_ms: i64) -> Self {
        let step_ms = step_ms.max(1);
        let len = if end_ms < start_ms {
            0
        } else {
            (i128::from(end_ms) - i128::from(start_ms)) / i128::from(step_ms) + 1
        };
        Grid {
            start_ms,
            step_ms,
            len: usize::try_from(len).unwrap_or(usize::MAX),
        }
    }

    /// The last time, ms; the first one if there is none.
    pub fn end_ms(&self) -> i64 {
        self.at(self.len.saturating_sub(1))
    }

    /// Time `i`, ms; at the ends of the time line, where there is no such
    /// time, the nearest one that there is.
    #[inline]
    pub fn at(&self, i: usize) -> i64 {
        let i = i64::try_from(i).unwrap_or(i64::MAX);
        self.start_ms.saturating_add(self.step_ms.saturating_mul(i))
    }

    /// The times with numbers in `steps`.
    #[must_use]
    pub fn part(&self, steps: Range<usize>) -> Self {
        Grid {
            start_ms: self.at(steps.start),
            step_ms: self.step_ms,
            len: steps.len(),
        }
    }

    /// The numbers of the times from `from` to `to`, both closed. Where all times
    /// are one, all or none.
    pub fn steps_within(&self, from: i64, to: i64) -> Range<usize> {
        let (start, step) = (i128::from(self.start_ms), i128::from(self.step_ms));
        let (from, to) = (i128::from(from) - start, i128::from(to) - start);
        if step <= 0 {
            return if from <= 0 && 0 <= to {
                0..self.len
            } else {
                0..0
            };
        }
        let steps = |ms: i128| (ms.max(0) / step).min(self.len as i128) as usize;
        let first = steps(from + step - 1);
        let end = if to < 0 { 0 } else { steps(to + step) };
        first..end.max(first)
    }
}

/// A scalar parameter: one number, or one for each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Param<'a> {
    /// The same at all steps.
    Const(f64),
    /// One for each step.
    PerStep(&'a [f64]),
}

impl<'a> Param<'a> {
    /// The parameter at the steps with numbers in `steps`.
    ///
    /// # Panics
    /// If the parameter has no such steps.
    #[must_use]
    pub fn part(&self, steps: Range<usize>) -> Param<'a> {
        match self {
            Param::Const(value) => Param::Const(*value),
            Param::PerStep(values) => Param::PerStep(&values[steps]),
        }
    }

    /// The parameter at a step.
    ///
    /// # Panics
    /// If the parameter has no such step.
    #[inline]
    pub fn at(&self, step: usize) -> f64 {
        match self {
            Param::Const(value) => *value,
            Param::PerStep(values) => values[step],
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn steps_within_are_those_whose_time_is(
            start_ms in -50i64..50, step_ms in 0i64..9, len in 0usize..20, from in -100i64..200, length in -5i64..100,
        ) {
            let grid = Grid { start_ms, step_ms, len };
            let within = |&i: &usize| from <= grid.at(i) && grid.at(i) <= from + length;
            let wanted: Vec<usize> = (0..len).filter(within).collect();
            let steps = grid.steps_within(from, from + length);
            prop_assert_eq!(steps.clone().collect::<Vec<_>>(), wanted);
            let part = grid.part(steps.clone());
            prop_assert!(steps.enumerate().all(|(i, step)| part.at(i) == grid.at(step)));
        }
    }

    #[test]
    fn the_ends_of_the_time_line_are_times() {
        let grid = Grid {
            start_ms: i64::MIN,
            step_ms: i64::MAX,
            len: 3,
        };
        assert_eq!(grid.steps_within(i64::MIN, i64::MAX), 0..3);
        assert_eq!(grid.steps_within(i64::MIN + 1, -1), 1..2);
    }
}
