//! Functions over windows of one series' samples: one number a window.
//!
//! Samples are two columns, timestamps (ms, ascending) and values. Windows
//! are index ranges that [`compute_bounds`] finds in one pass. A kernel runs
//! along all steps of the series and writes into `out` and `present`.

mod bounds;
mod counter;
mod extreme;
mod instant;
mod integral;
mod order;
mod regression;
mod simple;
mod smoothing;
mod sums;

#[cfg(test)]
mod tests;

pub use bounds::{Bounds, compute_bounds};
pub use instant::{latest, latest_timestamp};
pub use integral::is_integral_strategy;

/// The window functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is a function of the table, documented there
pub enum WindowFunction {
    Rate,
    Increase,
    Delta,
    Irate,
    Idelta,
    Resets,
    Changes,
    Deriv,
    PredictLinear,
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Stddev,
    Stdvar,
    Quantile,
    Last,
    First,
    Present,
    Mad,
    TsOfFirst,
    TsOfLast,
    TsOfMax,
    TsOfMin,
    DoubleExponentialSmoothing,
    Integral,
}

/// A scalar argument: one number, or one for each step.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// The same at all steps.
    Const(f64),
    /// One for each step.
    PerStep(&'a [f64]),
}

impl Param<'_> {
    /// The argument at a step.
    #[inline]
    pub fn at(&self, step: usize) -> f64 {
        match self {
            Param::Const(value) => *value,
            Param::PerStep(values) => values[step],
        }
    }
}

/// Evenly spaced times, ms.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The first.
    pub start: i64,
    /// Their distance.
    pub step: i64,
}

impl Times {
    /// Time `i`.
    #[inline]
    pub fn at(&self, i: usize) -> i64 {
        self.start.wrapping_add(self.step.wrapping_mul(i as i64))
    }
}

/// What a window kernel looks at.
#[derive(Clone, Copy, Debug)]
pub struct WindowInput<'a> {
    /// Milliseconds, ascending.
    pub timestamps: &'a [i64],
    /// One value a timestamp, no stale markers.
    pub values: &'a [f64],
    /// The window of each step.
    pub bounds: &'a [Bounds],
    /// The windows' ends on the samples' time line.
    pub ends: Times,
    /// The windows' length, ms.
    pub range_ms: i64,
    /// The evaluation times, which `predict_linear` counts from.
    pub eval: Times,
}

/// A parameter that the reference refuses at run time.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamError {
    /// `double_exponential_smoothing`'s first.
    SmoothingFactor(f64),
    /// `double_exponential_smoothing`'s second.
    TrendFactor(f64),
}

impl std::fmt::Display for ParamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ParamError::SmoothingFactor(v) => {
                write!(
                    f,
                    "invalid smoothing factor. Expected: 0 < sf < 1, got: {v:.6}"
                )
            }
            ParamError::TrendFactor(v) => {
                write!(f, "invalid trend factor. Expected: 0 < tf < 1, got: {v:.6}")
            }
        }
    }
}

impl std::error::Error for ParamError {}

impl WindowFunction {
    /// Evaluates the function for all steps of one series. `params` are the
    /// scalar arguments in the order of the signature.
    ///
    /// # Errors
    /// When a parameter is one that the function refuses.
    pub fn eval(
        self,
        input: &WindowInput<'_>,
        params: &[Param<'_>],
        out: &mut [f64],
        present: &mut [bool],
    ) -> Result<(), ParamError> {
        use WindowFunction as W;
        match self {
            W::Rate => counter::extrapolated(input, true, true, out, present),
            W::Increase => counter::extrapolated(input, true, false, out, present),
            W::Delta => counter::extrapolated(input, false, false, out, present),
            W::Irate => counter::last_two(input, true, out, present),
            W::Idelta => counter::last_two(input, false, out, present),
            W::Resets => simple::resets(input, out, present),
            W::Changes => simple::changes(input, out, present),
            W::Deriv => regression::deriv(input, out, present),
            W::PredictLinear => regression::predict_linear(input, params[0], out, present),
            W::Sum => sums::sum(input, out, present),
            W::Avg => sums::avg(input, out, present),
            W::Stddev => sums::variance(input, f64::sqrt, out, present),
            W::Stdvar => sums::variance(input, |v| v, out, present),
            W::Min => extreme::min(input, out, present),
            W::Max => extreme::max(input, out, present),
            W::TsOfMin => extreme::time_of(input, |v, best| v <= best, out, present),
            W::TsOfMax => extreme::time_of(input, |v, best| v >= best, out, present),
            W::Count => simple::of_window(input, out, present, |b| b.len() as f64),
            W::Present => simple::of_window(input, out, present, |_| 1.0),
            W::Last => simple::of_window(input, out, present, |b| input.values[b.last()]),
            W::First => simple::of_window(input, out, present, |b| input.values[b.first()]),
            W::TsOfFirst => simple::of_window(input, out, present, |b| {
                input.timestamps[b.first()] as f64 / 1000.0
            }),
            W::TsOfLast => simple::of_window(input, out, present, |b| {
                input.timestamps[b.last()] as f64 / 1000.0
            }),
            W::Quantile => order::quantile(input, params[0], out, present),
            W::Mad => order::mad(input, out, present),
            W::Integral => integral::integral(input, params.first().copied(), out, present),
            W::DoubleExponentialSmoothing => {
                return smoothing::double_exponential(input, params[0], params[1], out, present);
            }
        }
        Ok(())
    }
}
