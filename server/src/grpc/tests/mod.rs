//! The services as clients of tonic see them, over series in memory.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quarrel_engine::storage::Storage;
use quarrel_engine::{Engine, EngineOptions};
use quarrel_matchers::Regex;
use quarrel_storage::memory::MemoryStorage;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::transport::{Channel, Endpoint};

use super::{Grpc, GrpcLimits, GrpcOptions, serve};
use crate::api::{Api, ApiOptions, FixedBudget};
use crate::stores::Stores;
use crate::tenancy::Tenancy;
use crate::trace::Tracer;

mod connections;
mod directory;
mod fanouts;
mod info;
mod query;
mod store;
mod tls;

/// When the samples begin, seconds.
pub(crate) const START: i64 = 1_700_011_200;

/// A server that ends on drop.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(super) api: Arc<Api>,
    _stop: oneshot::Sender<()>,
}

pub(super) fn api() -> Arc<Api> {
    traced(Tracer::default())
}

/// An API that begins traces.
pub(crate) fn traced(tracer: Tracer) -> Arc<Api> {
    api_with(tracer, Tenancy::default())
}

fn api_with(tracer: Tracer, tenancy: Tenancy) -> Arc<Api> {
    let options = ApiOptions {
        tracer,
        tenancy,
        cors_origin: Regex::new("").unwrap(),
        read_timeout: Duration::from_secs(5),
        query_cost: false,
        search: false,
        runtime: tokio::runtime::Handle::current(),
        bodies: Arc::new(FixedBudget::new(1 << 20)),
        remote_read: Default::default(),
        flags: BTreeMap::new(),
    };
    Arc::new(Api::new(
        Engine::new(EngineOptions::default()).unwrap(),
        options,
    ))
}

pub(crate) fn options() -> GrpcOptions {
    GrpcOptions {
        read_timeout: Duration::from_secs(5),
        write_timeout: Duration::from_secs(5),
        max_connections: 16,
        grace: Duration::ZERO,
        max_connection_age: None,
        budget: Arc::new(FixedBudget::new(64 << 20)),
        tls: None,
    }
}

impl Served {
    pub(crate) async fn with(api: Arc<Api>, options: GrpcOptions, limits: GrpcLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Served::on(listener, api, options, limits)
    }

    pub(super) fn on(
        listener: TcpListener,
        api: Arc<Api>,
        options: GrpcOptions,
        limits: GrpcLimits,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let grpc = Arc::new(Grpc::new(Arc::clone(&api), limits));
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _ = stopped.await;
        };
        tokio::spawn(serve(vec![listener], grpc, options, stopped));
        Served {
            address,
            api,
            _stop: stop,
        }
    }

    /// Serves a storage with external labels.
    pub(super) async fn over(storage: Arc<dyn Storage>) -> Self {
        let api = api();
        let labels = vec![("cluster".to_string(), "a".to_string())];
        let source = Stores::labeled(storage, labels).unwrap();
        api.set_source(Arc::new(source));
        Served::with(api, options(), GrpcLimits::default()).await
    }

    pub(super) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.connect().await.unwrap()
    }

    pub(super) fn metrics(&self) -> String {
        self.api.metrics.render(&self.api.gauges())
    }
}

/// `up` of three jobs, ten samples each, 15 s apart.
pub(crate) fn storage() -> Arc<MemoryStorage> {
    let storage = MemoryStorage::new();
    for (job, value) in [("api", 1.0), ("db", f64::NAN), ("web", -0.0)] {
        for i in 0..10 {
            let time = (START + i * 15) * 1000;
            let labels = [("__name__", "up"), ("job", job)];
            storage.append(labels, time, value).unwrap();
        }
    }
    Arc::new(storage)
}

/// The labels of a message as a text.
pub(super) fn text(labels: &[quarrel_proto::labels::Label]) -> String {
    let pairs = labels.iter().map(|label| {
        let name = std::str::from_utf8(&label.name).unwrap();
        let value = std::str::from_utf8(&label.value).unwrap();
        format!("{name}={value}")
    });
    pairs.collect::<Vec<_>>().join(",")
}
