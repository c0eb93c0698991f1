//! Requests that find no room, and what answers hold.

use axum::body::Body;
use axum::http::Request;
use futures::StreamExt as _;
use quarrel_engine::{Engine, EngineOptions, MemoryPool};

use super::*;

fn limited(options: EngineOptions) -> Router {
    let api = Arc::new(Api::new(options.build().unwrap(), super::options()));
    api.set_storage(Arc::new(storage()));
    router(api)
}

fn ask(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_query_without_memory_beside_the_others_may_come_again() {
    let pool = MemoryPool::new(1 << 20);
    let router = limited(Engine::builder().memory_pool(pool.clone()));
    // The plan of 1,000 operators takes more than half of the pool.
    let sum = format!("query=up{}", "%2B1".repeat(1000));
    for path in ["/api/v1/query", "/api/v1/format_query"] {
        let path = format!("{path}?{sum}");
        assert_eq!(send(&router, ask(&path)).await.0, 200);
        let others = pool.reserve(700 << 10).unwrap();
        let (status, headers, body) = send(&router, ask(&path)).await;
        assert_eq!(
            (status.as_u16(), &headers["retry-after"]),
            (503, &"1".parse().unwrap())
        );
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains(r#""errorType":"unavailable""#), "{body}");
        assert!(body.contains("--query.max-memory-total"), "{body}");
        drop(others);
        while pool.reserved() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn an_answer_holds_its_memory_until_it_is_read() {
    let pool = MemoryPool::default();
    let options = Engine::builder().memory_pool(pool.clone());
    let engine = options.build().unwrap();
    let api = Arc::new(Api::new(engine, super::options()));
    let storage = MemoryStorage::new();
    for i in 0..2000 {
        let number = i.to_string();
        let labels = [("__name__", "many"), ("i", number.as_str())];
        let times: Vec<i64> = (0..100).map(|s| (START + s) * 1000).collect();
        storage
            .append_series(labels, times, vec![0.1; 100])
            .unwrap();
    }
    api.set_storage(Arc::new(storage));
    let router = router(api);
    let range = format!("start={START}&end={}&step=1", START + 99);
    let path = format!("/api/v1/query_range?query=many&{range}");
    let response = router.clone().oneshot(ask(&path)).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    body.next().await.unwrap().unwrap();
    let held = pool.reserved();
    assert!(held > 2000 * 100 * 8, "{held}");
    drop(body);
    for _ in 0..1000 {
        if pool.reserved() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} bytes are held by nobody", pool.reserved());
}
