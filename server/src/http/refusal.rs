//! Requests that are refused before the API sees them, as by Go's `net/http`.

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::ext::ReasonPhrase;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Its first line or its headers are no HTTP.
    Malformed,
    /// It has more than one `Host`.
    ManyHosts,
    MissingHost,
    MalformedHost,
    /// Its head is too large.
    TooLarge,
    /// There is no memory for its head now.
    NoRoom,
}

impl Refusal {
    fn text(self) -> &'static str {
        match self {
            Refusal::Malformed | Refusal::ManyHosts => "400 Bad Request",
            Refusal::MissingHost => "400 Bad Request: missing required Host header",
            Refusal::MalformedHost => "400 Bad Request: malformed Host header",
            Refusal::TooLarge => "431 Request Header Fields Too Large",
            Refusal::NoRoom => "503 Service Unavailable: too many requests with large heads",
        }
    }

    /// The answer; the connection closes. The status line carries the whole text.
    pub(super) fn response(self) -> Response<Body> {
        let text = self.text();
        let (status, reason) = text.split_at(3);
        let mut response = Response::new(Body::from(text));
        let status = status.parse().ok();
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        *response.status_mut() = status.unwrap_or(StatusCode::BAD_REQUEST);
        let reason = ReasonPhrase::from_static(reason.trim_start().as_bytes());
        response.extensions_mut().insert(reason);
        for (name, value) in [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CONNECTION, "close"),
        ] {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        if self == Refusal::NoRoom {
            let soon = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
        }
        response
    }
}

/// Why a request is refused whose `Host` is missing or wrong.
pub(super) fn of_host<B>(request: &Request<B>) -> Option<Refusal> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() >= Version::HTTP_11 => Some(Refusal::MissingHost),
        (Some(_), Some(_)) => Some(Refusal::ManyHosts),
        (Some(host), None) if !host.as_bytes().iter().all(|&byte| is_of_host(byte)) => {
            Some(Refusal::MalformedHost)
        }
        _ => None,
    }
}

/// Whether Go allows a byte in a host: those of RFC 3986.
fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!$%&'()*+,-.:;=[]_~".contains(&byte)
}
