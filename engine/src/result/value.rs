//! The answer of a query.

use super::series::{SeriesRef, SeriesSet};
use crate::operator_tree::OperatorTree;
use crate::stats::QueryStats;

/// A query's answer with what accompanies it.
#[derive(Debug)]
#[non_exhaustive]
pub struct QueryResult {
    /// The answer.
    pub value: Value,
    /// Warnings, worded and positioned as Prometheus does; all of them.
    pub warnings: Vec<String>,
    /// Infos, likewise.
    pub infos: Vec<String>,
    /// What it cost.
    pub stats: QueryStats,
    /// What each operator did, if the query asked for it.
    pub operators: Option<OperatorTree>,
}

/// What follows the parts of an answer.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Trailer {
    /// Warnings, as [`QueryResult::warnings`].
    pub warnings: Vec<String>,
    /// Infos, likewise.
    pub infos: Vec<String>,
    /// What the query cost.
    pub stats: QueryStats,
    /// What each operator did, if the query asked for it.
    pub operators: Option<OperatorTree>,
}

/// A query's answer.
///
/// # Examples
/// ```
/// use quarrel_engine::Value;
///
/// /// The largest float of an answer, whatever its type.
/// fn largest(value: &Value) -> Option<f64> {
///     let samples = value.iter().flat_map(|series| series.points());
///     let floats = samples.filter_map(|point| point.value.as_float());
///     floats.chain(value.as_scalar()).reduce(f64::max)
/// }
///
/// let value = Value::Scalar { timestamp: 0, value: 2.5 };
/// assert_eq!(largest(&value), Some(2.5));
/// ```
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

    /// The number of a scalar.
    pub fn as_scalar(&self) -> Option<f64> {
        match self {
            Value::Scalar { value, .. } => Some(*value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The series of a vector.
    pub fn as_vector(&self) -> Option<&SeriesSet> {
        match self {
            Value::Vector(set) => Some(set),
            _ => None,
        }
    }

    /// The series of a matrix.
    pub fn as_matrix(&self) -> Option<&SeriesSet> {
        match self {
            Value::Matrix(set) => Some(set),
            _ => None,
        }
    }

    /// The series of a vector or a matrix.
    pub fn series(&self) -> Option<&SeriesSet> {
        match self {
            Value::Vector(set) | Value::Matrix(set) => Some(set),
            Value::Scalar { .. } | Value::String { .. } => None,
        }
    }

    /// The series of a vector or a matrix.
    pub fn into_series(self) -> Option<SeriesSet> {
        match self {
            Value::Vector(set) | Value::Matrix(set) => Some(set),
            Value::Scalar { .. } | Value::String { .. } => None,
        }
    }

    /// All series in the answer's order; none of a scalar or a string.
    pub fn iter(&self) -> impl Iterator<Item = SeriesRef<'_>> {
        self.series().into_iter().flatten()
    }
}
