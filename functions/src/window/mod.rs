//! Functions over windows of one series' samples: one number a window.
//!
//! Samples are two columns, timestamps (ms, ascending) and values. Windows
//! are index ranges that [`compute_bounds`] finds in one pass. A kernel runs
//! along all steps of the series and writes into `out` and `present`.
//!
//! Short windows are computed directly, in the reference's order of
//! operations, and give its bits. Long windows that overlap would cost their
//! length at each step; where that is much, kernels switch to sliding states
//! of constant work a step (`sliding.rs`, `order.rs`). Those never subtract
//! what they added, so they lose no precision, but the last bits may differ.

mod bounds;
mod counter;
mod extended;
mod extreme;
mod instant;
mod integral;
mod native;
mod order;
mod regression;
mod simple;
mod sliding;
mod smoothing;
mod start_timestamps;
mod sums;
mod variance;

#[cfg(test)]
mod extended_tests;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

pub use bounds::{Bounds, compute_bounds};
pub use extended::{Extension, extend_samples, smoothed};
pub use instant::{STALE_NAN_BITS, latest, latest_start, latest_timestamp};
pub use integral::is_integral_strategy;
pub use native::{
    HistogramInput, MixedInput, MixedOutput, WindowAnnotation, WindowAnnotations, smoothed_mixed,
};

use self::extended::extended;
use crate::fmt::format_fixed6;
use crate::grid::{Grid, Param};

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

/// What a window kernel looks at.
#[derive(Clone, Copy, Debug)]
pub struct WindowInput<'a> {
    /// Milliseconds, ascending.
    pub timestamps: &'a [i64],
    /// One value a timestamp. No stale markers, but for [`latest`] and
    /// [`latest_timestamp`], which need them.
    pub values: &'a [f64],
    /// One start timestamp for each sample, where the query wants them; 0 where
    /// it is not known.
    pub start_timestamps: Option<&'a [i64]>,
    /// The samples of each step's window, with those beyond it that
    /// `extension` asks for: both ends never fall.
    pub bounds: &'a [Bounds],
    /// The windows' ends on the samples' time line: the evaluation times,
    /// moved by `offset` or pinned by `@`.
    pub ends: Grid,
    /// The windows' length, ms.
    pub range_ms: i64,
    /// How far the selector looks beyond its windows; only functions that the
    /// table has as `anchored` or `smoothed` know what to do then.
    pub extension: Option<Extension>,
    /// The evaluation times, from which `predict_linear` counts.
    pub eval: Grid,
}

impl WindowInput<'_> {
    /// The beginning and the end of a step's window. Where windows are pinned
    /// to one time, their samples stay, but the reference measures from a
    /// window that moves with the steps.
    #[inline]
    fn edges(&self, step: usize) -> (i64, i64) {
        let end = if self.ends.step_ms == 0 {
            let passed = self.eval.at(step).saturating_sub(self.eval.at(0));
            self.ends.start_ms.saturating_add(passed)
        } else {
            self.ends.at(step)
        };
        (end.saturating_sub(self.range_ms), end)
    }

    /// The samples that lie in any window.
    fn used(&self) -> std::ops::Range<usize> {
        used(self.bounds)
    }

    /// The length of the longest window, and of all together.
    fn lengths(&self) -> (usize, usize) {
        let lengths = self.bounds.iter().map(Bounds::len);
        lengths.fold((0, 0), |(longest, all), len| (longest.max(len), all + len))
    }
}

/// The samples that lie in any window.
fn used(bounds: &[Bounds]) -> std::ops::Range<usize> {
    match (bounds.first(), bounds.last()) {
        (Some(first), Some(last)) => first.lo as usize..last.hi.max(first.lo) as usize,
        _ => 0..0,
    }
}

/// Buffers that kernels need between input and output. Keep one for each
/// thread, so that they are allocated once.
#[derive(Debug, Default)]
pub struct WindowScratch {
    indices: Vec<u32>,
    numbers: Vec<f64>,
    keys: Vec<i64>,
    sums: Vec<crate::kahan::Sum>,
    moments: Vec<variance::Moments>,
}

