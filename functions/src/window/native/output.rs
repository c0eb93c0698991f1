//! Writes result histograms, as dense rows where they share a layout.

use std::sync::Arc;

use crate::histogram::native::{HistogramRef, HistogramRows, Layout, StepHistograms};

/// Appends to a row's histograms.
pub(super) struct Writer<'a> {
    out: &'a mut StepHistograms,
    /// How many may come.
    steps: usize,
}

impl<'a> Writer<'a> {
    /// Writes the histograms of at most `steps` steps.
    pub fn new(out: &'a mut StepHistograms, steps: usize) -> Self {
        Writer { out, steps }
    }

    /// The rows of a layout, to which the next one can be appended; call
    /// [`Writer::appended`] when that is done.
    pub fn rows(&mut self, layout: &Arc<Layout>, compact: bool) -> &mut HistogramRows {
        self.out.rows_mut(layout, compact, self.steps)
    }

    /// A row was appended, which is that of a step.
    pub fn appended(&mut self, step: usize) {
        self.out.appended(step);
    }

    /// Appends one of any layout.
    pub fn push(&mut self, step: usize, h: &HistogramRef<'_>) {
        self.out.push_one_of(step, h, self.steps);
    }

    /// Removes what was begun and not used.
    pub fn finish(self) {
        self.out.drop_empty();
    }
}
