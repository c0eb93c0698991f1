//! The HTTP API: paths, answers and errors as in Prometheus 3.16.
//!
//! `routes` finds the handler of a request, and answers requests without one.
//! `body` reads the request's body. The rest runs as a `task` on the API's own
//! runtime: `request` parses the parameters, the handler of the endpoint answers
//! (`call`), and `answer` writes the response; `cors` and `compress` come last.

mod analysis;
mod answer;
mod arrow;
pub(crate) mod body;
mod call;
mod compress;
mod content_type;
mod cors;
mod cost;
mod cost_estimate;
mod error;
mod explain;
mod fanned;
mod feature_list;
mod labels;
pub(crate) mod logged;
mod media_type;
mod multipart;
mod plain;
mod query;
mod read_gate;
mod read_limits;
mod read_options;
mod remote_read;
mod request;
mod routes;
mod rules;
mod search;
mod search_terms;
mod series;
mod service;
pub(crate) mod side_by_side;
mod stats;
mod status;
mod stores;
mod task;
#[cfg(test)]
mod tests;
mod texts;

use std::sync::Arc;

use axum::Router;

pub(crate) use answer::{Document, limited};
pub use body::{BodyBudget, FixedBudget, PooledBudget};
pub(crate) use body::{BodyError, receive as receive_body};
pub(crate) use error::{ApiError, ErrorType};
pub(crate) use query::{QueryPieces, failed as query_failed};
pub use read_limits::RemoteReadLimits;
pub use service::{Api, ApiOptions};
pub use status::PROMETHEUS_VERSION;
pub(crate) use task::{CancelSlot, TaskGuard};

/// The API as a service.
pub fn router(api: Arc<Api>) -> Router {
    Router::new().fallback(routes::dispatch).with_state(api)
}
