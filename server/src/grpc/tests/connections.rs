//! Clients that do not behave.

use hyper::body::Body as _;
use quarrel_proto::query::{QueryRangeRequest, QueryRequest};
use quarrel_proto::services::query::query_client::QueryClient;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use super::*;

/// Many series, each with many samples.
fn large() -> Arc<MemoryStorage> {
    let storage = MemoryStorage::new();
    for series in 0..600 {
        let number = series.to_string();
        for i in 0..10 {
            let labels = [("__name__", "x"), ("n", number.as_str())];
            storage
                .append(labels, (START + i * 60) * 1000, 1.0)
                .unwrap();
        }
    }
    Arc::new(storage)
}

fn long_range() -> QueryRangeRequest {
    QueryRangeRequest {
        query: "x".to_string(),
        start_time_seconds: START,
        end_time_seconds: START + 600,
        interval_seconds: 1,
        response_batch_size: 1,
        ..QueryRangeRequest::default()
    }
}

/// Waits until the server has no query, nor memory for one.
async fn quiet(served: &Served) {
    for _ in 0..500 {
        let engine = &served.api.engine;
        let held = engine.options().memory_pool.reserved();
        if engine.active_queries() == 0 && held == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a query goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_ends_its_query() {
    let served = Served::over(large()).await;
    let mut client = QueryClient::new(served.channel().await);
    let mut frames = client.query_range(long_range()).await.unwrap().into_inner();
    assert!(frames.message().await.unwrap().is_some());
    drop(frames);
    quiet(&served).await;
    let text = served.metrics();
    assert!(text.contains("grpc_code=\"Canceled\"} 1"), "{text}");
    // The connection goes on.
    let mut request = long_range();
    request.query = "count(x)".to_string();
    let mut frames = client.query_range(request).await.unwrap().into_inner();
    while frames.message().await.unwrap().is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_loses_its_query() {
    let api = api();
    api.set_storage(large());
    let mut few = options();
    few.write_timeout = Duration::from_millis(200);
    let served = Served::with(api, few, GrpcLimits::default()).await;
    let mut client = QueryClient::new(served.channel().await);
    let mut frames = client.query_range(long_range()).await.unwrap().into_inner();
    assert!(frames.message().await.unwrap().is_some());
    // The window of the connection is full, and the answer has megabytes.
    quiet(&served).await;
    let mut seen = 1;
    let status = loop {
        match frames.message().await {
            Ok(Some(_)) => seen += 1,
            Ok(None) => panic!("the answer is whole: {seen}"),
            Err(status) => break status,
        }
    };
    assert!(seen < 600, "{seen}");
    assert_eq!(status.code(), Code::Internal);
}

type Sender = hyper::client::conn::http2::SendRequest<axum::body::Body>;

/// A client below gRPC.
async fn http2(served: &Served) -> Sender {
    let stream = TcpStream::connect(served.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let made = hyper::client::conn::http2::handshake(executor, io).await;
    let (sender, connection) = made.unwrap();
    tokio::spawn(connection);
    sender
}

#[tokio::test]
async fn a_deadline_ends_the_call() {
    let served = Served::over(storage()).await;
    let mut sender = http2(&served).await;
    for (timeout, code) in [("0n", "4"), ("soon", "3"), ("60S", "0")] {
        let request = hyper::Request::builder()
            .method("POST")
            .uri("http://a/thanos.Query/Query")
            .header("content-type", "application/grpc+proto")
            .header("grpc-timeout", timeout)
            .body(axum::body::Body::from(
                &b"\0\0\0\0\x06\x0a\x02up\x10\x01"[..],
            ))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let mut status = response.headers().get("grpc-status").cloned();
        let mut body = response.into_body();
        while let Some(frame) =
            std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await
        {
            let trailers = frame.unwrap().into_trailers().ok();
            status = status.or(trailers.and_then(|t| t.get("grpc-status").cloned()));
        }
        assert_eq!(status.unwrap(), code, "{timeout}");
    }
}

#[tokio::test]
async fn too_large_requests_are_refused() {
    let served = Served::over(storage()).await;
    let mut client = QueryClient::new(served.channel().await);
    let request = |bytes: usize| QueryRequest {
        query: "x".repeat(bytes),
        ..QueryRequest::default()
    };
    let code = async |client: &mut QueryClient<Channel>, bytes| {
        let answer = client.query(request(bytes)).await;
        match answer {
            Err(status) => status.code(),
            Ok(frames) => frames.into_inner().message().await.unwrap_err().code(),
        }
    };
    assert_eq!(code(&mut client, 17 << 20).await, Code::ResourceExhausted);
    // A text that is too long for the engine is bad data.
    assert_eq!(code(&mut client, 2 << 20).await, Code::InvalidArgument);
    let api = api();
    api.set_storage(storage());
    let mut none = options();
    none.budget = Arc::new(FixedBudget::new(0));
    let served = Served::with(api, none, GrpcLimits::default()).await;
    let mut client = QueryClient::new(served.channel().await);
    assert_eq!(code(&mut client, 1 << 20).await, Code::Unavailable);
}

#[tokio::test]
async fn unknown_services_and_methods_are_unimplemented() {
    let served = Served::over(storage()).await;
    let mut grpc = tonic::client::Grpc::new(served.channel().await);
    for path in ["/thanos.Query/Nothing", "/nobody/Query", "/x", "/"] {
        grpc.ready().await.unwrap();
        let path = path.parse().unwrap();
        let codec = tonic_prost::ProstCodec::<QueryRequest, QueryRequest>::default();
        let request = tonic::Request::new(QueryRequest::default());
        let status = grpc.unary(request, path, codec).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
    }
}

#[tokio::test]
async fn bytes_that_are_no_message_are_an_error() {
    let served = Served::over(storage()).await;
    let mut grpc = tonic::client::Grpc::new(served.channel().await);
    for garbage in [&b"\xff\xff\xff\xff"[..], b"\x0a\x80", b"\x0a\x01\xff"] {
        grpc.ready().await.unwrap();
        let codec =
            tonic_prost::ProstCodec::<quarrel_proto::encoded::Encoded, QueryRequest>::default();
        let message = quarrel_proto::encoded::Encoded::new(garbage.to_vec());
        let path = "/thanos.Query/Query".parse().unwrap();
        let request = tonic::Request::new(message);
        let status = grpc.unary(request, path, codec).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{status}");
    }
}

/// Sends bytes and gives what comes back before the connection ends.
async fn raw(served: &Served, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    // A reset ends it, too.
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test]
async fn other_protocols_end_the_connection() {
    let api = api();
    api.set_storage(storage());
    let mut short = options();
    short.read_timeout = Duration::from_millis(100);
    let served = Served::with(api, short, GrpcLimits::default()).await;
    raw(&served, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    raw(&served, &[0xff; 4096]).await;
    raw(
        &served,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    )
    .await;
    // One that says nothing, or begins and goes no further.
    raw(&served, b"").await;
    raw(&served, b"PRI * HTTP/2.0\r\n\r\n").await;
    raw(
        &served,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    )
    .await;
}

#[tokio::test]
async fn connections_end_with_age() {
    let api = api();
    api.set_storage(storage());
    let mut young = options();
    young.max_connection_age = Some(Duration::from_millis(100));
    young.read_timeout = Duration::from_secs(60);
    let served = Served::with(api, young, GrpcLimits::default()).await;
    let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let answer = raw(&served, hello).await;
    // A frame of type 7, GOAWAY.
    let mut rest = &answer[..];
    let mut kinds = Vec::new();
    while rest.len() >= 9 {
        let len = u32::from_be_bytes([0, rest[0], rest[1], rest[2]]) as usize;
        kinds.push(rest[3]);
        rest = &rest[(9 + len).min(rest.len())..];
    }
    assert!(kinds.contains(&7), "{kinds:?}");
}

#[tokio::test]
async fn requests_that_are_not_grpc_are_refused() {
    let served = Served::over(storage()).await;
    let mut sender = http2(&served).await;
    for (method, kind, status) in [
        ("GET", "application/grpc", 405),
        ("POST", "application/json", 415),
        ("POST", "", 415),
    ] {
        let request = hyper::Request::builder()
            .method(method)
            .uri("http://a/thanos.Query/Query")
            .header("content-type", kind)
            .body(axum::body::Body::empty())
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
    }
}
