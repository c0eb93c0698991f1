//! Tests of the API behind a socket: connections, and clients that disconnect.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use quarrel_engine::storage::{Snapshot, Storage, StorageError, TimeRange};

use super::super::answer::{Annotations, Answer, Next, Pieces, Print, respond};
use super::super::compress;
use super::super::error::ApiError;
use super::{api, router, storage};

/// A store that never answers, and shows when its caller has stopped waiting.
struct Stuck {
    waiting: Arc<()>,
}

impl Storage for Stuck {
    fn snapshot(&self, _: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let waiting = Arc::clone(&self.waiting);
        Box::pin(async move {
            let _waiting = waiting;
            std::future::pending().await
        })
    }
}

/// The address of a server, the sender that stops it, and its task.
pub(super) type Running = (
    SocketAddr,
    tokio::sync::oneshot::Sender<()>,
    tokio::task::JoinHandle<()>,
);

/// A server of the API on a port of its own.
pub(super) async fn serve(storage: Arc<dyn Storage>) -> Running {
    let api = api();
    api.set_storage(storage);
    serve_router(router(api)).await
}

pub(super) async fn serve_router(router: axum::Router) -> Running {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let options = crate::http::HttpOptions {
        read_timeout: Duration::from_secs(5),
        write_timeout: Duration::from_millis(300),
        max_connections: 4,
        grace: Duration::from_millis(200),
        budget: Arc::new(crate::api::FixedBudget::new(16 << 20)),
        web: None,
    };
    let stop_signal = async { stopped.await.unwrap_or(()) };
    let task = tokio::spawn(async move {
        crate::http::serve(vec![listener], router, options, stop_signal).await
    });
    (address, stop, task)
}

pub(super) async fn request_text(address: SocketAddr, path: &str) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt as _;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let text = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

pub(super) async fn until(condition: impl Fn() -> bool) -> bool {
    for _ in 0..500 {
        if condition() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_ends_its_query() {
    let waiting = Arc::new(());
    let (address, stop, task) = serve(Arc::new(Stuck {
        waiting: Arc::clone(&waiting),
    }))
    .await;
    let idle = Arc::strong_count(&waiting);
    let stream = request_text(address, "/api/v1/query?query=up").await;
    assert!(
        until(|| Arc::strong_count(&waiting) > idle).await,
        "the query never began"
    );
    drop(stream);
    assert!(
        until(|| Arc::strong_count(&waiting) == idle).await,
        "the query went on"
    );
    stop.send(()).unwrap();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stop_waits_no_longer_than_the_grace() {
    let waiting = Arc::new(());
    let (address, stop, task) = serve(Arc::new(Stuck {
        waiting: Arc::clone(&waiting),
    }))
    .await;
    let idle = Arc::strong_count(&waiting);
    let _stream = request_text(address, "/api/v1/query?query=up").await;
    assert!(until(|| Arc::strong_count(&waiting) > idle).await);
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), task)
        .await
        .unwrap()
        .unwrap();
    assert!(
        until(|| Arc::strong_count(&waiting) < idle).await,
        "the query went on"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_stay_open_for_more_requests() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (address, _stop, _task) = serve(Arc::new(storage())).await;
    let mut stream = request_text(address, "/api/v1/query?query=1&time=5").await;
    for _ in 0..3 {
        let mut text = Vec::new();
        while !text.ends_with(b"}}") {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "closed");
            text.extend_from_slice(&buffer[..read]);
        }
        let text = String::from_utf8(text).unwrap().to_lowercase();
        assert!(
            text.starts_with("http/1.1 200 ok\r\n") && text.contains("\r\ncontent-length: 68\r\n"),
            "{text}"
        );
        stream
            .write_all(b"GET /api/v1/query?query=1&time=5 HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
    }
}

/// Endless data that fails after a megabyte.
struct Failing {
    written: usize,
}

impl Pieces for Failing {
    fn next(&mut self) -> Next<'_> {
        let print: Print = Box::new(|out| out.extend_from_slice(&[b'1'; 1 << 10]));
        self.written += 1 << 10;
        let ended = self.written > 1 << 20;
        Box::pin(std::future::ready(match ended {
            true => Err(ApiError::bad_data("late")),
            false => Ok(Some(print)),
        }))
    }

    fn annotations(&mut self) -> Annotations {
        Annotations::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_error_breaks_the_connection_off() {
    use tokio::io::AsyncReadExt as _;
    let handler = || async {
        let answer = respond(Answer::Data(Box::new(Failing { written: 0 }))).await;
        compress::apply(&axum::http::HeaderMap::new(), answer)
    };
    let router = axum::Router::new().fallback(handler);
    let (address, _stop, _task) = serve_router(router).await;
    let mut stream = request_text(address, "/").await;
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    assert!(all.starts_with(b"HTTP/1.1 200 OK"), "{}", all.len());
    assert!(all.len() > 1 << 18, "{}", all.len());
    // A complete answer ends with an empty chunk.
    assert!(!all.ends_with(b"0\r\n\r\n"));
}
