//! Evenly spaced times, and parameters that may change along them.

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
}

/// A scalar parameter: one number, or one for each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Param<'a> {
    /// The same at all steps.
    Const(f64),
    /// One for each step.
    PerStep(&'a [f64]),
}

impl Param<'_> {
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
