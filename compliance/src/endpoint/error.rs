//! Why an endpoint cannot be asked, or gave nothing to read.

use std::time::Duration;

use quarrel_storage::http_client::HttpConfigError;

use crate::answer::Unreadable;

/// Why settings make no [`Endpoint`](super::Endpoint).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The URL is none, or not one of HTTP.
    #[error("{url:?} is no URL of an HTTP API: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The settings of the client are wrong.
    #[error(transparent)]
    Http(#[from] HttpConfigError),
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// No connection.
    #[error("no connection: {0}")]
    Connect(String),
    /// The answer was not complete in time.
    #[error("no answer within {:?}{}", limit, if *begun { ", though it had begun" } else { "" })]
    Timeout {
        /// The time that was given.
        limit: Duration,
        /// Whether a part of the answer was there.
        begun: bool,
    },
    /// The connection ended before the answer did.
    #[error("the connection broke after {received} bytes of the answer: {reason}")]
    Broken {
        /// Bytes of the body that came.
        received: u64,
        /// Why.
        reason: String,
    },
    /// The answer is larger than what may be kept.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// Bytes that are allowed.
        limit: u64,
    },
    /// The body is not what its `Content-Encoding` says.
    #[error("the answer cannot be decompressed: {0}")]
    Encoding(String),
    /// The answer is none of Prometheus's HTTP API.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The endpoint refused a request that a tool needed.
    #[error("{path}: {kind}: {message:?}")]
    Refused {
        /// The path of the request.
        path: String,
        /// Its `errorType`.
        kind: String,
        /// Its `error`.
        message: String,
    },
}
