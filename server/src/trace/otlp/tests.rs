//! Traces of requests, as an exporter gets them, and over the wire.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures::future::BoxFuture;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry::Value;
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use parking_lot::Mutex;
use quarrel_storage::store_api::{EndpointSpec, Endpoints, EndpointsConfig};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower::ServiceExt as _;

use super::config::{ClientType, Config, TracingError};
use super::tracer::Tracer;
use crate::api::router;
use crate::grpc::GrpcLimits;
use crate::grpc::tests::{START, Served, options, storage, traced};
use crate::source::ReadDefaults;
use crate::stores::{StoreSettings, Stores};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// The spans that have ended.
#[derive(Clone, Debug, Default)]
struct Collected(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Collected {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().extend(batch);
        Ok(())
    }
}

/// A server with a store behind it, which is a server of its own.
struct Pair {
    router: Router,
    tracers: [Tracer; 2],
    collected: Collected,
    store: Served,
}

impl Pair {
    async fn start(config: &Config) -> Self {
        let collected = Collected::default();
        let tracer = || Tracer::over(config, collected.clone());
        let tracers = [tracer(), tracer()];
        let behind = traced(tracers[1].clone());
        let labels = vec![("cluster".to_string(), "a".to_string())];
        behind.set_source(Arc::new(Stores::labeled(storage(), labels).unwrap()));
        let store = Served::with(behind, options(), GrpcLimits::default()).await;
        let spec = EndpointSpec::new(&store.address.to_string()).unwrap();
        let endpoints = Endpoints::start(EndpointsConfig::new([spec])).unwrap();
        endpoints.ready().await;
        let settings = StoreSettings {
            defaults: ReadDefaults {
                partial_response: true,
                ..ReadDefaults::default()
            },
            max_concurrent_selects: 4,
            ..StoreSettings::default()
        };
        let endpoints = Some(Arc::new(endpoints));
        let stores = Stores::new(Vec::new(), Vec::new(), endpoints, settings).unwrap();
        let api = traced(tracers[0].clone());
        api.set_source(Arc::new(stores));
        Pair {
            router: router(api),
            tracers,
            collected,
            store,
        }
    }

