//! Parameters of HTTP requests: query string, form and multipart body.
//!
//! The first byte picks the endpoint, the second how the rest is sent. A line
//! break separates the query string from the body where there are both.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use quarrel_engine::{Engine, EngineOptions};
use quarrel_matchers::Regex;
use quarrel_server::api::{Api, ApiOptions, FixedBudget, RemoteReadLimits, router};
use quarrel_server::tenancy::Tenancy;
use quarrel_server::trace::Tracer;
use quarrel_storage::memory::MemoryStorage;
use tokio::runtime::{Handle, Runtime};
use tower::ServiceExt as _;

const PATHS: &[&str] = &[
    "/api/v1/query",
    "/api/v1/query_range",
    "/api/v1/series",
    "/api/v1/labels",
    "/api/v1/label/a/values",
    "/api/v1/format_query",
    "/api/v1/search/label_names",
    "/api/v1/query_range_cost",
    "/api/v1/parse_query",
    "/api/v1/label/",
    "/",
];

pub(crate) static SERVER: LazyLock<(Runtime, Router)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let api = api(runtime.handle());
    (runtime, router(api))
});

/// An API over two series.
pub(crate) fn api(runtime: &Handle) -> Arc<Api> {
    let storage = MemoryStorage::new();
    for (pod, value) in [("a", 1.0), ("b", f64::NAN)] {
        let labels = [("__name__", "up"), ("pod", pod)];
        storage
            .append(labels, 1_700_000_000_000, value)
            .expect("a sample");
    }
    let mut options = EngineOptions::default();
    options.timeout = Some(Duration::from_secs(2));
    options.max_memory = Some(64 << 20);
    let engine = Engine::new(options);
    let options = ApiOptions {
        tracer: Tracer::default(),
        tenancy: Tenancy::default(),
        cors_origin: Regex::new(".*").expect("a pattern"),
        read_timeout: Duration::from_secs(5),
        query_cost: true,
        search: true,
        runtime: runtime.clone(),
        bodies: Arc::new(FixedBudget::new(1 << 24)),
        remote_read: RemoteReadLimits::default(),
        flags: BTreeMap::new(),
    };
    let api = Arc::new(Api::new(engine.expect("an engine"), options));
    api.set_storage(Arc::new(storage));
    api
}

/// One request. The answer is never an error of the server.
pub(crate) fn request(data: &[u8]) {
    let [endpoint, way, rest @ ..] = data else {
        return;
    };
    let (text, body) = match rest.iter().position(|b| *b == b'\n') {
        Some(at) if way % 4 != 0 => (&rest[..at], &rest[at + 1..]),
        _ => (rest, [].as_slice()),
    };
    let path = PATHS[usize::from(*endpoint) % PATHS.len()];
    // A path's last part is taken from the input, too.
    let mut uri = path.as_bytes().to_vec();
    uri.push(if path.ends_with('/') { b'a' } else { b'?' });
    uri.extend_from_slice(text);
    let mut request = Request::builder().uri(uri).header(header::HOST, "fuzz");
    match way % 4 {
        0 => {}
        1 => {
            request = request
                .method("POST")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        }
        2 => {
            request = request
                .method("POST")
                .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
        }
        // The type itself is the input.
        _ => request = request.method("POST").header(header::CONTENT_TYPE, text),
    }
    let Ok(request) = request.body(Body::from(body.to_vec())) else {
        return; // no URI, no header
    };
    let (runtime, router) = &*SERVER;
    let status = runtime.block_on(async {
        let response = router.clone().oneshot(request).await.expect("a response");
        let (parts, body) = response.into_parts();
        let _ = axum::body::to_bytes(body, 1 << 26).await;
        parts.status
    });
    assert!(
        !status.is_server_error() || status.as_u16() == 503,
        "{status}"
    );
}
