//! `POST /api/v1/read`: Prometheus's remote read, with samples or with chunks.
//!
//! A query's series have their external labels, as everywhere here, so that matchers of
//! these are matchers like others. Replicas stay series of their own, since the protocol
//! says nothing of how they become one, and data are raw. It has no warnings either: a
//! part that fails is an error, unless the URL has `partial_response=true`.
//!
//! Errors are plain texts, with the status codes of Prometheus.

mod chunked;
mod lookup;
mod negotiation;
mod refusal;
mod request;
mod sampled;

use axum::http::StatusCode;

use super::answer::Answer;
use super::call::{Call, Result};
use super::plain::plain;
use super::read_options;
use crate::metrics::QueryKind;

pub(super) use request::MAX_BODY;

use self::negotiation::ResponseForm;
use self::refusal::Refusal;

/// `POST /api/v1/read`
pub(super) async fn read(mut call: Call) -> Result {
    Ok(Answer::Other(match answer(&mut call).await {
        Ok(response) => response,
        Err(refusal) => plain(refusal.status, &refusal.text),
    }))
}

async fn answer(call: &mut Call) -> std::result::Result<axum::response::Response, Refusal> {
    let place = call.api.read_gate.enter(&call.api.metrics).await;
    let message = request::decode(&mut call.request)?;
    let form = negotiation::negotiate(&message.accepted_response_types)?;
    let encodings = negotiation::encodings(call.request.header("user-agent"));
    let mut read = call.read_options(QueryKind::Instant).map_err(|error| {
        let status = StatusCode::BAD_REQUEST;
        Refusal::new(status, error.message)
    })?;
    read.dedup = false;
    read.max_resolution_ms = 0;
    if call
        .request
        .value(read_options::PARTIAL_RESPONSE)
        .is_empty()
    {
        read.partial_response = false;
    }
    let lookups = lookup::Lookups {
        engine: call.api.engine.clone(),
        storage: call.source.storage(&read),
        cancel: call.cancel.clone(),
    };
    let limits = call.api.options.remote_read;
    match form {
        ResponseForm::Samples => {
            sampled::respond(lookups, message.queries, limits.samples, place).await
        }
        ResponseForm::Chunks => {
            let most = limits.bytes_in_frame;
            chunked::respond(lookups, message.queries, encodings, most, place).await
        }
    }
}
