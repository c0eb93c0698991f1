//! Messages of gRPC: those that clients send to the server, and those that stores send
//! to a query.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::HttpBody as _;
use axum::http::{Request, header};
use bytes::Bytes;
use futures::executor::block_on;
use quarrel_engine::labels::Label;
use quarrel_engine::{Engine, EngineOptions, QueryRange};
use quarrel_server::api::FixedBudget;
use quarrel_server::grpc::{Grpc, GrpcLimits, GrpcOptions, serve};
use quarrel_storage::store_api::testing::Messages;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::{Service as _, ServiceExt as _};

/// The methods; the first byte of an input picks one.
const METHODS: &[&str] = &[
    "/thanos.Query/Query",
    "/thanos.Query/QueryRange",
    "/thanos.Store/Series",
    "/thanos.Store/LabelNames",
    "/thanos.Store/LabelValues",
    "/thanos.Rules/Rules",
    "/thanos.Targets/Targets",
    "/thanos.Metadata/MetricMetadata",
    "/thanos.Exemplars/Exemplars",
    "/thanos.info.Info/Info",
    "/grpc.health.v1.Health/Check",
];

/// Codes that only a bug of the server gives.
const UNKNOWN: i32 = 2;
const INTERNAL: i32 = 13;
/// How tonic begins to say that bytes are no message, percent-encoded.
const UNDECODED: &str = "failed%20to%20decode%20Protobuf";

static SERVER: LazyLock<(Runtime, Channel)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let api = crate::http::api(runtime.handle());
    let channel = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
        let address = listener.local_addr().expect("an address");
        let options = GrpcOptions {
            read_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(5),
            max_connections: 4,
            grace: Duration::ZERO,
            max_connection_age: None,
            budget: Arc::new(FixedBudget::new(1 << 24)),
            tls: None,
        };
        let grpc = Arc::new(Grpc::new(api, GrpcLimits::default()));
        tokio::spawn(serve(vec![listener], grpc, options, std::future::pending()));
        let endpoint = Endpoint::from_shared(format!("http://{address}"));
        endpoint.expect("a URI").connect_lazy()
    });
    (runtime, channel)
});

/// One call with a message. It ends with a status that is no bug's.
pub(crate) fn request(data: &[u8]) {
    let [method, message @ ..] = data else {
        return;
    };
    let path = METHODS[usize::from(*method) % METHODS.len()];
    let mut body = vec![0];
    body.extend_from_slice(&(message.len() as u32).to_be_bytes());
    body.extend_from_slice(message);
    let request = Request::post(format!("http://fuzz{path}"))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .body(Body::new(axum::body::Body::from(body)))
        .expect("a request");
    let (runtime, channel) = &*SERVER;
    let mut channel = channel.clone();
    let status = runtime.block_on(async {
        let ready = channel.ready().await.expect("a connection");
        let response = ready.call(request).await.expect("an answer");
        let status = |headers: &axum::http::HeaderMap| {
            let text = |name: &str| headers.get(name)?.to_str().ok();
            let code = text("grpc-status")?.parse::<i32>().ok()?;
            let message = text("grpc-message").unwrap_or_default();
            Some((code, message.to_string()))
        };
        let (parts, body) = response.into_parts();
        let of_head = status(&parts.headers);
        let collected = collect(body).await;
        of_head.or_else(|| status(&collected))
    });
    let (code, message) = status.expect("a status");
    // What is no message at all is an internal error to tonic, as to gRPC in Go.
    let is_undecoded = code == INTERNAL && message.starts_with(UNDECODED);
    assert!(
        is_undecoded || (code != UNKNOWN && code != INTERNAL),
        "{path}: {code} {message}"
    );
}

/// The trailers of a body, all of which is read.
async fn collect(body: Body) -> axum::http::HeaderMap {
    let mut body = pin!(body);
    let mut trailers = axum::http::HeaderMap::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Ok(last) = frame.expect("a frame").into_trailers() {
            trailers = last;
        }
    }
    trailers
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut options = EngineOptions::default();
    options.timeout = Some(Duration::from_secs(2));
    options.max_memory = Some(64 << 20);
    Engine::new(options).expect("an engine")
});

/// Messages of three stores, each a number of the store, a length of two bytes, and so
/// many bytes. A query over them ends with an answer or an error.
pub(crate) fn series(data: &[u8]) {
    let mut stores = vec![Vec::new(); 3];
    let mut rest = data;
    while let [store, low, high, tail @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(tail.len());
        let (message, tail) = tail.split_at(length);
        stores[usize::from(*store) % 3].push(Bytes::copy_from_slice(message));
        rest = tail;
    }
    let storage = Arc::new(Messages::new(stores));
    let times = QueryRange::from_millis(0..=120_000, 15_000).expect("a range");
    for text in ["{__name__=~\".*\"}", "max_over_time({a!=\"x\"}[1m])"] {
        let query = ENGINE.query(text, storage.clone(), times, Default::default());
        let Ok(result) = block_on(query.execute()) else {
            continue;
        };
        let Some(set) = result.value.series() else {
            continue;
        };
        let symbols = set.symbols().read();
        let rows: Vec<_> = set.iter().map(|series| series.labels()).collect();
        let is_before = |a: &&[Label], b: &&[Label]| symbols.compare(a, b).is_lt();
        assert!(rows.is_sorted_by(is_before), "{text}");
    }
}
