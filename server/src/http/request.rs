//! Requests that are refused before the API sees them, as by Go's `net/http`.

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::ext::ReasonPhrase;

/// The answer to a request whose `Host` is missing or wrong.
pub(super) fn refused<B>(request: &Request<B>) -> Option<Response<Body>> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() >= Version::HTTP_11 => {
            Some(bad_request("400 Bad Request: missing required Host header"))
        }
        (Some(_), Some(_)) => Some(bad_request("400 Bad Request")),
        (Some(host), None) if !host.as_bytes().iter().all(|&byte| is_of_host(byte)) => {
            Some(bad_request("400 Bad Request: malformed Host header"))
        }
        _ => None,
    }
}

/// Whether Go allows a byte in a host: those of RFC 3986.
fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!$%&'()*+,-.:;=[]_~".contains(&byte)
}

/// The status line carries the whole text.
fn bad_request(text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let reason = text.as_bytes().strip_prefix(b"400 ").unwrap_or_default();
    let reason = ReasonPhrase::from_static(reason);
    response.extensions_mut().insert(reason);
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONNECTION, "close"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
