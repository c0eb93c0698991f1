//! What can go wrong with a query, as part of the API.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use quarrel_chunks::ChunkError;
use quarrel_planner::ast::Span;
use quarrel_planner::{ParseError, PlanError};

use crate::storage::StorageError;
use crate::times::RangeError;

/// A query's failure. The classes are those of Prometheus's HTTP API.
///
/// The text of an error is complete, as Prometheus words it: what it prints,
/// [`Error::source`] does not give once more. [`QueryError::render`] adds the
/// place in the query and a hint.
///
/// # Examples
/// ```
/// use quarrel_engine::{Engine, EngineOptions};
///
/// let text = "sum(rat(up[5m]))";
/// let error = Engine::new(EngineOptions::default())?.prepare(text).unwrap_err();
/// assert_eq!(
///     error.render(text),
///     "1:5: parse error: unknown function with name \"rat\"\n\
///      \x20 sum(rat(up[5m]))\n\
///      \x20     ^^^\n\
///      hint: did you mean `rate`?"
/// );
/// # Ok::<(), quarrel_engine::QueryError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum QueryError {
    /// The text is not PromQL, or not well typed.
    Parse(ParseError),
    /// The times of a range query are out of order, or its step is too short.
    Range(RangeError),
    /// Bad parameters, such as a modifier that the options forbid.
    BadData(String),
    /// The evaluation found something that PromQL forbids, such as two
    /// series with one label set.
    Execution {
        /// As Prometheus words it where clients match on it.
        message: String,
        /// Where in the query.
        span: Option<Span>,
    },
    /// Something of PromQL that this version does not evaluate yet.
    Unsupported {
        /// The function, operator or data.
        what: String,
        /// Where in the query.
        span: Option<Span>,
    },
    /// A limit was reached.
    Limit(LimitError),
    /// The wall-time limit passed.
    Timeout {
        /// What the query was doing.
        phase: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// Somebody cancelled the query or hung up.
    Canceled {
        /// What the query was doing.
        phase: &'static str,
    },
    /// The store could not answer.
    Storage(StorageError),
    /// A chunk could not be decoded.
    Chunk {
        /// The series' labels.
        series: String,
        /// What was wrong.
        error: ChunkError,
    },
    /// A defect of quarrel itself.
    Internal(String),
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryError::Parse(error) => error.fmt(f),
            QueryError::Range(error) => error.fmt(f),
            QueryError::BadData(message) | QueryError::Execution { message, .. } => {
                f.write_str(message)
            }
            QueryError::Unsupported { what, .. } => write!(f, "not supported yet: {what}"),
            QueryError::Limit(error) => error.fmt(f),
            QueryError::Timeout { phase, .. } => write!(f, "query timed out in {phase}"),
            QueryError::Canceled { phase } => write!(f, "query was canceled in {phase}"),
            QueryError::Storage(error) => write!(f, "expanding series: {error}"),
            QueryError::Chunk { series, error } => {
                write!(f, "expanding series: series {series}: {error}")
            }
            QueryError::Internal(message) => write!(f, "internal error: {message}"),
        }
    }
}

impl Error for QueryError {
    /// What is below the errors that the text holds already.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            QueryError::Storage(error) => error.source(),
            QueryError::Chunk { error, .. } => error.source(),
            _ => None,
        }
    }
}

impl From<ParseError> for QueryError {
    fn from(error: ParseError) -> Self {
        QueryError::Parse(error)
    }
}

impl From<RangeError> for QueryError {
    fn from(error: RangeError) -> Self {
        QueryError::Range(error)
    }
}

impl From<LimitError> for QueryError {
    fn from(error: LimitError) -> Self {
        QueryError::Limit(error)
    }
}

impl From<StorageError> for QueryError {
    fn from(error: StorageError) -> Self {
        QueryError::Storage(error)
    }
}

