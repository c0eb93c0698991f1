//! What can go wrong.

use std::time::Duration;

use prost::DecodeError;
use quarrel_engine::storage::StorageError;
use quarrel_proto::remote_read::frames::FrameError;
use quarrel_proto::remote_read::response::ResponseError;

use crate::http_client::HttpConfigError;

/// Why settings make no [`RemoteRead`](super::RemoteRead).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteReadError {
    /// The URL is none, or not one of HTTP.
    #[error("{url:?} is no URL of remote read: {reason}")]
    Url {
        /// What was given, without what is secret in it.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A header that belongs to the protocol.
    #[error("{0} is a reserved header. It must not be changed")]
    ReservedHeader(String),
    /// No form of an answer is wanted.
    #[error("no form of an answer is accepted")]
    NoForm,
    /// The settings of the client are wrong.
    #[error(transparent)]
    Http(#[from] HttpConfigError),
    /// There is no tokio runtime to read on.
    #[error("remote read needs a tokio runtime, which there is none of here")]
    NoRuntime,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// A header cannot be made.
    #[error(transparent)]
    Http(#[from] HttpConfigError),
    /// No connection, or it broke before there was an answer.
    #[error("error sending request: {0}")]
    Send(String),
    /// The connection broke.
    #[error("error reading response: the connection broke after {received} bytes: {reason}")]
    Broken { received: u64, reason: String },
    /// The answer was not complete in time.
    #[error("request timed out after {0:?}")]
    Timeout(Duration),
    /// The server refuses.
    #[error("remote server returned HTTP status {status}: {text}")]
    Status { status: String, text: String },
    /// The answer is of another kind.
    #[error("unsupported content type {0:?}")]
    ContentType(String),
    /// A form that was not asked for.
    #[error("the answer has chunks, which were not asked for")]
    Unasked,
    /// The frames are none.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame holds no message.
    #[error("corrupt frame: {0}")]
    Message(#[from] DecodeError),
    /// A frame belongs to another query.
    #[error("a frame answers query {0}, where one query was asked")]
    QueryIndex(i64),
    /// An answer with samples is not compressed as it should be.
    #[error("error reading response: {0}")]
    Snappy(String),
    /// It is no message.
    #[error("unable to unmarshal response body: {0}")]
    Response(#[from] ResponseError),
    /// It has another number of results.
    #[error("responses: want 1, got {0}")]
    Results(usize),
    /// A series is not what it should be.
    #[error("{0}")]
    Series(String),
    /// Nobody waits for it any more.
    #[error("the query has ended")]
    Ended,
    /// The task is gone.
    #[error("the task that reads the answer has ended")]
    Task,
}

impl ReadError {
    /// The error of a query.
    pub(super) fn of(self, url: &str) -> StorageError {
        match self {
            ReadError::Ended => StorageError::Stopped,
            error => StorageError::Remote {
                endpoint: url.to_string(),
                detail: format!("remote read: {error}"),
            },
        }
    }
}
