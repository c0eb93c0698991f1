//! Why scripts cannot be run on an endpoint.

use std::time::Duration;

use crate::endpoint::AskError;

/// Why scripts cannot be run on an endpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The command that makes the endpoint fresh does not run.
    #[error("--reset {command:?}: {source}")]
    Start {
        /// The command.
        command: String,
        /// Why.
        source: std::io::Error,
    },
    /// The command that makes the endpoint fresh failed.
    #[error("--reset {command:?} failed: {status}")]
    Reset {
        /// The command.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// The endpoint does not answer after it was made fresh.
    #[error("the endpoint is not ready after {limit:?}: {reason}")]
    NotReady {
        /// The time that it had.
        limit: Duration,
        /// The last answer.
        reason: String,
    },
    /// The endpoint takes no samples there.
    #[error("write to {url}: status {status}: {text:?}")]
    Status {
        /// Where to.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The begin of the answer.
        text: String,
    },
    /// Samples cannot be sent.
    #[error("write to {url}: {source}")]
    Write {
        /// Where to.
        url: String,
        /// Why.
        source: AskError,
    },
}
