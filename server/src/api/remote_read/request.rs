//! The message of a request.

use prost::Message as _;
use quarrel_proto::remote_read::ReadRequest;

use super::refusal::Refusal;
use crate::api::request::Request;

/// Bytes of a body, and of its message, as in Prometheus.
pub(crate) const MAX_BODY: usize = 32 << 20;

/// Reads the message of a body.
///
/// # Errors
/// If it is none, or there is no memory for it.
pub(super) fn decode(request: &mut Request) -> Result<ReadRequest, Refusal> {
    if let Some(error) = request.body_error() {
        return Err(Refusal::bad_request(error));
    }
    if request.body.is_empty() {
        // Not even a length, which Rust's Snappy takes for 0.
        return Err(corrupt(&snap::Error::Empty));
    }
    let length = snap::raw::decompress_len(&request.body).map_err(|error| corrupt(&error))?;
    if length > MAX_BODY {
        return Err(Refusal::bad_request(format!(
            "snappy: decoded length {length} exceeds limit {MAX_BODY}"
        )));
    }
    // The message, and what is made of it.
    let held = request.hold(2 * length);
    held.map_err(|error| Refusal::unavailable(error.to_string()))?;
    let bytes = snap::raw::Decoder::new().decompress_vec(&request.body);
    let bytes = bytes.map_err(|error| corrupt(&error))?;
    request.body = Vec::new();
    ReadRequest::decode(&bytes[..]).map_err(|error| Refusal::bad_request(error.to_string()))
}

/// In the words of Go's Snappy.
fn corrupt(error: &snap::Error) -> Refusal {
    Refusal::bad_request(match error {
        snap::Error::TooBig { .. } => "snappy: decoded block is too large",
        _ => "snappy: corrupt input",
    })
}
