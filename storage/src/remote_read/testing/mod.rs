//! A server of remote read for tests: over any storage, and wrong in any way.
//!
//! # Examples
//! ```
//! use std::sync::Arc;
//! use quarrel_storage::memory::MemoryStorage;
//! use quarrel_storage::remote_read::testing::FakeRemote;
//! use quarrel_storage::remote_read::{RemoteRead, RemoteReadConfig};
//!
//! # #[tokio::main(flavor = "multi_thread")]
//! # async fn main() {
//! let memory = MemoryStorage::new();
//! memory.append([("__name__", "up")], 0, 1.0).unwrap();
//! let running = FakeRemote::over(Arc::new(memory)).start().await;
//! let storage = RemoteRead::new(RemoteReadConfig::new(running.url())).unwrap();
//! # let _ = storage;
//! # }
//! ```

mod answer;
mod encode;
mod server;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use quarrel_engine::storage::{Storage, TimeRange};
use quarrel_proto::remote_read::ReadRequest;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::read::{ChunkReader, SampleReader};
use crate::sent::collect::Collector;
use crate::tasks::Task;

/// Changes the bytes of a body.
type Edit = Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>;

/// A server that is to be started.
#[derive(Clone)]
pub struct FakeRemote {
    storage: Arc<dyn Storage>,
    edit: Option<Edit>,
    fault: Fault,
    samples_alone: bool,
}

/// What goes wrong once an answer is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It is refused with a status line, and a text.
    Refused(&'static str, &'static str),
    /// It has this content type.
    ContentType(&'static str),
    /// It is another URL's.
    Redirect(&'static str, String),
    /// After so many bytes of the body nothing comes any more.
    HangsAfter(usize),
    /// Not even the head of an answer comes.
    Silent,
    /// After so many bytes of the body the connection is lost.
    DiesAfter(usize),
    /// After so many bytes the body ends as if it were whole.
    EndsAfter(usize),
    /// The body comes again and again.
    Floods,
}

impl fmt::Debug for FakeRemote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeRemote")
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

impl FakeRemote {
    /// A server of all series of a storage, which knows both forms.
    pub fn over(storage: Arc<dyn Storage>) -> Self {
        FakeRemote {
            storage,
            edit: None,
            fault: Fault::None,
            samples_alone: false,
        }
    }

    /// The same that knows no answers with chunks.
    #[must_use]
    pub fn with_samples_alone(mut self) -> Self {
        self.samples_alone = true;
        self
    }

    /// The same with other bodies: frames, or a message before it is compressed.
    #[must_use]
    pub fn with_body(mut self, edit: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static) -> Self {
        self.edit = Some(Arc::new(edit));
        self
    }

    /// The same with a fault.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    /// Serves on a port of the loopback interface, on the current runtime.
    ///
    /// # Panics
    /// If there is no port.
    pub async fn start(self) -> RunningRemote {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen::default());
        let serving = server::serve(listener, Arc::new(self), Arc::clone(&seen));
        RunningRemote {
            address,
            seen,
            _task: Task::spawn(&Handle::current(), serving),
        }
    }
}

/// Reads the frames of an answer in pieces of a size, and says how many series they have.
///
/// # Errors
/// What is wrong with them.
pub fn read_frames(answer: &[u8], piece: usize) -> Result<usize, String> {
    let mut collector = Collector::new(TimeRange::ALL, None);
    let mut reader = ChunkReader::new(answer.len() as u64);
    for piece in answer.chunks(piece.max(1)) {
        let read = reader.push(piece, &mut collector, |_| ());
        read.map_err(|error| error.to_string())?;
    }
    reader.finish().map_err(|error| error.to_string())?;
    Ok(collector.finish().labels.len())
}

/// Reads the message of an answer with samples, and says how many series it has.
///
/// # Errors
/// What is wrong with it.
pub fn read_samples(message: &[u8]) -> Result<usize, String> {
    let mut collector = Collector::new(TimeRange::ALL, None);
    let mut reader = SampleReader::new(message.to_vec().into(), TimeRange::ALL);
    loop {
        let read = reader.next(&mut collector);
        if read.map_err(|error| error.to_string())?.is_none() {
            return Ok(collector.finish().labels.len());
        }
    }
}

/// A request, as it came.
#[derive(Clone, Debug, Default)]
pub struct SeenRequest {
    /// The request line.
    pub line: String,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Its message.
    pub message: ReadRequest,
}

impl SeenRequest {
    /// The first value of a header, empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value)
    }
}

#[derive(Debug, Default)]
struct Seen {
    requests: Mutex<Vec<SeenRequest>>,
    /// Connections that are open.
    connections: AtomicUsize,
}

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct RunningRemote {
    address: SocketAddr,
    seen: Arc<Seen>,
    _task: Task<()>,
}

impl RunningRemote {
    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that requests go to.
    pub fn url(&self) -> String {
        format!("http://{}/api/v1/read", self.address)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.seen.requests.lock().clone()
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }
}
