//! Answers: columns for those who compute on, Prometheus's shapes for those
//! who show.

mod arrow;
mod histograms;

use std::sync::Arc;

use crate::batch::SeriesBatch;
use crate::labels::{Label, LabelList, SymbolTable};
use crate::operators::raw::RawSeries;
use crate::stats::QueryStats;
use quarrel_functions::grid::Grid;
use quarrel_functions::histogram::native::HistogramRef;

/// A query's answer with what accompanies it.
#[derive(Debug)]
pub struct QueryResult {
    /// The answer.
    pub value: Value,
    /// Warnings, worded and positioned as Prometheus does; all of them.
    pub warnings: Vec<String>,
    /// Infos, likewise.
    pub infos: Vec<String>,
    /// What it cost.
    pub stats: QueryStats,
}

/// A query's answer.
#[derive(Debug)]
pub enum Value {
    /// One number at one time.
    Scalar {
        /// Evaluation time, ms.
        timestamp: i64,
        /// The number.
        value: f64,
    },
    /// A string.
    String {
        /// Evaluation time, ms.
        timestamp: i64,
        /// The text.
        value: String,
    },
    /// One sample a series, at one time, in the order that the query gives.
    Vector(SeriesSet),
    /// Samples over time, series sorted by labels.
    Matrix(SeriesSet),
}

impl Value {
    /// `scalar`, `string`, `vector` or `matrix`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Scalar { .. } => "scalar",
            Value::String { .. } => "string",
            Value::Vector(_) => "vector",
            Value::Matrix(_) => "matrix",
        }
    }
}

/// The series of an answer, kept in columns. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SeriesSet {
    pub(crate) symbols: Arc<SymbolTable>,
    pub(crate) labels: Arc<LabelList>,
    pub(crate) samples: Arc<Samples>,
    /// Where each series of the answer is: batch and row, or raw series and 0.
    pub(crate) order: Arc<[(u32, u32)]>,
    pub(crate) from: usize,
    pub(crate) len: usize,
}

#[derive(Debug)]
pub(crate) enum Samples {
    /// Rows of batches over a grid.
    Grid {
        grid: Grid,
        batches: Vec<SeriesBatch>,
    },
    /// Samples as they were stored.
    Raw(Vec<RawSeries>),
}

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

/// One series of an answer, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct SeriesRef<'a> {
    set: &'a SeriesSet,
    index: usize,
}

/// One series of an answer, with everything spelled out.
#[derive(Debug, Clone, PartialEq)]
pub struct Series<'a> {
    /// Name and value, sorted by name.
    pub labels: Vec<(String, String)>,
    /// In order of time.
    pub points: Vec<Point<'a>>,
}

impl SeriesSet {
    /// How many series there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Some of the series, from `from` on, without a copy.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn slice(&self, from: usize, len: usize) -> SeriesSet {
        assert!(
            from + len <= self.len,
            "series {from}+{len} of {}",
            self.len
        );
        SeriesSet {
            from: self.from + from,
            len,
            ..self.clone()
        }
    }

    /// Series `index` in the answer's order.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn get(&self, index: usize) -> SeriesRef<'_> {
        assert!(index < self.len(), "series {index} of {}", self.len());
        SeriesRef { set: self, index }
    }

    /// All series in the answer's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = SeriesRef<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The strings behind the labels' symbols.
    pub fn symbols(&self) -> &Arc<SymbolTable> {
        &self.symbols
    }

    /// All series spelled out.
    pub fn to_series(&self) -> Vec<Series<'_>> {
        let symbols = self.symbols.read();
        self.iter()
            .map(|series| Series {
                labels: series
                    .labels()
                    .iter()
                    .map(|l| {
                        (
                            symbols.get(l.name).to_string(),
                            symbols.get(l.value).to_string(),
                        )
                    })
                    .collect(),
                points: series.points().collect(),
            })
            .collect()
    }
}

impl<'a> SeriesRef<'a> {
    fn place(&self) -> (usize, usize) {
        let (a, b) = self.set.order[self.set.from + self.index];
        (a as usize, b as usize)
    }

    /// Its labels as symbols of [`SeriesSet::symbols`], sorted by name.
    pub fn labels(&self) -> &'a [Label] {
        let (outer, inner) = self.place();
        let row = match &*self.set.samples {
            Samples::Grid { batches, .. } => batches[outer].row(inner).series,
            Samples::Raw(series) => series[outer].row,
        };
        self.set.labels.get(row as usize)
    }

    /// Its samples in order of time.
    pub fn points(&self) -> Box<dyn Iterator<Item = Point<'a>> + 'a> {
        let (outer, inner) = self.place();
        match &*self.set.samples {
            Samples::Grid { grid, batches } => {
                let row = batches[outer].row(inner);
                let first = row.first_step as usize;
                Box::new((0..row.values.len()).filter_map(move |i| {
                    let value = match row.histogram(i) {
                        Some(h) => SampleValue::Histogram(h),
                        None if row.is_present(i) => SampleValue::Float(row.values[i]),
                        None => return None,
                    };
                    Some(Point {
                        timestamp: grid.at(first + i),
                        value,
                    })
                }))
            }
            Samples::Raw(series) => Box::new(raw_points(&series[outer])),
        }
    }
}

/// Floats and histograms, merged by time.
fn raw_points(series: &RawSeries) -> impl Iterator<Item = Point<'_>> {
    let (mut float, mut histogram) = (0, 0);
    std::iter::from_fn(move || {
        let next_float = series.timestamps.get(float);
        let next_histogram = series.histogram_timestamps.get(histogram);
        match (next_float, next_histogram) {
            (Some(&timestamp), other) if other.is_none_or(|&t| timestamp <= t) => {
                float += 1;
                let value = SampleValue::Float(series.values[float - 1]);
                Some(Point { timestamp, value })
            }
            (_, Some(&timestamp)) => {
                histogram += 1;
                let value = SampleValue::Histogram(series.histograms.get(histogram - 1));
                Some(Point { timestamp, value })
            }
            (_, None) => None,
        }
    })
}
