//! Values of the header `Content-Type`.

use axum::http::HeaderValue;

pub(super) const ARROW: HeaderValue =
    HeaderValue::from_static("application/vnd.apache.arrow.stream");
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(super) const LINES: HeaderValue =
    HeaderValue::from_static("application/x-ndjson; charset=utf-8");
