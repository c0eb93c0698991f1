//! What window kernels look at: the samples of one series and its windows.

use super::bounds::Bounds;
use super::extension::Extension;
use crate::fmt::format_fixed6;
use crate::grid::{Grid, Param};

/// The input of a window kernel.
#[derive(Clone, Copy, Debug)]
pub struct WindowInput<'a> {
    /// Milliseconds, ascending.
    pub timestamps: &'a [i64],
    /// One value a timestamp. No stale markers, but for [`latest`](super::latest)
    /// and its like, which need them.
    pub values: &'a [f64],
    /// One start timestamp for each sample, where the query wants them; 0 where
    /// it is not known.
    pub start_timestamps: Option<&'a [i64]>,
    /// How far above the counter each value stands, where resets are applied that
    /// nobody can see; a counter is not extrapolated below what is its zero then.
    pub raised_by: Option<&'a [f64]>,
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
    /// to one time, their samples stay, but Prometheus measures from a
    /// window that moves with the steps.
    #[inline]
    pub(super) fn edges(&self, step: usize) -> (i64, i64) {
        let end = if self.ends.step_ms == 0 {
            let passed = self.eval.at(step).saturating_sub(self.eval.at(0));
            self.ends.start_ms.saturating_add(passed)
        } else {
            self.ends.at(step)
        };
        (end.saturating_sub(self.range_ms), end)
    }

    /// The samples that lie in any window.
    pub(super) fn used(&self) -> std::ops::Range<usize> {
        used(self.bounds)
    }

    /// The length of the longest window, and of all together.
    pub(super) fn lengths(&self) -> (usize, usize) {
        let lengths = self.bounds.iter().map(Bounds::len);
        lengths.fold((0, 0), |(longest, all), len| (longest.max(len), all + len))
    }
}

/// The samples that lie in any window.
pub(super) fn used(bounds: &[Bounds]) -> std::ops::Range<usize> {
    match (bounds.first(), bounds.last()) {
        (Some(first), Some(last)) => first.lo as usize..last.hi.max(first.lo) as usize,
        _ => 0..0,
    }
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
    #[error("the window function takes neither anchored nor smoothed windows")]
    Extended,
    /// Fewer parameters than the function has.
    #[error("the window function needs scalar parameter {index}, which is missing")]
    Missing {
        /// Which of its scalar parameters, from 0.
        index: usize,
    },
}

/// Scalar parameter `index`, from 0.
///
/// # Errors
/// When it is missing.
pub(super) fn required<'a>(params: &[Param<'a>], index: usize) -> Result<Param<'a>, ParamError> {
    params
        .get(index)
        .copied()
        .ok_or(ParamError::Missing { index })
}
