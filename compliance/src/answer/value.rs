//! What an answer is.

use super::labels::Labels;

/// The answer to a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It has a value.
    Data(Data),
    /// The query failed.
    Failure(Failure),
}

/// A value, and what was noted on the way to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The value.
    pub value: Value,
    /// Its warnings, in the order of the answer.
    pub warnings: Vec<String>,
    /// Its infos, in the order of the answer.
    pub infos: Vec<String>,
    /// Samples of each step, if they were asked for and given.
    pub steps: Option<StepStats>,
}

/// Samples of each step of a query: milliseconds and numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepStats {
    /// Samples in the step's windows.
    pub total: Vec<(i64, f64)>,
    /// Samples that were read for it, if the server counts these.
    pub read: Option<Vec<(i64, f64)>>,
}

/// An error of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status.
    pub status: u16,
    /// `errorType`, such as `bad_data`.
    pub kind: String,
    /// `error`.
    pub message: String,
}

/// The value of a query. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One sample a row, in the order of the answer.
    Vector(Vec<Row>),
    /// Samples over time, in the order of the answer.
    Matrix(Vec<Row>),
    /// A number at a time.
    Scalar(i64, f64),
    /// A text at a time.
    Text(i64, String),
}

/// A series of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its labels.
    pub labels: Labels,
    /// Floats, in the order of the answer: milliseconds and values.
    pub floats: Vec<(i64, f64)>,
    /// Native histograms, in the order of the answer: milliseconds and values.
    pub histograms: Vec<(i64, Histogram)>,
}

/// A native histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// How many observations it has.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The buckets that are not empty.
    pub buckets: Vec<Bucket>,
}

/// A bucket of a native histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Which of the bounds belong to it, as the API numbers it.
    pub bounds: u8,
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
    /// How many observations it has.
    pub count: f64,
}

/// Why a body is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("status {status}, {reason}")]
pub struct Unreadable {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with the body, and where.
    pub reason: String,
}

impl Value {
    /// The name of its type in the API.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Vector(_) => "vector",
            Value::Matrix(_) => "matrix",
            Value::Scalar(..) => "scalar",
            Value::Text(..) => "string",
        }
    }

    /// The rows of a vector or a matrix.
    pub fn rows(&self) -> &[Row] {
        match self {
            Value::Vector(rows) | Value::Matrix(rows) => rows,
            Value::Scalar(..) | Value::Text(..) => &[],
        }
    }

    /// How many samples it has.
    pub fn samples(&self) -> usize {
        match self {
            Value::Vector(rows) | Value::Matrix(rows) => rows.iter().map(Row::len).sum(),
            Value::Scalar(..) | Value::Text(..) => 1,
        }
    }
}

impl Row {
    /// How many samples it has.
    pub fn len(&self) -> usize {
        self.floats.len() + self.histograms.len()
    }

    /// Whether it has no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The time of its first sample.
    pub fn first_time(&self) -> Option<i64> {
        let float = self.floats.first().map(|(time, _)| *time);
        let histogram = self.histograms.first().map(|(time, _)| *time);
        float.into_iter().chain(histogram).min()
    }
}

/// Milliseconds as the API writes times and steps, in seconds.
pub fn seconds(ms: i64) -> String {
    let (whole, rest) = (ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000);
    let sign = if ms < 0 { "-" } else { "" };
    match rest {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{rest:03}"),
    }
}
