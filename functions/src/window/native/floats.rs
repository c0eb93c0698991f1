//! Functions of floats alone.

use super::{Series, WindowAnnotation, WindowAnnotations};
use crate::grid::Param;
use crate::window::{ParamError, smoothing};

/// Histograms among floats are ignored, which users should know.
pub(super) fn ignore_histograms(series: &Series<'_>, annotations: &mut WindowAnnotations) {
    let ignored = series.windows().any(|window| !window.floats.is_empty());
    annotations.add_if(ignored, WindowAnnotation::HistogramsIgnored);
}

/// Looks at the factors of `double_exponential_smoothing`, which are refused
/// also where there are histograms alone.
///
/// # Errors
/// When a factor is not inside (0, 1) at a step whose window has a sample.
pub(super) fn check_factors(series: &Series<'_>, params: [Param<'_>; 2]) -> Result<(), ParamError> {
    let bounds = series.input.floats.bounds.iter();
    let bounds = bounds.zip(series.input.histograms.bounds);
    for (step, (floats, histograms)) in bounds.enumerate() {
        if !(floats.is_empty() && histograms.is_empty()) {
            smoothing::factors(params, step)?;
        }
    }
    Ok(())
}