/// A scalar parameter that a function refuses.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParamError {
    /// `double_exponential_smoothing`'s first, outside of (0, 1).
    #[error("invalid smoothing factor. Expected: 0 < sf < 1, got: {}", format_fixed6(*.0))]
    SmoothingFactor(f64),
    /// `double_exponential_smoothing`'s second, outside of (0, 1).
    #[error("invalid trend factor. Expected: 0 < tf < 1, got: {}", format_fixed6(*.0))]
    TrendFactor(f64),
    /// A function that knows nothing of samples beyond its windows.
    #[error("window function {0:?} is neither for anchored nor for smoothed windows")]
    Extended(WindowFunction),
    /// Fewer parameters than the function has.
    #[error("window function {function:?} needs scalar parameter {index}, which is missing")]
    Missing {
        /// The function.
        function: WindowFunction,
        /// Which of its scalar parameters, from 0.
        index: usize,
    },
}

impl WindowFunction {
    /// Evaluates the function for all steps of one series. `params` are the
    /// scalar arguments in the order of the signature. Where `present` comes
    /// out false, `out` means nothing.
    ///
    /// # Errors
    /// When a parameter is missing, or is one that the function refuses.
    ///
    /// # Panics
    /// If `out` and `present` have not one place for each of `input.bounds`,
    /// or bounds lie outside of the samples.
    pub fn eval(
        self,
        input: &WindowInput<'_>,
        params: &[Param<'_>],
        scratch: &mut WindowScratch,
        out: &mut [f64],
        present: &mut [bool],
    ) -> Result<(), ParamError> {
        use WindowFunction as W;
        assert_eq!(
            input.timestamps.len(),
            input.values.len(),
            "one value a timestamp"
        );
        assert!(
            input
                .start_timestamps
                .is_none_or(|s| s.len() == input.values.len()),
            "one start a timestamp"
        );
        assert_eq!(input.bounds.len(), out.len(), "one place a step");
        assert_eq!(input.bounds.len(), present.len(), "one mark a step");
        let param = |index: usize| {
            let missing = ParamError::Missing {
                function: self,
                index,
            };
            params.get(index).copied().ok_or(missing)
        };
        if let Some(extension) = input.extension {
            match self {
                W::Rate => extended::<true, true>(input, extension, scratch, out, present),
                W::Increase => extended::<true, false>(input, extension, scratch, out, present),
                W::Delta => extended::<false, false>(input, extension, scratch, out, present),
                W::Resets => simple::resets(input, scratch, out, present),
                W::Changes => simple::changes(input, scratch, out, present),
                // Without any step nobody asks.
                _ if input.bounds.is_empty() => {}
                _ => return Err(ParamError::Extended(self)),
            }
            return Ok(());
        }
        match self {
            W::Rate => counter::extrapolated::<true, true>(input, scratch, out, present),
            W::Increase => counter::extrapolated::<true, false>(input, scratch, out, present),
            W::Delta => counter::extrapolated::<false, false>(input, scratch, out, present),
            W::Irate => counter::last_two::<true>(input, out, present),
            W::Idelta => counter::last_two::<false>(input, out, present),
            W::Resets => simple::resets(input, scratch, out, present),
            W::Changes => simple::changes(input, scratch, out, present),
            W::Deriv => regression::deriv(input, out, present),
            W::PredictLinear => regression::predict_linear(input, param(0)?, out, present),
            W::Sum => sums::sum(input, scratch, out, present),
            W::Avg => sums::avg(input, scratch, out, present),
            W::Stddev => variance::variance(input, scratch, f64::sqrt, out, present),
            W::Stdvar => variance::variance(input, scratch, |v| v, out, present),
            W::Min => extreme::min(input, scratch, out, present),
            W::Max => extreme::max(input, scratch, out, present),
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
            W::Quantile => order::quantile(input, param(0)?, scratch, out, present),
            W::Mad => order::mad(input, scratch, out, present),
            W::Integral => integral::integral(input, params.first().copied(), out, present),
            W::DoubleExponentialSmoothing => {
                smoothing::double_exponential(input, param(0)?, param(1)?, out, present)?;
            }
        }
        Ok(())
    }
}
