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
