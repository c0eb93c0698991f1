//! Tests of the API as a client sees it, over series in memory. The Go side of
//! the compliance tests compares with Prometheus's answers; these tests need no
//! Prometheus.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use quarrel_engine::{Engine, EngineOptions};
use quarrel_matchers::Regex;
use quarrel_storage::memory::MemoryStorage;
use tower::ServiceExt as _;

use super::*;
use crate::tenancy::Tenancy;
use crate::trace::Tracer;

mod analysis;
mod arrow;
mod clients;
mod connections;
mod fanned;
mod features;
mod limits;
mod lists;
mod parameters;
mod queries;
mod remote_read;
mod serving;
mod shards;

/// When the samples begin, seconds.
const START: i64 = 1_700_011_200;

fn options() -> ApiOptions {
    ApiOptions {
        tenancy: Tenancy::default(),
        tracer: Tracer::default(),
        cors_origin: Regex::new("http://good\\..*").unwrap(),
        read_timeout: Duration::from_secs(5),
        query_cost: true,
        search: true,
        runtime: tokio::runtime::Handle::current(),
        bodies: Arc::new(FixedBudget::new(1 << 20)),
        remote_read: Default::default(),
        flags: BTreeMap::from([("b".into(), "<2>".into()), ("a".into(), "1".into())]),
    }
}

fn api() -> Arc<Api> {
    Arc::new(Api::new(
        Engine::new(EngineOptions::default()).unwrap(),
        options(),
    ))
}

fn storage() -> MemoryStorage {
    let storage = MemoryStorage::new();
    for (job, value) in [("api", 1.0), ("db", f64::NAN), ("web", 1e-7)] {
        for i in 0..10 {
            let time = (START + i * 15) * 1000;
            storage
                .append([("__name__", "up"), ("job", job)], time, value)
                .unwrap();
        }
    }
    let odd = [("__name__", "odd<name>"), ("ünï.code", "a\"b\n<")];
    storage.append(odd, START * 1000 + 5, 2.5).unwrap();
    storage
}

fn ready() -> Router {
    let api = api();
    api.set_storage(Arc::new(storage()));
    router(api)
}

async fn send(
    router: &Router,
    request: Request<Body>,
) -> (StatusCode, axum::http::HeaderMap, Bytes) {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 28).await.unwrap();
    (parts.status, parts.headers, body)
}

async fn get(path: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (status, _, body) = send(&ready(), request).await;
    (status.as_u16(), String::from_utf8(body.to_vec()).unwrap())
}

async fn method(method: &str, path: &str) -> (u16, axum::http::HeaderMap) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    let (status, headers, _) = send(&ready(), request).await;
    (status.as_u16(), headers)
}
