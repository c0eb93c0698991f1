//! Functions of floats alone.

use super::annotations::{WindowAnnotation, WindowAnnotations};
use super::series::Series;

/// Annotates that histograms among floats are ignored.
pub(in crate::window) fn ignore_histograms(
    series: &Series<'_>,
    annotations: &mut WindowAnnotations,
) {
    let ignored = series.windows().any(|window| !window.floats.is_empty());
    annotations.add_if(ignored, WindowAnnotation::HistogramsIgnored);
}
