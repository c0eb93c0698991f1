//! Errors of the API: type, status code and body as in Prometheus.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use quarrel_engine::{ErrorClass, LimitError, QueryError};

use super::content_type::JSON;
use crate::{json, limits};

/// The types of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorType {
    BadData,
    Execution,
    CostLimit,
    Canceled,
    Timeout,
    Internal,
    Unavailable,
    /// What the server could do and is not allowed to.
    Disabled,
}

impl ErrorType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            ErrorType::BadData => "bad_data",
            ErrorType::Execution => "execution",
            ErrorType::CostLimit => "cost_limit",
            ErrorType::Canceled => "canceled",
            ErrorType::Timeout => "timeout",
            ErrorType::Internal => "internal",
            ErrorType::Unavailable | ErrorType::Disabled => "unavailable",
        }
    }

    fn status(self) -> u16 {
        match self {
            ErrorType::BadData => 400,
            ErrorType::Execution | ErrorType::CostLimit => 422,
            // Nginx's code for a client that closed the connection.
            ErrorType::Canceled => 499,
            ErrorType::Timeout | ErrorType::Unavailable => 503,
            ErrorType::Internal | ErrorType::Disabled => 500,
        }
    }
}

/// An error as the API answers it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.name())]
pub(crate) struct ApiError {
    pub(crate) kind: ErrorType,
    pub(crate) message: String,
    /// When the client may try again, seconds.
    retry_after: Option<u32>,
}

impl ApiError {
    pub(crate) fn new(kind: ErrorType, message: impl Into<String>) -> Self {
        ApiError {
            kind,
            message: message.into(),
            retry_after: None,
        }
    }

    /// The server has no room for the request now; the client may try again
    /// soon.
    pub(crate) fn overloaded(message: impl Into<String>) -> Self {
        ApiError {
            retry_after: Some(1),
            ..ApiError::new(ErrorType::Unavailable, message)
        }
    }

    pub(crate) fn bad_data(message: impl Into<String>) -> Self {
        ApiError::new(ErrorType::BadData, message)
    }

    /// An error of a parameter.
    pub(crate) fn parameter(name: &str, why: impl std::fmt::Display) -> Self {
        ApiError::bad_data(format!("invalid parameter \"{name}\": {why}"))
    }

    /// An error of a query. Bad data is reported as an error of the parameter
    /// `query`.
    pub(crate) fn query(error: &QueryError) -> Self {
        let kind = match error.class() {
            ErrorClass::BadData => return ApiError::parameter("query", error),
            ErrorClass::Execution => match error {
                QueryError::Limit(
                    LimitError::SelectedSeries { .. } | LimitError::SamplesRead { .. },
                ) => ErrorType::CostLimit,
                _ => ErrorType::Execution,
            },
            ErrorClass::Timeout => ErrorType::Timeout,
            ErrorClass::Canceled => ErrorType::Canceled,
            ErrorClass::Internal => ErrorType::Internal,
            ErrorClass::Unavailable => return ApiError::overloaded(limits::api_text(error)),
        };
        ApiError::new(kind, limits::api_text(error))
    }

    pub(crate) fn into_response(self) -> Response {
        let mut body = Vec::new();
        body.extend_from_slice(b"{\"status\":\"error\",\"errorType\":");
        json::string_html(&mut body, self.kind.name());
        if !self.message.is_empty() {
            body.extend_from_slice(b",\"error\":");
            json::string_html(&mut body, &self.message);
        }
        body.push(b'}');
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn types_have_prometheus_codes() {
        for (kind, status, name) in [
            (ErrorType::BadData, 400, "bad_data"),
            (ErrorType::Execution, 422, "execution"),
            (ErrorType::CostLimit, 422, "cost_limit"),
            (ErrorType::Canceled, 499, "canceled"),
            (ErrorType::Timeout, 503, "timeout"),
            (ErrorType::Internal, 500, "internal"),
            (ErrorType::Unavailable, 503, "unavailable"),
        ] {
            let response = ApiError::new(kind, "a \"<b>\"").into_response();
            assert_eq!(response.status().as_u16(), status);
            let body = axum::body::to_bytes(response.into_body(), 1000)
                .await
                .unwrap();
            let want = format!(
                r#"{{"status":"error","errorType":"{name}","error":"a \"\u003cb\u003e\""}}"#
            );
            assert_eq!(body, want.as_bytes());
        }
    }

    #[test]
    fn an_overload_says_when_to_try_again() {
        let response = ApiError::overloaded("full").into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        let response = ApiError::new(ErrorType::Timeout, "late").into_response();
        assert_eq!(response.headers().get(header::RETRY_AFTER), None);
    }
}
