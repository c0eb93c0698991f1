//! What a call returns instead of an answer.

use arrow_schema::ArrowError;
use quarrel_engine::{LimitError, QueryError};

use crate::message::{MessageError, Writer};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The query failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A handle that nothing belongs to.
    #[error("no {what} has the handle {handle}: it was released, or was never there")]
    NoSuchHandle {
        /// The kind of object.
        what: &'static str,
        /// The handle.
        handle: u64,
    },
    /// A message that is malformed or cannot be written.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// An answer that Arrow cannot hold.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    /// A call that is not allowed now.
    #[error("{0}")]
    Misuse(&'static str),
    /// A defect of the Rust side.
    #[error("panic: {0}")]
    Panic(String),
}

/// The kinds that Go distinguishes; `failure.go` has the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Parse = 1,
    BadData = 2,
    Execution = 3,
    TooManySamples = 4,
    Timeout = 5,
    Canceled = 6,
    Storage = 7,
    Internal = 8,
    TooManySeries = 9,
    TooManySamplesRead = 10,
}

impl Failure {
    pub fn kind(&self) -> Kind {
        match self {
            Failure::Query(error) => kind_of(error),
            _ => Kind::Internal,
        }
    }

    /// Kind, position in the query, text. Go adds the text around timeouts,
    /// cancellations and parse errors: of the first two the message holds only
    /// the phase, of parse errors the text without the position.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(self.kind() as u8);
        let span = match self {
            Failure::Query(error) => error.span().unwrap_or_default(),
            _ => Default::default(),
        };
        out.u32(span.start);
        out.u32(span.end);
        let text = match self {
            Failure::Query(QueryError::Parse(error)) => error.message().to_string(),
            Failure::Query(QueryError::Timeout { phase, .. } | QueryError::Canceled { phase }) => {
                (*phase).to_string()
            }
            other => other.to_string(),
        };
        if out.text(&text).is_err() {
            out.u32(0);
        }
        out.into_bytes()
    }
}

fn kind_of(error: &QueryError) -> Kind {
    match error {
        QueryError::Parse(_) => Kind::Parse,
        QueryError::BadData(_) => Kind::BadData,
        QueryError::Execution { .. } | QueryError::Unsupported { .. } => Kind::Execution,
        QueryError::Limit(LimitError::Samples { .. }) => Kind::TooManySamples,
        QueryError::Limit(LimitError::SelectedSeries { .. }) => Kind::TooManySeries,
        QueryError::Limit(LimitError::SamplesRead { .. }) => Kind::TooManySamplesRead,
        QueryError::Limit(_) => Kind::Execution,
        QueryError::Timeout { .. } => Kind::Timeout,
        QueryError::Canceled { .. } => Kind::Canceled,
        QueryError::Storage(_) | QueryError::Chunk { .. } => Kind::Storage,
        _ => Kind::Internal,
    }
}
