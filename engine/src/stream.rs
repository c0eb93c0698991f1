//! An answer in parts.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;

use crate::error::QueryError;
use crate::flow::Flow;
use crate::result::{QueryResult, Trailer, Value};

/// Series in one part of an answer that is there.
const PART: usize = 256;

/// The parts of an answer, in the answer's order: a [`Stream`] of values of
/// the answer's type, the number or text in one, series by some hundreds.
///
/// Where the order of rows is known before they are computed, as above a selector
/// of many series, parts come while the query runs, and an error may come after
/// some of them. Else the whole answer is there, in columns, before its first
/// part. The query does not wait for who reads: what is not read yet stays in
/// columns.
///
/// # Examples
/// ```
/// use futures::StreamExt;
/// use quarrel_engine::{Query, QueryError};
///
/// async fn series(query: Query) -> Result<usize, QueryError> {
///     let mut stream = query.stream().await?;
///     let mut series = 0;
///     while let Some(part) = stream.next().await {
///         series += part?.iter().count();
///     }
///     if let Some(trailer) = stream.trailer() {
///         println!("{} warnings", trailer.warnings.len());
///     }
///     Ok(series)
/// }
/// # let _ = series;
/// ```
#[derive(Debug)]
pub struct QueryStream {
    type_name: &'static str,
    source: Source,
    trailer: Option<Trailer>,
    ended: bool,
}

/// Where parts come from.
#[derive(Debug)]
enum Source {
    /// An answer that is there, and its next series.
    Whole(Value, usize),
    /// A query that runs.
    Flow(Box<Flow>),
}

impl From<QueryResult> for QueryStream {
    /// The parts of an answer that is there.
    fn from(result: QueryResult) -> Self {
        let QueryResult {
            value,
            warnings,
            infos,
            stats,
            operators,
        } = result;
        QueryStream {
            type_name: value.type_name(),
            source: Source::Whole(value, 0),
            trailer: Some(Trailer {
                warnings,
                infos,
                stats,
                operators,
            }),
            ended: false,
        }
    }
}

impl QueryStream {
    pub(crate) fn running(type_name: &'static str, flow: Flow) -> Self {
        QueryStream {
            type_name,
            source: Source::Flow(Box::new(flow)),
            trailer: None,
            ended: false,
        }
    }

    /// `scalar`, `string`, `vector` or `matrix`.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// Warnings, infos and costs, once the stream has ended.
    pub fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref().filter(|_| self.ended)
    }

    /// Warnings, infos and costs. Parts that are left are dropped; if the query
    /// still runs, it ends, and its costs are those so far.
    pub fn finish(self) -> Trailer {
        match (self.trailer, self.source) {
            (Some(trailer), _) => trailer,
            (None, Source::Flow(flow)) => Trailer {
                stats: flow.stats(),
                operators: flow.operators(),
                ..Trailer::default()
            },
            (None, Source::Whole(..)) => Trailer::default(),
        }
    }
}

/// The part of an answer from series `from` on, and where the next one begins.
fn part(value: &Value, from: usize) -> Option<(Value, usize)> {
    let only = (from == 0).then_some(1);
    match value {
        Value::Vector(set) | Value::Matrix(set) => {
            let len = set.len().checked_sub(from).filter(|&len| len > 0)?;
            let len = len.min(PART);
            let part = set.slice(from, len);
            let part = match value {
                Value::Vector(_) => Value::Vector(part),
                _ => Value::Matrix(part),
            };
            Some((part, from + len))
        }
        Value::Scalar { timestamp, value } => {
            let (timestamp, value) = (*timestamp, *value);
            Some((Value::Scalar { timestamp, value }, only?))
        }
        Value::String { timestamp, value } => {
            let (timestamp, value) = (*timestamp, value.clone());
            Some((Value::String { timestamp, value }, only?))
        }
    }
}

impl Stream for QueryStream {
    type Item = Result<Value, QueryError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Value, QueryError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = match &mut self.source {
            Source::Whole(value, from) => part(value, *from).map(|(part, next)| {
                *from = next;
                Ok(part)
            }),
            Source::Flow(flow) => match futures::ready!(flow.poll_next(cx)) {
                Ok(Ok(part)) => Some(Ok(part)),
                Ok(Err(trailer)) => {
                    self.trailer = Some(trailer);
                    None
                }
                Err(error) => Some(Err(error)),
            },
        };
        self.ended = !matches!(next, Some(Ok(_)));
        Poll::Ready(next)
    }
}
