//! What can go wrong with a query, as part of the API.

use std::time::Duration;

use quarrel_planner::ast::Span;

use crate::storage::StorageError;
use crate::times::RangeError;

/// A query's failure. The classes are those of Prometheus's HTTP API.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The text is not PromQL, or not well typed.
    #[error(transparent)]
    Parse(#[from] quarrel_planner::ParseError),
    /// The times of a range query are out of order, or its step is too short.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// Bad parameters, such as a modifier that the options forbid.
    #[error("{0}")]
    BadData(String),
    /// The evaluation found something that PromQL forbids, such as two
    /// series with one label set.
    #[error("{message}")]
    Execution {
        /// Prometheus's words where clients match on them.
        message: String,
        /// Where in the query.
        span: Option<Span>,
    },
    /// Something of PromQL that this version does not evaluate yet.
    #[error("not supported yet: {what}")]
    Unsupported {
        /// The function, operator or data.
        what: String,
        /// Where in the query.
        span: Option<Span>,
    },
    /// A limit was reached. Says which and how it is set.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The wall-time limit passed.
    #[error("query timed out in {phase}")]
    Timeout {
        /// What the query was doing.
        phase: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// Somebody cancelled the query or hung up.
    #[error("query was canceled in {phase}")]
    Canceled {
        /// What the query was doing.
        phase: &'static str,
    },
    /// The store could not answer.
    #[error("expanding series: {0}")]
    Storage(#[from] StorageError),
    /// A chunk could not be decoded.
    #[error("expanding series: series {series}: {source}")]
    Chunk {
        /// The series' labels.
        series: String,
        /// What was wrong.
        source: quarrel_chunks::ChunkError,
    },
    /// A defect of quarrel itself.
    #[error("internal error: {0}")]
    Internal(String),
}

/// Which limit a query reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// More live samples than allowed.
    #[error("query processing would load too many samples into memory in query execution")]
    Samples {
        /// The limit (`max_samples`, `--query.max-samples`).
        limit: u64,
    },
    /// More bytes than allowed.
    #[error(
        "query needs more than {limit} bytes of memory (limit max_memory, --query.max-memory): {what}"
    )]
    Memory {
        /// The limit in bytes.
        limit: u64,
        /// What asked for the bytes.
        what: String,
    },
    /// More result series than allowed.
    #[error("query returns more than {limit} series (limit max_series)")]
    Series {
        /// The limit.
        limit: u64,
    },
    /// More series selected than allowed.
    #[error("query would load too many series into memory in query execution")]
    SelectedSeries {
        /// The limit (`max_selected_series`).
        limit: u64,
    },
    /// More samples decoded than allowed.
    #[error("query would read too many samples in query execution")]
    SamplesRead {
        /// The limit (`max_samples_read`).
        limit: u64,
    },
    /// Too many queries wait already.
    #[error(
        "too many queries wait for one of {limit} places (limit max_concurrency, --query.max-concurrency)"
    )]
    Queue {
        /// How many may run at once.
        limit: usize,
    },
}

/// The classes under which Prometheus's HTTP API reports errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// `bad_data`
    BadData,
    /// `execution`
    Execution,
    /// `timeout`
    Timeout,
    /// `canceled`
    Canceled,
    /// `internal`
    Internal,
}

impl QueryError {
    /// The class of this error.
    pub fn class(&self) -> ErrorClass {
        match self {
            QueryError::Parse(_) | QueryError::Range(_) | QueryError::BadData(_) => {
                ErrorClass::BadData
            }
            QueryError::Timeout { .. } => ErrorClass::Timeout,
            QueryError::Canceled { .. } => ErrorClass::Canceled,
            QueryError::Internal(_) | QueryError::Storage(_) | QueryError::Chunk { .. } => {
                ErrorClass::Internal
            }
            QueryError::Execution { .. }
            | QueryError::Unsupported { .. }
            | QueryError::Limit(_) => ErrorClass::Execution,
        }
    }

    /// The place in the query text, if the error has one.
    pub fn span(&self) -> Option<Span> {
        match self {
            QueryError::Execution { span, .. } | QueryError::Unsupported { span, .. } => *span,
            QueryError::Parse(error) => Some(error.span()),
            _ => None,
        }
    }

    pub(crate) fn execution(message: impl Into<String>, span: Span) -> Self {
        QueryError::Execution {
            message: message.into(),
            span: Some(span),
        }
    }

    pub(crate) fn unsupported(what: impl Into<String>, span: Span) -> Self {
        QueryError::Unsupported {
            what: what.into(),
            span: Some(span),
        }
    }
}
