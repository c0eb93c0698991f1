//! Answers: columns for those who compute on, Prometheus's shapes for those
//! who show.

use std::sync::Arc;

use crate::batch::SeriesBatch;
use crate::labels::{Label, LabelList, SymbolTable};
use crate::stats::QueryStats;
use quarrel_functions::grid::Grid;

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

/// The series of an answer, kept in columns.
#[derive(Debug, Clone)]
pub struct SeriesSet {
    pub(crate) symbols: Arc<SymbolTable>,
    pub(crate) labels: Arc<LabelList>,
    pub(crate) samples: Samples,
}

#[derive(Debug, Clone)]
pub(crate) enum Samples {
    /// Rows of batches over a grid, in the answer's order.
    Grid { grid: Grid, batches: Vec<SeriesBatch>, order: Vec<(u32, u32)> },
    /// Raw samples: row of the label list, timestamps, values.
    Raw(Vec<(u32, Vec<i64>, Vec<f64>)>),
}

/// A sample's value.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum SampleValue {
    /// A float.
    Float(f64),
}

impl SampleValue {
    /// The float, if it is one.
    pub fn as_float(self) -> Option<f64> {
        match self {
            SampleValue::Float(value) => Some(value),
        }
    }
}

/// A sample of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// What was there.
    pub value: SampleValue,
}

/// One series of an answer, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct SeriesRef<'a> {
    set: &'a SeriesSet,
    index: usize,
}

/// One series of an answer, with everything spelled out.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name and value, sorted by name.
    pub labels: Vec<(String, String)>,
    /// In order of time.
    pub points: Vec<Point>,
}

impl SeriesSet {
    /// How many series there are.
    pub fn len(&self) -> usize {
        match &self.samples {
            Samples::Grid { order, .. } => order.len(),
            Samples::Raw(series) => series.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
    pub fn to_series(&self) -> Vec<Series> {
        let symbols = self.symbols.read();
        self.iter()
            .map(|series| Series {
                labels: series
                    .labels()
                    .iter()
                    .map(|l| (symbols.get(l.name).to_string(), symbols.get(l.value).to_string()))
                    .collect(),
                points: series.points().collect(),
            })
            .collect()
    }
}

impl<'a> SeriesRef<'a> {
    fn row(&self) -> u32 {
        match &self.set.samples {
            Samples::Grid { batches, order, .. } => {
                let (batch, row) = order[self.index];
                batches[batch as usize].row(row as usize).series
            }
            Samples::Raw(series) => series[self.index].0,
        }
    }

    /// Its labels as symbols of [`SeriesSet::symbols`], sorted by name.
    pub fn labels(&self) -> &'a [Label] {
        self.set.labels.get(self.row() as usize)
    }

    /// Its samples in order of time.
    pub fn points(&self) -> Box<dyn Iterator<Item = Point> + 'a> {
        match &self.set.samples {
            Samples::Grid { grid, batches, order } => {
                let (batch, row) = order[self.index];
                let row = batches[batch as usize].row(row as usize);
                let first = row.first_step as usize;
                Box::new((0..row.values.len()).filter(move |&i| row.is_present(i)).map(move |i| {
                    let value = SampleValue::Float(row.values[i]);
                    Point { timestamp: grid.at(first + i), value }
                }))
            }
            Samples::Raw(series) => {
                let (_, timestamps, values) = &series[self.index];
                Box::new(timestamps.iter().zip(values).map(|(&timestamp, &value)| Point {
                    timestamp,
                    value: SampleValue::Float(value),
                }))
            }
        }
    }
}
