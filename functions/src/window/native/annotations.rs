//! Annotations on windows that hold histograms.

use crate::histogram::native::{Found, GrowthAnnotations};

/// An annotation on a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowAnnotation {
    /// A window holds floats and histograms, and has no result for that.
    MixedFloatsHistograms,
    /// A window holds floats and histograms, of which the function takes the
    /// floats alone.
    HistogramsIgnored,
    /// A window holds exponential and custom buckets, and has no result for
    /// that.
    MixedExponentialCustom,
    /// A counter was asked for, and a gauge was there.
    NotCounter,
    /// A gauge was asked for, and a counter was there.
    NotGauge,
    /// Custom bounds differed in an addition.
    AdditionReconciled,
    /// Custom bounds differed in a subtraction.
    SubtractionReconciled,
    /// Custom bounds differed in a sum or mean over the window.
    AggregationReconciled,
    /// A sum or mean is over histograms of which some come behind a reset, and
    /// others are said not to.
    AggregationCollision,
    /// Start timestamps lie before the sample before.
    StartTimeOverlap,
}

impl WindowAnnotation {
    const ALL: [WindowAnnotation; 10] = [
        WindowAnnotation::MixedFloatsHistograms,
        WindowAnnotation::HistogramsIgnored,
        WindowAnnotation::MixedExponentialCustom,
        WindowAnnotation::NotCounter,
        WindowAnnotation::NotGauge,
        WindowAnnotation::AdditionReconciled,
        WindowAnnotation::SubtractionReconciled,
        WindowAnnotation::AggregationReconciled,
        WindowAnnotation::AggregationCollision,
        WindowAnnotation::StartTimeOverlap,
    ];
}

/// The annotations on the windows of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowAnnotations {
    set: u16,
    overlaps: u32,
}

impl WindowAnnotations {
    /// Adds an annotation on a window.
    pub fn add(&mut self, annotation: WindowAnnotation) {
        self.set |= 1 << annotation as u16;
        if annotation == WindowAnnotation::StartTimeOverlap {
            self.overlaps = self.overlaps.saturating_add(1);
        }
    }

    /// Adds the number of windows in which start timestamps overlap.
    pub fn add_overlaps(&mut self, windows: usize) {
        if windows > 0 {
            self.set |= 1 << WindowAnnotation::StartTimeOverlap as u16;
            let windows = u32::try_from(windows).unwrap_or(u32::MAX);
            self.overlaps = self.overlaps.saturating_add(windows);
        }
    }

    /// Adds an annotation on a window if it is true.
    pub fn add_if(&mut self, is_true: bool, annotation: WindowAnnotation) {
        if is_true {
            self.add(annotation);
        }
    }

    /// The annotations, each once.
    pub fn iter(self) -> impl Iterator<Item = WindowAnnotation> {
        let is_set = move |annotation: &WindowAnnotation| self.set & 1 << *annotation as u16 != 0;
        WindowAnnotation::ALL.into_iter().filter(is_set)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.set == 0
    }

    /// The windows in which start timestamps overlap.
    pub fn overlaps(self) -> u32 {
        self.overlaps
    }

    /// Adds the annotations on a growth.
    pub(super) fn growth(&mut self, annotations: GrowthAnnotations) {
        self.add_if(
            annotations.mixed_schemas,
            WindowAnnotation::MixedExponentialCustom,
        );
        self.add_if(annotations.not_counter, WindowAnnotation::NotCounter);
        self.add_if(annotations.not_gauge, WindowAnnotation::NotGauge);
        self.add_if(
            annotations.addition_reconciled,
            WindowAnnotation::AdditionReconciled,
        );
        self.add_if(
            annotations.subtraction_reconciled,
            WindowAnnotation::SubtractionReconciled,
        );
    }

    /// Adds the annotations on a sum or mean.
    pub(super) fn aggregation(&mut self, found: Found) {
        self.add_if(
            found.reset_collision,
            WindowAnnotation::AggregationCollision,
        );
        self.add_if(
            found.bounds_reconciled,
            WindowAnnotation::AggregationReconciled,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_a_set() {
        let mut annotations = WindowAnnotations::default();
        assert!(annotations.is_empty());
        for annotation in WindowAnnotation::ALL.into_iter().rev() {
            annotations.add(annotation);
            annotations.add(annotation);
        }
        assert_eq!(
            annotations.iter().collect::<Vec<_>>(),
            WindowAnnotation::ALL
        );
        assert_eq!(annotations.overlaps(), 2);
    }
}
