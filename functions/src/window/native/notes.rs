//! What users should know about windows that hold histograms.

use crate::histogram::native::{Found, GrowthNotes};

/// Something that users should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowNote {
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

impl WindowNote {
    const ALL: [WindowNote; 10] = [
        WindowNote::MixedFloatsHistograms,
        WindowNote::HistogramsIgnored,
        WindowNote::MixedExponentialCustom,
        WindowNote::NotCounter,
        WindowNote::NotGauge,
        WindowNote::AdditionReconciled,
        WindowNote::SubtractionReconciled,
        WindowNote::AggregationReconciled,
        WindowNote::AggregationCollision,
        WindowNote::StartTimeOverlap,
    ];
}

/// The notes on the windows of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowNotes {
    set: u16,
    overlaps: u32,
}

impl WindowNotes {
    /// Adds a note on a window.
    pub fn add(&mut self, note: WindowNote) {
        self.set |= 1 << note as u16;
        if note == WindowNote::StartTimeOverlap {
            self.overlaps = self.overlaps.saturating_add(1);
        }
    }

    /// Adds that start timestamps overlap in so many windows.
    pub fn add_overlaps(&mut self, windows: usize) {
        if windows > 0 {
            self.set |= 1 << WindowNote::StartTimeOverlap as u16;
            let windows = u32::try_from(windows).unwrap_or(u32::MAX);
            self.overlaps = self.overlaps.saturating_add(windows);
        }
    }

    /// Adds a note on a window if it is true.
    pub fn add_if(&mut self, is_true: bool, note: WindowNote) {
        if is_true {
            self.add(note);
        }
    }

    /// The notes, each once.
    pub fn iter(self) -> impl Iterator<Item = WindowNote> {
        let is_set = move |note: &WindowNote| self.set & 1 << *note as u16 != 0;
        WindowNote::ALL.into_iter().filter(is_set)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.set == 0
    }

    /// The windows in which start timestamps overlap.
    pub fn overlaps(self) -> u32 {
        self.overlaps
    }

    /// Adds the notes on a growth.
    pub(super) fn growth(&mut self, notes: GrowthNotes) {
        self.add_if(notes.mixed_schemas, WindowNote::MixedExponentialCustom);
        self.add_if(notes.not_counter, WindowNote::NotCounter);
        self.add_if(notes.not_gauge, WindowNote::NotGauge);
        self.add_if(notes.addition_reconciled, WindowNote::AdditionReconciled);
        self.add_if(
            notes.subtraction_reconciled,
            WindowNote::SubtractionReconciled,
        );
    }

    /// Adds the notes on a sum or mean.
    pub(super) fn aggregation(&mut self, found: Found) {
        self.add_if(found.reset_collision, WindowNote::AggregationCollision);
        self.add_if(found.bounds_reconciled, WindowNote::AggregationReconciled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_a_set() {
        let mut notes = WindowNotes::default();
        assert!(notes.is_empty());
        for note in WindowNote::ALL.into_iter().rev() {
            notes.add(note);
            notes.add(note);
        }
        assert_eq!(notes.iter().collect::<Vec<_>>(), WindowNote::ALL);
        assert_eq!(notes.overlaps(), 2);
    }
}
