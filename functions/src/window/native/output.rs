//! Writes result histograms, as dense rows where they share a layout.

use std::sync::Arc;

use crate::histogram::native::{HistogramRef, HistogramRows, Layout, StepHistograms};

/// Appends to a row's histograms.
pub(super) struct Writer<'a> {
    out: &'a mut StepHistograms,
    rows: Option<HistogramRows>,
    /// The steps of `rows`.
    steps: Vec<usize>,
}

impl<'a> Writer<'a> {
    pub fn new(out: &'a mut StepHistograms) -> Self {
        Writer {
            out,
            rows: None,
            steps: Vec::new(),
        }
    }

    /// The rows of a layout, to which the next one can be appended; call
    /// [`Writer::appended`] when that is done.
    pub fn rows(&mut self, layout: &Arc<Layout>, compact: bool) -> &mut HistogramRows {
        let fits = |rows: &HistogramRows| {
            Arc::ptr_eq(rows.layout(), layout) && rows.is_compact() == compact
        };
        if !self.rows.as_ref().is_some_and(fits) {
            self.flush();
        }
        self.rows
            .get_or_insert_with(|| HistogramRows::new(Arc::clone(layout), compact))
    }

    /// A row was appended, which is that of a step.
    pub fn appended(&mut self, step: usize) {
        self.steps.push(step);
    }

    /// Appends one of any layout.
    pub fn push(&mut self, step: usize, h: &HistogramRef<'_>) {
        self.flush();
        self.out.push(step, h);
    }

    fn flush(&mut self) {
        if let Some(rows) = self.rows.take() {
            self.out.push_run(self.steps.drain(..), rows);
        }
    }

    /// Hands out what is still collected.
    pub fn finish(mut self) {
        self.flush();
    }
}