impl From<PlanError> for QueryError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Unsupported { what, span, .. } => QueryError::unsupported(what, span),
            PlanError::Execution { message, span } => QueryError::execution(message, span),
            other => QueryError::BadData(other.to_string()),
        }
    }
}

/// Which limit a query reached. [`LimitError::option`] and
/// [`LimitError::limit`] say how it is set, also where the text is
/// Prometheus's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// More live samples than allowed.
    #[error("query processing would load too many samples into memory in query execution")]
    Samples {
        /// The limit.
        limit: u64,
    },
    /// More bytes than allowed.
    #[error("query needs more than {limit} bytes of memory (limit max_memory): {what}")]
    Memory {
        /// The limit in bytes.
        limit: u64,
        /// What asked for the bytes.
        what: String,
    },
    /// More bytes than the memory pool has for this query beside all others.
    #[error("queries need more than {limit} bytes of memory together (limit memory_pool): {what}")]
    TotalMemory {
        /// The pool's limit in bytes.
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
        /// The limit.
        limit: u64,
    },
    /// More samples decoded than allowed.
    #[error("query would read too many samples in query execution")]
    SamplesRead {
        /// The limit.
        limit: u64,
    },
    /// Too many queries wait already.
    #[error("{limit} queries wait already (limit max_waiting)")]
    Queue {
        /// How many may wait.
        limit: usize,
    },
}

impl LimitError {
    /// The option of [`EngineOptions`](crate::EngineOptions) that sets the
    /// limit; [`QueryOptions`](crate::QueryOptions) may have a lower one of
    /// the same name.
    pub fn option(&self) -> &'static str {
        match self {
            LimitError::Samples { .. } => "max_samples",
            LimitError::Memory { .. } => "max_memory",
            LimitError::TotalMemory { .. } => "memory_pool",
            LimitError::Series { .. } => "max_series",
            LimitError::SelectedSeries { .. } => "max_selected_series",
            LimitError::SamplesRead { .. } => "max_samples_read",
            LimitError::Queue { .. } => "max_waiting",
        }
    }

    /// The limit: samples, bytes, series or queries.
    pub fn limit(&self) -> u64 {
        match self {
            LimitError::Samples { limit }
            | LimitError::Memory { limit, .. }
            | LimitError::TotalMemory { limit, .. }
            | LimitError::Series { limit }
            | LimitError::SelectedSeries { limit }
            | LimitError::SamplesRead { limit } => *limit,
            LimitError::Queue { limit } => *limit as u64,
        }
    }
}

/// The classes under which Prometheus's HTTP API reports errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// `unavailable`: the engine is busy with other queries; this one may be
    /// tried again later.
    Unavailable,
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
            QueryError::Internal(_) | QueryError::Storage(StorageError::Panicked { .. }) => {
                ErrorClass::Internal
            }
            QueryError::Limit(LimitError::TotalMemory { .. } | LimitError::Queue { .. }) => {
                ErrorClass::Unavailable
            }
            QueryError::Execution { .. }
            | QueryError::Storage(_)
            | QueryError::Chunk { .. }
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

    /// What may help, in a sentence of its own: a name that was probably
    /// meant, or the option behind a limit. It is no part of the error's text.
    pub fn hint(&self) -> Option<String> {
        match self {
            QueryError::Parse(error) => error.hint(),
            QueryError::Limit(error) => {
                Some(format!("{} is {} here", error.option(), error.limit()))
            }
            QueryError::Timeout { limit, .. } => Some(format!("timeout is {limit:?} here")),
            _ => None,
        }
    }

    /// The error for a terminal: its text, the line of the query `text` with
    /// marks under the place, and the hint, as far as there are such.
    pub fn render(&self, text: &str) -> String {
        if let QueryError::Parse(error) = self {
            return error.render(text);
        }
        let mut out = self.to_string();
        if let Some(span) = self.span() {
            out.push('\n');
            out.push_str(&span.excerpt(text));
        }
        if let Some(hint) = self.hint() {
            out.push_str("\nhint: ");
            out.push_str(&hint);
        }
        out
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
