//! Tests of clients that are slow, wrong or many, behind a socket.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use quarrel_engine::storage::{Snapshot, Storage, StorageError, TimeRange};
use quarrel_engine::{Engine, EngineOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::answer::{Annotations, Answer, Next, Pieces, Print, respond};
use super::super::task::{self, CancelSlot};
use super::super::{Api, ApiOptions, FixedBudget, router};
use super::connections::{Running, request_text, serve, serve_router, until};
use super::{options, send, storage};

fn ready(options: ApiOptions, storage: Arc<dyn Storage>) -> axum::Router {
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let api = Api::new(engine, options);
    api.set_storage(storage);
    router(Arc::new(api))
}

/// What the server answers to bytes before it closes the connection.
async fn answer(address: SocketAddr, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    let read = stream.read_to_end(&mut all);
    tokio::time::timeout(Duration::from_secs(20), read)
        .await
        .expect("the connection closes")
        .unwrap();
    String::from_utf8(all).unwrap()
}

/// A store that blocks the threads of its callers until it is dropped.
struct Blocking {
    entered: Mutex<Sender<()>>,
    barrier: Mutex<Receiver<()>>,
}

impl Storage for Blocking {
    fn snapshot(&self, _: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        self.entered.lock().send(()).unwrap();
        let _ = self.barrier.lock().recv();
        Box::pin(std::future::pending())
    }
}

#[test]
fn health_and_the_stop_need_no_thread_of_the_api() {
    let threads = 2;
    let api = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .unwrap();
    let http = crate::net::IoRuntime::start("quarrel-http").unwrap();
    let (entered, entries) = channel();
    let (release, barrier) = channel();
    let blocking = Blocking {
        entered: Mutex::new(entered),
        barrier: Mutex::new(barrier),
    };
    let runtime = api.handle().clone();
    let serving = async move {
        let options = ApiOptions {
            runtime,
            ..options()
        };
        let (address, stop, task) = serve_router(ready(options, Arc::new(blocking))).await;
        let mut queries = Vec::new();
        for _ in 0..threads {
            queries.push(request_text(address, "/api/v1/labels").await);
        }
        let blocked = move || (0..threads).for_each(|_| entries.recv().unwrap());
        tokio::task::spawn_blocking(blocked).await.unwrap();
        let query = "GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let healthy = answer(address, query).await;
        assert!(healthy.ends_with("Prometheus Server is Healthy.\n"));
        let metrics = answer(address, &query.replace("-/healthy", "metrics")).await;
        let line = format!("quarrel_http_requests_in_flight {}", threads + 1);
        assert!(metrics.contains(&line), "{metrics}");
        stop.send(()).unwrap();
        task.await.unwrap();
    };
    let limited = async { tokio::time::timeout(Duration::from_secs(60), serving).await };
    api.block_on(http.run(limited)).unwrap().unwrap();
    drop(release);
    api.shutdown_background();
}

/// Data without an end.
struct Endless(#[allow(dead_code)] Arc<()>);

impl Pieces for Endless {
    fn next(&mut self) -> Next<'_> {
        let print: Print = Box::new(|out| out.extend_from_slice(&[b'1'; 1 << 10]));
        Box::pin(std::future::ready(Ok(Some(print))))
    }

    fn annotations(&mut self) -> Annotations {
        Annotations::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_cut_off() {
    let alive = Arc::new(());
    let weak: Weak<()> = Arc::downgrade(&alive);
    let handler = move || {
        let weak = weak.clone();
        async move {
            let work = async move {
                let alive = weak.upgrade().expect("the test goes on");
                respond(Answer::Data(Box::new(Endless(alive)))).await
            };
            let runtime = tokio::runtime::Handle::current();
            let response = task::run(&runtime, CancelSlot::default(), work).await;
            response.expect("a runtime")
        }
    };
    let router = axum::Router::new().fallback(handler);
    let (address, _stop, _task) = serve_router(router).await;
    let stream = request_text(address, "/").await;
    assert!(until(|| Arc::strong_count(&alive) > 1).await, "no answer");
    assert!(until(|| Arc::strong_count(&alive) == 1).await, "no end");
    drop(stream);
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_late_is_refused() {
    let options = ApiOptions {
        read_timeout: Duration::from_millis(50),
        ..options()
    };
    let (address, _stop, _task) = serve_router(ready(options, Arc::new(storage()))).await;
    let half =
        format!("POST /api/v1/query HTTP/1.1\r\nHost: x\r\n{FORM}\r\nContent-Length: 9\r\n\r\nque");
    let answer = answer(address, &half).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_checked_as_by_go() {
    let (address, _stop, _task): Running = serve(Arc::new(storage())).await;
    for (head, want) in [
        (
            "GET / HTTP/1.1\r\n",
            "400 Bad Request: missing required Host header",
        ),
        (
            "GET http://x/ HTTP/1.1\r\n",
            "400 Bad Request: missing required Host header",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a b\r\n",
            "400 Bad Request: malformed Host header",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
            "400 Bad Request",
        ),
    ] {
        let answer = answer(address, &format!("{head}\r\n")).await;
        let (status, body) = answer.split_once("\r\n").unwrap();
        assert_eq!(status, format!("HTTP/1.1 {want}"), "{head}");
        assert!(body.ends_with(&format!("\r\n\r\n{want}")), "{answer}");
    }
    for head in [
        "GET / HTTP/1.0\r\n",
        "GET / HTTP/1.1\r\nConnection: close\r\nHost:\r\n",
        "GET / HTTP/1.1\r\nConnection: close\r\nHost: [::1]:9090\r\n",
    ] {
        let answer = answer(address, &format!("{head}\r\n")).await;
        assert!(answer.contains(" 200 OK\r\n"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_share_one_budget() {
    let budget = Arc::new(FixedBudget::new(64 << 10));
    let options = ApiOptions {
        bodies: Arc::clone(&budget) as _,
        ..options()
    };
    let router = ready(options, Arc::new(storage()));
    let (address, _stop, _task) = serve_router(router.clone()).await;
    let head = "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\
        Content-Type: multipart/form-data; boundary=b\r\n\r\n";
    let mut half = tokio::net::TcpStream::connect(address).await.unwrap();
    let part = "x".repeat(60 << 10);
    let sent = half.write_all(format!("{head}{part}").as_bytes()).await;
    sent.unwrap();
    let post = async |query: &str| {
        let request = Request::post("/api/v1/query")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("query={query}")));
        send(&router, request.unwrap()).await
    };
    let long = format!("1%20%23{}", "x".repeat(40 << 10));
    assert!(until(|| budget.free() <= 36 << 10).await, "nothing is held");
    let (status, headers, body) = post(&long).await;
    assert_eq!(status, 503);
    assert_eq!(headers["retry-after"], "1");
    assert_eq!(
        body,
        r#"{"status":"error","errorType":"unavailable","error":"too many requests with large bodies"}"#
    );
    assert_eq!(post("1").await.0, 200);
    drop(half);
    assert!(
        until(|| budget.free() == 64 << 10).await,
        "it holds its body"
    );
    assert_eq!(post(&long).await.0, 200);
}
