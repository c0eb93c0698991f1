//! The state of the API: engine, storage, options and metrics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use quarrel_engine::Engine;
use quarrel_engine::storage::Storage;
use quarrel_matchers::Regex;
use quarrel_storage::tsdb::Tsdb;
use tokio::runtime::Handle;

use super::body::BodyBudget;
use super::read_gate::Gate;
use super::read_limits::RemoteReadLimits;
use crate::metrics::{Gauges, Metrics};
use crate::source::Source;
use crate::stores::Stores;
use crate::tenancy::Tenancy;
use crate::time::Moment;
use crate::trace::Tracer;

/// Options of an API.
#[derive(Debug)]
pub struct ApiOptions {
    /// Origins whose pages may read the answers; anchored.
    pub cors_origin: Regex,
    /// The time limit for reading a request.
    pub read_timeout: Duration,
    /// Whether requests may set limits on the cost of their queries.
    pub query_cost: bool,
    /// Whether names and values may be searched for.
    pub search: bool,
    /// How the tenant of a request is told.
    pub tenancy: Tenancy,
    /// Where requests are parsed, computed and answered, apart from the threads
    /// that serve HTTP.
    pub runtime: Handle,
    /// What the bodies of all requests may hold.
    pub bodies: Arc<dyn BodyBudget>,
    /// Begins the traces of requests.
    pub tracer: Tracer,
    /// The limits of remote read.
    pub remote_read: RemoteReadLimits,
    /// The answer of `status/flags`.
    pub flags: BTreeMap<String, String>,
}

/// A data directory, with the external labels that it gets, sorted by name.
struct Directory {
    tsdb: Arc<Tsdb>,
    labels: Vec<(String, String)>,
}

/// The API over an engine and a storage.
pub struct Api {
    pub(crate) engine: Engine,
    source: OnceLock<Arc<dyn Source>>,
    tsdb: OnceLock<Directory>,
    stopping: AtomicBool,
    pub(crate) options: ApiOptions,
    /// The places of requests of remote read.
    pub(super) read_gate: Gate,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) start: Moment,
}

impl Api {
    /// An API that is not ready yet: until [`Api::set_source`] it answers that
    /// it is unavailable.
    pub fn new(engine: Engine, options: ApiOptions) -> Self {
        Api {
            engine,
            source: OnceLock::new(),
            tsdb: OnceLock::new(),
            stopping: AtomicBool::new(false),
            read_gate: Gate::new(options.remote_read.concurrent),
            options,
            metrics: Arc::default(),
            start: Moment::now(),
        }
    }

    /// Makes the API ready. Later sources are ignored.
    pub fn set_source(&self, source: Arc<dyn Source>) {
        let _ = self.source.set(source);
    }

    /// As [`Api::set_source`] with one storage.
    pub fn set_storage(&self, storage: Arc<dyn Storage>) {
        self.set_source(Arc::new(Stores::plain(storage)));
    }

    /// A data directory of which more is shown than series, with the external labels
    /// that it gets. It does not make the API ready.
    pub fn set_tsdb(&self, tsdb: Arc<Tsdb>, mut labels: Vec<(String, String)>) {
        labels.sort();
        let _ = self.tsdb.set(Directory { tsdb, labels });
    }

    /// The data directory, if there is one.
    pub(crate) fn tsdb(&self) -> Option<&Arc<Tsdb>> {
        self.tsdb.get().map(|directory| &directory.tsdb)
    }

    /// The external labels of the data directory, sorted by name.
    pub(crate) fn external_labels(&self) -> &[(String, String)] {
        let directory = self.tsdb.get();
        directory.map_or(&[], |directory| &directory.labels)
    }

    /// Makes the API unavailable for new requests.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// What is read from, if requests may be answered.
    pub(crate) fn source(&self) -> Option<Arc<dyn Source>> {
        if self.is_stopping() {
            None
        } else {
            self.source.get().cloned()
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn gauges(&self) -> Gauges {
        let source = self.source();
        Gauges {
            running: self.engine.active_queries(),
            waiting: self.engine.waiting_queries(),
            max_concurrency: self.engine.options().max_concurrency,
            ready: source.is_some(),
            start_seconds: self.start.seconds as f64 + f64::from(self.start.nanos) / 1e9,
            bucket: source
                .as_ref()
                .and_then(|source| Some(source.bucket()?.metrics())),
            stores: (source.as_ref()).map_or_else(Vec::new, |source| source.store_metrics()),
            remote_read: source.map_or_else(Vec::new, |source| source.remote_read_metrics()),
        }
    }
}
