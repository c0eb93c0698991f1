//! An answer in parts.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;

use crate::error::QueryError;
use crate::result::{ArrowForm, ArrowLayout, QueryResult, SeriesSet, Value};
use crate::stats::QueryStats;

/// Series in one part.
const PART: usize = 256;

/// The parts of an answer, in the answer's order: a [`Stream`] of values of
/// the answer's type, the number or text in one, series by some hundreds.
///
/// Matrices are ordered by labels, so the whole answer is there, in columns,
/// before its first part. What the parts save is a second copy in the
/// receiver's form.
///
/// # Examples
/// ```
/// use futures::StreamExt;
/// use quarrel_engine::{ArrowForm, Query, QueryError};
///
/// async fn rows(query: Query) -> Result<usize, Box<dyn std::error::Error>> {
///     let mut stream = query.stream().await?;
///     // All batches have the schema of the layout.
///     let layout = stream.arrow_layout(ArrowForm::Tidy);
///     let mut rows = 0;
///     while let Some(part) = stream.next().await {
///         rows += layout.batch(&part?)?.num_rows();
///     }
///     if let Some(trailer) = stream.trailer() {
///         println!("{} warnings", trailer.warnings.len());
///     }
///     Ok(rows)
/// }
/// # let _ = rows;
/// ```
#[derive(Debug)]
pub struct QueryStream {
    value: Value,
    trailer: Trailer,
    next: usize,
    ended: bool,
}

/// What follows the parts.
#[derive(Debug)]
#[non_exhaustive]
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
        let QueryResult {
            value,
            warnings,
            infos,
            stats,
        } = result;
        QueryStream {
            value,
            trailer: Trailer {
                warnings,
                infos,
                stats,
            },
            next: 0,
            ended: false,
        }
    }

    /// `scalar`, `string`, `vector` or `matrix`.
    pub fn type_name(&self) -> &'static str {
        self.value.type_name()
    }

    /// What makes record batches of one schema of all parts.
    pub fn arrow_layout(&self, form: ArrowForm) -> ArrowLayout {
        ArrowLayout::new(&self.value, form)
    }

    /// Warnings, infos and costs, once the stream has ended.
    pub fn trailer(&self) -> Option<&Trailer> {
        self.ended.then_some(&self.trailer)
    }

    /// Warnings, infos and costs. Parts that are left are dropped.
    pub fn finish(self) -> Trailer {
        self.trailer
    }

    fn part(&mut self) -> Option<Value> {
        let from = self.next;
        let only = (from == 0).then_some(1);
        let end = |set: &SeriesSet| (from < set.len()).then(|| (from + PART).min(set.len()));
        let (next, part) = match &self.value {
            Value::Vector(set) => {
                let end = end(set)?;
                (end, Value::Vector(set.slice(from, end - from)))
            }
            Value::Matrix(set) => {
                let end = end(set)?;
                (end, Value::Matrix(set.slice(from, end - from)))
            }
            Value::Scalar { timestamp, value } => {
                let (timestamp, value) = (*timestamp, *value);
                (only?, Value::Scalar { timestamp, value })
            }
            Value::String { timestamp, value } => {
                let (timestamp, value) = (*timestamp, value.clone());
                (only?, Value::String { timestamp, value })
            }
        };
        self.next = next;
        Some(part)
    }
}

impl Stream for QueryStream {
    type Item = Result<Value, QueryError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Value, QueryError>>> {
        let part = self.part();
        self.ended = part.is_none();
        Poll::Ready(part.map(Ok))
    }
}
