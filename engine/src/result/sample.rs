//! Samples of an answer: a float or a native histogram at a time.

use quarrel_functions::grid::Grid;
use quarrel_functions::histogram::native::HistogramRef;

use crate::batch::Row;
use crate::operators::raw::RawSeries;

/// A sample's value.
#[derive(Debug, Clone, Copy)]
pub enum SampleValue<'a> {
    /// A float.
    Float(f64),
    /// A native histogram, as a row of a matrix.
    Histogram(HistogramRef<'a>),
}

impl PartialEq for SampleValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (SampleValue::Float(a), SampleValue::Float(b)) => a == b,
            (SampleValue::Histogram(a), SampleValue::Histogram(b)) => a.equals(b),
            _ => false,
        }
    }
}

impl<'a> SampleValue<'a> {
    /// The float, if it is one.
    pub fn as_float(self) -> Option<f64> {
        match self {
            SampleValue::Float(value) => Some(value),
            SampleValue::Histogram(_) => None,
        }
    }

    /// The histogram, if it is one.
    pub fn as_histogram(self) -> Option<HistogramRef<'a>> {
        match self {
            SampleValue::Float(_) => None,
            SampleValue::Histogram(h) => Some(h),
        }
    }
}

/// A sample of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point<'a> {
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// What was there.
    pub value: SampleValue<'a>,
}

/// The samples of a series in order of time.
#[derive(Debug, Clone)]
pub struct Points<'a>(Kind<'a>);

#[derive(Debug, Clone)]
enum Kind<'a> {
    Row {
        grid: Grid,
        row: Row<'a>,
        next: usize,
    },
    Raw {
        series: &'a RawSeries,
        next_float: usize,
        next_histogram: usize,
    },
}

impl<'a> Points<'a> {
    /// The samples of a row over the grid.
    pub(super) fn of_row(grid: Grid, row: Row<'a>) -> Self {
        let next = 0;
        Points(Kind::Row { grid, row, next })
    }

    /// Samples as they were stored: floats and histograms, merged by time.
    pub(super) fn of_raw(series: &'a RawSeries) -> Self {
        Points(Kind::Raw {
            series,
            next_float: 0,
            next_histogram: 0,
        })
    }
}

impl<'a> Iterator for Points<'a> {
    type Item = Point<'a>;

    fn next(&mut self) -> Option<Point<'a>> {
        match &mut self.0 {
            Kind::Row { grid, row, next } => loop {
                let i = *next;
                let float = *row.values.get(i)?;
                *next += 1;
                let value = match row.histogram(i) {
                    Some(h) => SampleValue::Histogram(h),
                    None if row.is_present(i) => SampleValue::Float(float),
                    None => continue,
                };
                let timestamp = grid.at(row.first_step as usize + i);
                return Some(Point { timestamp, value });
            },
            Kind::Raw {
                series,
                next_float,
                next_histogram,
            } => next_raw(series, next_float, next_histogram),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Kind::Row { row, next, .. } => (0, Some(row.values.len() - next)),
            Kind::Raw {
                series,
                next_float,
                next_histogram,
            } => {
                let floats = series.timestamps.len() - next_float;
                let histograms = series.histogram_timestamps.len() - next_histogram;
                (floats + histograms, Some(floats + histograms))
            }
        }
    }
}

fn next_raw<'a>(
    series: &'a RawSeries,
    next_float: &mut usize,
    next_histogram: &mut usize,
) -> Option<Point<'a>> {
    let float = series.timestamps.get(*next_float);
    let histogram = series.histogram_timestamps.get(*next_histogram);
    match (float, histogram) {
        (Some(&timestamp), other) if other.is_none_or(|&t| timestamp <= t) => {
            let value = SampleValue::Float(series.values[*next_float]);
            *next_float += 1;
            Some(Point { timestamp, value })
        }
        (_, Some(&timestamp)) => {
            let value = SampleValue::Histogram(series.histograms.get(*next_histogram));
            *next_histogram += 1;
            Some(Point { timestamp, value })
        }
        (_, None) => None,
    }
}