    async fn ask(&self, path: &str, parent: Option<&str>) -> serde_json::Value {
        let mut request = Request::get(path);
        if let Some(parent) = parent {
            request = request.header("traceparent", parent);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
        serde_json::from_slice(&body.unwrap()).unwrap()
    }

    /// The spans of all requests, once there are some of these names and kinds.
    async fn spans(&self, wanted: &[(&str, SpanKind)]) -> Vec<SpanData> {
        for _ in 0..200 {
            for tracer in &self.tracers {
                let tracer = tracer.clone();
                let flushed = tokio::task::spawn_blocking(move || tracer.flush());
                flushed.await.unwrap();
            }
            let spans = self.collected.0.lock().clone();
            let is_there = |(name, kind): &(&str, SpanKind)| {
                let mut all = spans.iter();
                all.any(|span| span.name == *name && span.span_kind == *kind)
            };
            if wanted.iter().all(is_there) {
                return spans;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.collected.0.lock().clone()
    }
}

fn always() -> Config {
    Config::parse("type: otlp\nconfig: {client_type: grpc, sampler_type: AlwaysSample}").unwrap()
}

fn attribute(span: &SpanData, name: &str) -> Option<Value> {
    let found = span.attributes.iter().find(|a| a.key.as_str() == name);
    found.map(|attribute| attribute.value.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_goes_from_the_request_to_the_stores() {
    let pair = Pair::start(&always()).await;
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let (start, end) = (START, START + 120);
    let path = format!("/api/v1/query_range?query=sum(up)&start={start}&end={end}&step=15");
    let answer = pair.ask(&path, Some(&parent)).await;
    assert_eq!(answer["status"], "success", "{answer}");
    let spans = pair
        .spans(&[
            ("GET /api/v1/query_range", SpanKind::Server),
            ("thanos.Store/Series", SpanKind::Server),
        ])
        .await;
    let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
    let find = |name: &str, kind: SpanKind| {
        let found = spans.iter().find(|s| s.name == name && s.span_kind == kind);
        found.unwrap_or_else(|| panic!("{name} of {names:?}"))
    };
    let request = find("GET /api/v1/query_range", SpanKind::Server);
    let query = find("query", SpanKind::Internal);
    let aggregate = find("Aggregate", SpanKind::Internal);
    let scan = find("Scan", SpanKind::Internal);
    let call = find("thanos.Store/Series", SpanKind::Client);
    let store = find("thanos.Store/Series", SpanKind::Server);
    let ids = [request, query, aggregate, scan, call].map(|span| span.span_context.span_id());
    let [request_id, query_id, aggregate_id, scan_id, call_id] = ids;
    assert_eq!(
        request.parent_span_id,
        SpanId::from_hex("b7ad6b7169203331").unwrap()
    );
    assert_eq!(query.parent_span_id, request_id);
    assert_eq!(aggregate.parent_span_id, query_id);
    assert_eq!(scan.parent_span_id, aggregate_id);
    assert_eq!(call.parent_span_id, scan_id);
    assert_eq!(store.parent_span_id, call_id);
    for span in &spans {
        assert_eq!(span.span_context.trace_id().to_string(), TRACE);
        assert!(span.start_time <= span.end_time, "{}", span.name);
        assert!(span.end_time <= SystemTime::now() && span.status == Status::Unset);
    }
    let of = |span: &SpanData, name: &str| attribute(span, name).unwrap();
    assert_eq!(of(query, "quarrel.query"), Value::from("sum(up)"));
    assert_eq!(of(scan, "quarrel.rows"), Value::I64(3));
    assert_eq!(of(scan, "quarrel.samples"), Value::I64(27));
    assert_eq!(of(call, "quarrel.series"), Value::I64(3));
    assert_eq!(
        of(call, "server.address"),
        Value::from(pair.store.address.to_string())
    );
    assert_eq!(of(request, "http.response.status_code"), Value::I64(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_sampled_is_not_sampled_behind() {
    let parent_based = "type: OTLP\nconfig: {client_type: http}";
    let pair = Pair::start(&Config::parse(parent_based).unwrap()).await;
    let at = START + 30;
    let path = format!("/api/v1/query?query=up&time={at}");
    let parent = format!("00-{TRACE}-b7ad6b7169203331-00");
    assert_eq!(pair.ask(&path, Some(&parent)).await["status"], "success");
    // A trace that begins here is sampled, errors and look-ups as well.
    assert_eq!(pair.ask("/api/v1/labels", None).await["status"], "success");
    let wrong =
        format!("/api/v1/query?query=up%20%2B%20up%7Bjob%3D%22api%22%7D&time={at}&timeout=1ns");
    assert_eq!(pair.ask(&wrong, None).await["status"], "error");
    let spans = pair
        .spans(&[
            ("GET /api/v1/query", SpanKind::Server),
            ("GET /api/v1/labels", SpanKind::Server),
            ("thanos.Store/LabelNames", SpanKind::Server),
        ])
        .await;
    assert!(
        spans
            .iter()
            .all(|span| span.span_context.trace_id().to_string() != TRACE)
    );
    let labels = spans.iter().find(|span| span.name == "GET /api/v1/labels");
    let call = spans
        .iter()
        .find(|span| span.name == "thanos.Store/LabelNames" && span.span_kind == SpanKind::Client);
    assert_eq!(
        call.unwrap().parent_span_id,
        labels.unwrap().span_context.span_id()
    );
}

/// A server that takes one request and tells its path, headers and body.
async fn collector(grpc: bool) -> (String, mpsc::Receiver<(String, String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, receiver) = mpsc::channel(8);
    let answer = move |request: Request<Incoming>| {
        let sender = sender.clone();
        let answering: BoxFuture<'static, _> = Box::pin(async move {
            let path = request.uri().path().to_string();
            let header = request.headers().get("x-secret");
            let header = header
                .map_or("", |value| value.to_str().unwrap())
                .to_string();
            let body = axum::body::to_bytes(Body::new(request.into_body()), 1 << 20).await;
            let body = body.unwrap();
            sender.send((path, header, body.to_vec())).await.unwrap();
            let mut response = axum::http::Response::new(Body::from(match grpc {
                true => vec![0; 5],
                false => Vec::new(),
            }));
            if grpc {
                let headers = response.headers_mut();
                headers.insert("content-type", "application/grpc".parse().unwrap());
                headers.insert("grpc-status", "0".parse().unwrap());
            }
            Ok::<_, Infallible>(response)
        });
        answering
    };
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (stream, service) = (TokioIo::new(stream), service_fn(answer));
        match grpc {
            true => {
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                drop(server.serve_connection(stream, service).await);
            }
            false => {
                let server = hyper::server::conn::http1::Builder::new();
                drop(server.serve_connection(stream, service).await);
            }
        }
    });
    (address, receiver)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_are_sent_over_the_wire() {
    for (kind, path) in [
        (
            "grpc",
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        ),
        ("http", "/v1/traces"),
    ] {
        let (address, mut received) = collector(kind == "grpc").await;
        let text = format!(
            "type: OTLP
config:
  client_type: {kind}
  endpoint: {address}
  insecure: true
  service_name: the-service
  headers: {{x-secret: s3cr3t}}
  timeout: 5s"
        );
        let tracer = Tracer::start(Some(&text)).unwrap();
        drop(tracer.request("GET", "/some/path", |_| None));
        let stopping = tokio::task::spawn_blocking(move || tracer.stop());
        let (to, header, body) = received.recv().await.unwrap();
        stopping.await.unwrap();
        assert_eq!((&*to, &*header), (path, "s3cr3t"));
        let has = |text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(has("GET /some/path") && has("the-service"), "{kind}");
    }
}

#[test]
fn configurations_are_read_or_refused() {
    let full = "
type: OTLP
config:
  client_type: http
  service_name: q
  resource_attributes: {a: b}
  reconnection_period: 10s
  compression: gzip
  insecure: false
  endpoint: collector:4318
  url_path: /x
  timeout: 1m30s
  retry_config: {retry_enabled: true, retry_initial_interval: 1s, retry_max_interval: 4s, retry_max_elapsed_time: 20s}
  headers: {k: v}
  tls_config: {ca_file: /ca, insecure_skip_verify: true, server_name: s}
  sampler_type: ParentBasedTraceIDRatioBased
  sampler_param: 0.25
";
    let config = Config::parse(full).unwrap();
    assert_eq!(config.client_type, Some(ClientType::Http));
    assert_eq!(config.timeout().unwrap(), Some(Duration::from_secs(90)));
    // 1 + 2 + 4 + 4 + 4 + 4 seconds are 19.
    let times = (6, Duration::from_secs(1), Duration::from_secs(4));
    assert_eq!(config.retry().unwrap(), Some(times));
    assert!(config.sampler().is_some() && config.tls().unwrap().skip_verify);
    for (text, why) in [
        ("type: JAEGER", "JAEGER is not supported"),
        ("type: OTLP", "client_type"),
        ("type: OTLP\nconfig: {client_type: udp}", "udp"),
        (
            "type: OTLP\nconfig: {client_type: grpc, end_point: x}",
            "end_point",
        ),
        (
            "type: OTLP\nconfig: {client_type: grpc, compression: lz4}",
            "lz4",
        ),
        (
            "type: OTLP\nconfig: {client_type: grpc, timeout: soon}",
            "timeout",
        ),
        (
            "type: OTLP\nconfig: {client_type: grpc, sampler_type: some}",
            "some",
        ),
        (
            "type: OTLP\nconfig: {client_type: grpc, sampler_type: traceidratiobased, sampler_param: 2}",
            "sampler_param",
        ),
        ("config: {}", "type"),
    ] {
        let error = Config::parse(text).err().unwrap().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn errors_show_no_secrets() {
    for text in [
        "type: OTLP\nconfig: {client_type: grpc, headers: s3cr3t}",
        "type: OTLP\nconfig: {client_type: grpc, headers: [s3cr3t]}",
        "type: OTLP\nconfig: {client_type: grpc, headers: {a: {s3cr3t: 1}}}",
        "type: OTLP\nconfig: {client_type: grpc, headers: {a: s3cr3t}",
    ] {
        let error = Config::parse(text).err().unwrap();
        assert!(matches!(error, TracingError::Syntax(_)));
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }
}

#[test]
fn the_environment_says_where_to() {
    let of = |pairs: &'static [(&str, &str)]| {
        Config::of_environment(move |name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.to_string())
        })
    };
    assert!(of(&[]).unwrap().is_none());
    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
    let config = of(&[ENDPOINT]).unwrap().unwrap();
    assert_eq!(config.client_type, Some(ClientType::Http));
    assert!(config.of_environment && config.insecure && config.sampler().is_none());
    const GRPC: (&str, &str) = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc");
    let config = of(&[ENDPOINT, GRPC]).unwrap().unwrap();
    assert_eq!(config.client_type, Some(ClientType::Grpc));
    assert!(
        of(&[ENDPOINT, ("OTEL_SDK_DISABLED", "true")])
            .unwrap()
            .is_none()
    );
    assert!(
        of(&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")])
            .unwrap()
            .is_none()
    );
    assert!(of(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]).is_err());
}
