//! A server of the StoreAPI for tests: over any storage, and wrong in any way.
//!
//! # Examples
//! ```
//! use std::sync::Arc;
//! use quarrel_storage::memory::MemoryStorage;
//! use quarrel_storage::store_api::testing::FakeStore;
//! use quarrel_storage::store_api::{Endpoints, EndpointsConfig};
//!
//! # #[tokio::main(flavor = "multi_thread")]
//! # async fn main() {
//! let memory = MemoryStorage::new();
//! memory.append([("__name__", "up")], 0, 1.0).unwrap();
//! let store = FakeStore::over(Arc::new(memory)).with_labels(&[("cluster", "a")]);
//! let running = store.start().await;
//! let config = EndpointsConfig::new([running.spec()]);
//! let endpoints = Endpoints::start(config).unwrap();
//! endpoints.ready().await;
//! assert!(endpoints.status()[0].is_healthy());
//! # }
//! ```

mod encode;
mod messages;
mod server;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::Stream;
use parking_lot::Mutex;
use quarrel_engine::storage::Storage;
use quarrel_proto::info::InfoResponse;
use quarrel_proto::services::info::info_server::InfoServer;
use quarrel_proto::services::store::store_server::StoreServer;
use quarrel_proto::store::{LabelNamesRequest, LabelValuesRequest, SeriesRequest, SeriesResponse};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tonic::Status;
use tonic::transport::Server;
use tonic::transport::server::{Connected, TcpIncoming};

use super::spec::EndpointSpec;
use crate::tasks::Task;
pub use encode::xor_chunk;
pub use messages::Messages;
use server::Service;

/// Changes the messages of an answer.
type Edit = Arc<dyn Fn(Vec<SeriesResponse>) -> Vec<SeriesResponse> + Send + Sync>;

/// A store that is to be served.
#[derive(Clone)]
pub struct FakeStore {
    storage: Arc<dyn Storage>,
    labels: Vec<(String, String)>,
    info: InfoResponse,
    edit: Option<Edit>,
    fault: Fault,
}

impl fmt::Debug for FakeStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeStore")
            .field("labels", &self.labels)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

/// What goes wrong once an answer is asked for.
#[derive(Clone, Debug, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It is refused.
    Refused(Status),
    /// After so many messages nothing comes any more.
    HangsAfter(usize),
    /// After so many messages an error comes.
    FailsAfter(usize, Status),
    /// After so many messages all connections are lost.
    DiesAfter(usize),
    /// Its messages come again and again.
    Floods,
    /// Each message comes after this time.
    Slow(Duration),
}

impl FakeStore {
    /// A store of all series of a storage. It says that it is a sidecar with data of all
    /// times that knows shards and leaves out replica labels.
    pub fn over(storage: Arc<dyn Storage>) -> Self {
        FakeStore {
            storage,
            labels: Vec::new(),
            info: server::info(),
            edit: None,
            fault: Fault::None,
        }
    }

    /// The same with external labels, which all series get.
    #[must_use]
    pub fn with_labels(mut self, labels: &[(&str, &str)]) -> Self {
        let own = |&(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        self.labels = labels.iter().map(own).collect();
        self.info.label_sets = vec![server::label_set(&self.labels)];
        self
    }

    /// The same with another Info.
    #[must_use]
    pub fn with_info(mut self, edit: impl FnOnce(&mut InfoResponse)) -> Self {
        edit(&mut self.info);
        self
    }

    /// The same with other messages of series.
    #[must_use]
    pub fn with_messages(
        mut self,
        edit: impl Fn(Vec<SeriesResponse>) -> Vec<SeriesResponse> + Send + Sync + 'static,
    ) -> Self {
        self.edit = Some(Arc::new(edit));
        self
    }

    /// The same with a fault.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    /// Serves the store on a port of the loopback interface, on the current runtime.
    ///
    /// # Panics
    /// If there is no port.
    pub async fn start(self) -> RunningStore {
        self.start_at("127.0.0.1:0".parse().expect("an address"))
            .await
    }

    /// As [`FakeStore::start`], on this address.
    ///
    /// # Panics
    /// If the address is taken.
    pub async fn start_at(self, address: SocketAddr) -> RunningStore {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        // Without it each answer waits for the acknowledgement of its first part.
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        self.serve(address, incoming)
    }

    /// Serves the store on connections that come in at an address.
    pub(super) fn serve<C>(
        self,
        address: SocketAddr,
        incoming: impl Stream<Item = Result<C, io::Error>> + Send + 'static,
    ) -> RunningStore
    where
        C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let seen = Arc::new(Seen::default());
        let (service, died) = Service::new(self, Arc::clone(&seen));
        let serving = Server::builder()
            .add_service(StoreServer::new(service.clone()).max_encoding_message_size(usize::MAX))
            .add_service(InfoServer::new(service))
            .serve_with_incoming(incoming);
        // A runtime of its own: what ends it ends all connections.
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        runtime.spawn(serving);
        let life = Life(Mutex::new(Some(runtime)));
        let life = Arc::new(life);
        let of_task = Arc::clone(&life);
        let watch = async move {
            died.notified().await;
            of_task.end();
        };
        RunningStore {
            address,
            seen,
            life,
            _task: Task::spawn(&Handle::current(), watch),
        }
    }
}

/// A store that is served until this is dropped.
#[derive(Debug)]
pub struct RunningStore {
    address: SocketAddr,
    seen: Arc<Seen>,
    life: Arc<Life>,
    _task: Task<()>,
}

/// The runtime that serves a store, as long as it lives.
#[derive(Debug)]
struct Life(Mutex<Option<Runtime>>);

impl Life {
    fn end(&self) {
        if let Some(runtime) = self.0.lock().take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for RunningStore {
    fn drop(&mut self) {
        self.life.end();
    }
}

/// What a store was asked.
#[derive(Debug, Default)]
struct Seen {
    series: Mutex<Vec<SeriesRequest>>,
    names: Mutex<Vec<LabelNamesRequest>>,
    values: Mutex<Vec<LabelValuesRequest>>,
    tenants: Mutex<Vec<Option<String>>>,
    /// Streams that are under way.
    streams: AtomicUsize,
    messages: AtomicUsize,
    infos: AtomicUsize,
}

impl RunningStore {
    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The store as an endpoint.
    ///
    /// # Panics
    /// Never: an address is an endpoint.
    pub fn spec(&self) -> EndpointSpec {
        EndpointSpec::new(&self.address.to_string()).expect("an address is an endpoint")
    }

    /// The requests for series so far.
    pub fn series_requests(&self) -> Vec<SeriesRequest> {
        self.seen.series.lock().clone()
    }

    /// The requests for label names so far.
    pub fn names_requests(&self) -> Vec<LabelNamesRequest> {
        self.seen.names.lock().clone()
    }

    /// The requests for label values so far.
    pub fn values_requests(&self) -> Vec<LabelValuesRequest> {
        self.seen.values.lock().clone()
    }

    /// The tenants of the requests for series so far.
    pub fn tenants(&self) -> Vec<Option<String>> {
        self.seen.tenants.lock().clone()
    }

    /// How many streams are under way.
    pub fn streams(&self) -> usize {
        self.seen.streams.load(Ordering::Relaxed)
    }

    /// How often it was asked what it has.
    pub fn infos(&self) -> usize {
        self.seen.infos.load(Ordering::Relaxed)
    }

    /// How many messages of series were sent.
    pub fn messages(&self) -> usize {
        self.seen.messages.load(Ordering::Relaxed)
    }
}
