//! Why a request of remote read has no answer.

use axum::http::StatusCode;
use quarrel_engine::{ErrorClass, QueryError};

use crate::limits;

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let text = text.into();
        Refusal { status, text }
    }

    /// A request that cannot be understood.
    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, text)
    }

    /// A failure of the server.
    pub(super) fn internal(text: impl Into<String>) -> Self {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    /// The server has no room now.
    pub(super) fn unavailable(text: impl Into<String>) -> Self {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    /// The failure of a look-up. Prometheus knows one status for all; what passes by
    /// itself has its own here.
    pub(super) fn of_query(error: &QueryError) -> Self {
        if let QueryError::Storage(error) = error {
            tracing::error!(%error, "Storage failed");
        }
        let status = match error.class() {
            ErrorClass::Timeout | ErrorClass::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorClass::BadData
            | ErrorClass::Execution
            | ErrorClass::Canceled
            | ErrorClass::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Refusal::new(status, limits::api_text(error))
    }
}
