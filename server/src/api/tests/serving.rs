//! Paths, methods, headers, readiness and metrics.

use super::*;

#[tokio::test]
async fn paths_and_methods_without_a_handler() {
    let lost = (404, "404 page not found\n".to_string());
    for path in [
        "/api/v1/nope",
        "/nope",
        "/api/v1/",
        "/api/v1/query/x",
        "/api/v1/label/job",
        "/api/v1/label/a%2Fb/values",
    ] {
        assert_eq!(get(path).await, lost, "{path}");
    }
    for (name, path, allowed) in [
        ("DELETE", "/api/v1/query", "GET, OPTIONS, POST"),
        ("HEAD", "/api/v1/query", "GET, OPTIONS, POST"),
        ("POST", "/api/v1/label/job/values", "GET, OPTIONS"),
        ("POST", "/-/ready", "GET, HEAD, OPTIONS"),
        ("PUT", "/metrics", "GET, OPTIONS"),
    ] {
        let (status, headers) = method(name, path).await;
        assert_eq!(
            (status, headers["allow"].to_str().unwrap()),
            (405, allowed),
            "{name} {path}"
        );
    }
    assert_eq!(method("OPTIONS", "/api/v1/nope").await.0, 204);
    assert_eq!(method("OPTIONS", "/-/ready").await.0, 200);
    assert_eq!(method("HEAD", "/-/healthy").await.0, 200);
    let (status, headers) = method("GET", "/api//v1/./query?query=1").await;
    assert_eq!(
        (status, headers["location"].to_str().unwrap()),
        (307, "/api/v1/query?query=1")
    );
    assert_eq!(get("/api/v1/%zz").await.0, 400);
}

#[tokio::test]
async fn headers_are_those_of_prometheus() {
    let request = Request::get("/api/v1/query?query=1")
        .header("origin", "http://good.org")
        .header("accept-encoding", "gzip")
        .body(Body::empty())
        .unwrap();
    let (_, headers, body) = send(&ready(), request).await;
    let vary: Vec<&str> = headers
        .get_all("vary")
        .iter()
        .map(|v| v.to_str().unwrap())
        .collect();
    assert_eq!(vary, ["Accept-Encoding", "Origin"]);
    assert_eq!(headers["access-control-allow-origin"], "http://good.org");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(body[..2], [0x1f, 0x8b]);
}

#[tokio::test]
async fn it_is_unavailable_until_there_is_data_and_after_the_stop() {
    let api = api();
    let router = router(Arc::clone(&api));
    let ask = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (status, headers, body) = send(&router, request).await;
        let stopping = headers
            .get("x-prometheus-stopping")
            .map(|v| v.to_str().unwrap().to_string());
        (status.as_u16(), stopping, body)
    };
    for path in ["/-/ready", "/api/v1/query?query=1"] {
        assert_eq!(
            ask(path).await,
            (503, Some("false".into()), "Service Unavailable".into())
        );
    }
    assert_eq!(ask("/-/healthy").await.2, "Prometheus Server is Healthy.\n");
    api.set_storage(Arc::new(storage()));
    assert_eq!(
        ask("/-/ready").await,
        (200, None, "Prometheus Server is Ready.\n".into())
    );
    api.stop();
    assert_eq!(ask("/api/v1/labels").await.1, Some("true".into()));
}

#[tokio::test]
async fn metrics_count_requests() {
    let router = ready();
    for query in ["1", "up%7B"] {
        let uri = format!("/api/v1/query?query={query}");
        send(&router, Request::get(uri).body(Body::empty()).unwrap()).await;
    }
    let (_, _, body) = send(
        &router,
        Request::get("/metrics").body(Body::empty()).unwrap(),
    )
    .await;
    let text = String::from_utf8(body.to_vec()).unwrap();
    for line in [
        "quarrel_queries_total{kind=\"instant\",outcome=\"success\"} 1",
        "quarrel_queries_total{kind=\"instant\",outcome=\"bad_data\"} 1",
        "quarrel_http_requests_total{handler=\"/api/v1/query\",code=\"400\"} 1",
        "quarrel_ready 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
}
