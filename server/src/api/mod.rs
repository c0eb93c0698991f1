//! The HTTP API: paths, answers and errors as in Prometheus 3.16.
//!
//! A request goes through [`routes`], which finds its handler and answers
//! what has none, is read by [`request`], answered by the handler of its
//! endpoint, and written by [`answer`]; [`cors`] and [`compress`] come last.

mod answer;
mod compress;
mod cors;
mod error;
mod labels;
mod multipart;
mod query;
mod request;
mod routes;
mod rules;
mod status;
#[cfg(test)]
mod tests;
mod texts;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderValue;
use quarrel_engine::Engine;
use quarrel_engine::storage::Storage;
use quarrel_matchers::Regex;

pub(crate) use answer::Document;
pub(crate) use query::QueryPieces;

use crate::metrics::{Gauges, Metrics};
use crate::time::Moment;

/// The version of Prometheus whose API this is. Clients such as Grafana
/// choose what they ask for by it.
pub const PROMETHEUS_VERSION: &str = "3.16.0";

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What an API serves, and how.
#[derive(Debug)]
pub struct ApiOptions {
    /// Origins that browsers let read the answers; anchored.
    pub cors_origin: Regex,
    /// How long the reading of a request may take.
    pub read_timeout: Duration,
    /// Whether requests may limit what their queries cost.
    pub query_cost: bool,
    /// What `status/flags` shows.
    pub flags: BTreeMap<String, String>,
}

/// The API over an engine and a storage.
pub struct Api {
    engine: Engine,
    storage: OnceLock<Arc<dyn Storage>>,
    stopping: AtomicBool,
    options: ApiOptions,
    metrics: Arc<Metrics>,
    start: Moment,
}

impl Api {
    /// An API that is not ready yet: it answers that it is unavailable.
    pub fn new(engine: Engine, options: ApiOptions) -> Self {
        Api {
            engine,
            storage: OnceLock::new(),
            stopping: AtomicBool::new(false),
            options,
            metrics: Arc::default(),
            start: Moment::now(),
        }
    }

    /// Makes it ready. Only the first storage counts.
    pub fn set_storage(&self, storage: Arc<dyn Storage>) {
        let _ = self.storage.set(storage);
    }

    /// From now on it is unavailable for new requests.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// The storage, if requests may be answered.
    fn ready(&self) -> Option<Arc<dyn Storage>> {
        if self.is_stopping() {
            None
        } else {
            self.storage.get().cloned()
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn gauges(&self) -> Gauges {
        Gauges {
            running: self.engine.active_queries(),
            waiting: self.engine.waiting_queries(),
            max_concurrency: self.engine.options().max_concurrency,
            ready: self.ready().is_some(),
            start_seconds: self.start.seconds as f64 + f64::from(self.start.nanos) / 1e9,
        }
    }
}

/// The API as a service.
pub fn router(api: Arc<Api>) -> Router {
    Router::new().fallback(routes::dispatch).with_state(api)
}
