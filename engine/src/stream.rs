//! An answer in parts.

use crate::error::QueryError;
use crate::result::{QueryResult, Value};
use crate::stats::QueryStats;

/// Series in one part.
const PART: usize = 256;

/// The parts of an answer, in the answer's order. Matrices are ordered by
/// labels, so the whole answer is there, in columns, before its first part;
/// what the parts save is a second copy in the receiver's form.
#[derive(Debug)]
pub struct QueryStream {
    result: QueryResult,
    next: usize,
}

/// What follows the parts.
#[derive(Debug)]
pub struct Trailer {
    /// Warnings, as [`QueryResult::warnings`].
    pub warnings: Vec<String>,
    /// Infos, likewise.
    pub infos: Vec<String>,
    /// What the query cost.
    pub stats: QueryStats,
}

impl QueryStream {
    pub(crate) fn new(result: QueryResult) -> Self {
        QueryStream { result, next: 0 }
    }

    /// `scalar`, `string`, `vector` or `matrix`.
    pub fn type_name(&self) -> &'static str {
        self.result.value.type_name()
    }

    /// The next part: the number or text, or some of the series.
    ///
    /// # Errors
    /// Those of the query.
    pub async fn next(&mut self) -> Result<Option<Value>, QueryError> {
        let from = self.next;
        Ok(match &self.result.value {
            Value::Vector(set) if from < set.len() => {
                self.next = (from + PART).min(set.len());
                Some(Value::Vector(set.slice(from, self.next - from)))
            }
            Value::Matrix(set) if from < set.len() => {
                self.next = (from + PART).min(set.len());
                Some(Value::Matrix(set.slice(from, self.next - from)))
            }
            Value::Scalar { timestamp, value } if from == 0 => {
                self.next = 1;
                Some(Value::Scalar {
                    timestamp: *timestamp,
                    value: *value,
                })
            }
            Value::String { timestamp, value } if from == 0 => {
                self.next = 1;
                Some(Value::String {
                    timestamp: *timestamp,
                    value: value.clone(),
                })
            }
            _ => None,
        })
    }

    /// Warnings, infos and costs.
    pub fn finish(self) -> Trailer {
        let QueryResult {
            warnings,
            infos,
            stats,
            ..
        } = self.result;
        Trailer {
            warnings,
            infos,
            stats,
        }
    }
}
