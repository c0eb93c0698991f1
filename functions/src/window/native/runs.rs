//! The run of a column that holds a window.

use std::ops::{Range, RangeInclusive};

use super::Series;
use crate::histogram::native::{HistogramRows, RowWindows};

/// The runs of a series, one after the other, as windows move over them.
pub(super) struct Runs<'a> {
    run: Option<Run<'a>>,
}

struct Run<'a> {
    rows: &'a HistogramRows,
    windows: Option<RowWindows<'a>>,
}

/// A window over dense rows.
pub(super) struct DenseWindow<'r, 'a> {
    pub rows: &'a HistogramRows,
    pub windows: &'r mut RowWindows<'a>,
    pub range: RangeInclusive<usize>,
}

impl<'a> Runs<'a> {
    pub fn new() -> Self {
        Runs { run: None }
    }

    /// The rows of a window of one histogram or more, if one run holds them
    /// all and can be added column by column.
    pub fn window(
        &mut self,
        series: &Series<'a>,
        window: Range<usize>,
    ) -> Option<DenseWindow<'_, 'a>> {
        let column = series.input.histograms.histograms;
        let (rows, part) = column.one_run(window.clone())?;
        let known = |run: &Run<'_>| std::ptr::eq(run.rows, rows);
        if !self.run.as_ref().is_some_and(known) {
            let start = window.start - part.start;
            self.run = Some(Run {
                rows,
                windows: RowWindows::new(rows, |row| series.starts_anew(start + row)),
            });
        }
        let run = self.run.as_mut()?;
        Some(DenseWindow {
            rows,
            windows: run.windows.as_mut()?,
            range: part.start..=part.end.checked_sub(1)?,
        })
    }
}
