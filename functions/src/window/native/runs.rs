//! The run of a column that holds a window.

use std::ops::{Range, RangeInclusive};

use super::series::Series;
use crate::histogram::native::{Growth, HistogramRows, RowWindows};

/// The runs of a series, one after the other, as windows move over them.
pub(super) struct Runs<'a> {
    run: Option<Run<'a>>,
    growth: Option<Growth>,
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
    /// For growths of the given kind, or for sums and means.
    pub fn new(growth: Option<Growth>) -> Self {
        Runs { run: None, growth }
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
            let anew = |row: usize| series.starts_anew(start + row);
            let windows = match self.growth {
                Some(Growth::Counter) => RowWindows::of_counter(rows, anew),
                Some(Growth::Gauge) | None => RowWindows::new(rows),
            };
            self.run = Some(Run { rows, windows });
        }
        let run = self.run.as_mut()?;
        Some(DenseWindow {
            rows,
            windows: run.windows.as_mut()?,
            range: part.start..=part.end.checked_sub(1)?,
        })
    }
}
