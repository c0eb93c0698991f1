//! quarrel itself as an endpoint: a server over a data directory that only this
//! process knows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use quarrel_engine::MemoryPool;
use quarrel_matchers::Regex;
use quarrel_storage::tsdb::TsdbOptions;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::data;
use super::failure::Failure;
use super::options::EngineArgs;
use crate::api::{Api, ApiOptions, BodyBudget, PooledBudget, router};
use crate::http::{self, HttpOptions};
use crate::net::IoRuntime;
use crate::tenancy::Tenancy;
use crate::trace::Tracer;

/// What the bodies of all requests may hold, bytes.
const BODIES: usize = 64 << 20;

/// A server on a port of the loopback interface. It ends on drop.
#[derive(Debug)]
pub(super) struct Loopback {
    url: String,
    _stop: oneshot::Sender<()>,
    _runtime: IoRuntime,
}

impl Loopback {
    /// Serves a directory.
    pub(super) async fn serve(dir: &Path, args: &EngineArgs) -> Result<Self, Failure> {
        let features = args.features();
        let engine = args.engine(&features)?;
        let pool: &MemoryPool = &engine.options().memory_pool;
        let bodies: Arc<dyn BodyBudget> = Arc::new(PooledBudget::new(BODIES, pool));
        let options = ApiOptions {
            tracer: Tracer::default(),
            tenancy: Tenancy::default(),
            cors_origin: Regex::new("").map_err(Failure::new)?,
            read_timeout: Duration::from_secs(60),
            query_cost: features.query_cost,
            search: features.search,
            runtime: Handle::current(),
            bodies: Arc::clone(&bodies),
            remote_read: Default::default(),
            flags: Default::default(),
        };
        let api = Arc::new(Api::new(engine, options));
        let tsdb = data::open(dir, TsdbOptions::default()).await?;
        api.set_tsdb(Arc::clone(&tsdb), Vec::new());
        api.set_storage(tsdb);
        let runtime = IoRuntime::start("quarrel-http").map_err(Failure::new)?;
        let bound = runtime.run(TcpListener::bind("127.0.0.1:0")).await;
        let listener = bound.and_then(|bound| bound).map_err(Failure::new)?;
        let address = listener.local_addr().map_err(Failure::new)?;
        let options = HttpOptions {
            read_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            max_connections: 512,
            grace: Duration::ZERO,
            budget: bodies,
            web: None,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            // It stops when the sender is gone.
            let _ = stopped.await;
        };
        // The listener belongs to the server's thread, which outlives this one.
        let serving = http::serve(vec![listener], router(api), options, stopped);
        runtime.spawn(serving).map_err(Failure::new)?;
        Ok(Loopback {
            url: format!("http://{address}"),
            _stop: stop,
            _runtime: runtime,
        })
    }

    /// The URL of its API.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}
