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

mod arrow;
mod clients;
mod connections;
mod fanned;
mod features;
mod limits;
mod remote_read;
mod shards;

/// When the samples begin, seconds.
const START: i64 = 1_700_011_200;

fn options() -> ApiOptions {
    ApiOptions {
        tenancy: Tenancy::default(),
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

#[tokio::test]
async fn queries_are_answered_to_the_byte() {
    for (path, want) in [
        (
            "/api/v1/query?query=1&time=5".to_string(),
            r#"{"status":"success","data":{"resultType":"scalar","result":[5,"1"]}}"#.to_string(),
        ),
        (
            "/api/v1/query?query=%22a%3Cb%22&time=5.25".into(),
            r#"{"status":"success","data":{"resultType":"string","result":[5.25,"a\u003cb"]}}"#
                .into(),
        ),
        (
            format!("/api/v1/query?query=up&time={START}.5"),
            format!(
                r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{"__name__":"up","job":"api"}},"value":[{START}.500,"1"]}},{{"metric":{{"__name__":"up","job":"db"}},"value":[{START}.500,"NaN"]}},{{"metric":{{"__name__":"up","job":"web"}},"value":[{START}.500,"1e-07"]}}]}}}}"#
            ),
        ),
        (
            format!("/api/v1/query?query=nope&time={START}"),
            r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#.into(),
        ),
        (
            format!(
                "/api/v1/query?query=up%7Bjob%3D%22api%22%7D%5B20s%5D&time={}",
                START + 31
            ),
            format!(
                r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"__name__":"up","job":"api"}},"values":[[{},"1"],[{},"1"]]}}]}}}}"#,
                START + 15,
                START + 30
            ),
        ),
        (
            format!(
                "/api/v1/query?query=%7B%22odd%3Cname%3E%22%7D&time={}",
                START + 1
            ),
            format!(
                r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{"__name__":"odd<name>","ünï.code":"a\"b\n<"}},"value":[{},"2.5"]}}]}}}}"#,
                START + 1
            ),
        ),
        (
            format!(
                "/api/v1/query_range?query=sum(up)&start={START}&end={}&step=15",
                START + 15
            ),
            format!(
                r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":[[{START},"NaN"],[{},"NaN"]]}}]}}}}"#,
                START + 15
            ),
        ),
    ] {
        assert_eq!(get(&path).await, (200, want), "{path}");
    }
}

#[tokio::test]
async fn a_limit_truncates_the_result_with_a_warning() {
    let (_, body) = get(&format!("/api/v1/query?query=up&time={START}&limit=2")).await;
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(value["data"]["result"].as_array().unwrap().len(), 2);
    assert_eq!(value["warnings"][0], "results truncated due to limit");
    let (_, body) = get(&format!("/api/v1/query?query=up&time={START}&limit=3")).await;
    assert!(!body.contains("warnings"));
}

#[tokio::test]
async fn statistics_are_given_when_asked_for() {
    for (stats, given) in [("", false), ("all", true), ("true", true), ("1", true)] {
        let (_, body) = get(&format!(
            "/api/v1/query?query=up&time={START}&stats={stats}"
        ))
        .await;
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(value["data"].get("stats").is_some(), given);
        if given {
            assert!(value["data"]["stats"]["timings"]["execTotalTime"].is_number());
            assert_eq!(value["data"]["stats"]["samples"]["seriesTouched"], 3);
        }
        let deprecated = value
            .get("warnings")
            .is_some_and(|w| w[0].as_str().unwrap().contains("deprecated"));
        assert_eq!(deprecated, stats == "1");
    }
}

#[tokio::test]
async fn requests_may_limit_their_cost() {
    let at = format!("/api/v1/query?query=count(up)&time={START}");
    let (status, _) = get(&format!(
        "{at}&max_series=3&max_samples_read=300&max_query_duration=5"
    ))
    .await;
    assert_eq!(status, 200);
    let (status, body) = get(&format!("{at}&max_series=2")).await;
    assert_eq!(status, 422);
    assert!(
        body.contains("query would load too many series into memory in query execution"),
        "{body}"
    );
    let (status, body) = get(&format!("{at}&max_samples_read=2")).await;
    assert_eq!(status, 422);
    assert!(
        body.contains("query would read too many samples in query execution"),
        "{body}"
    );
    for (bad, text) in [
        (
            "max_series=x",
            "error parsing max_series: strconv.ParseUint: parsing \\\"x\\\": invalid syntax",
        ),
        ("max_samples_read=-1", "error parsing max_samples_read"),
        ("max_query_duration=-1", "must not be negative, got -1s"),
    ] {
        let (status, body) = get(&format!("{at}&{bad}")).await;
        assert_eq!(status, 400, "{bad}");
        assert!(body.contains(text), "{body}");
    }
}

#[tokio::test]
async fn bad_parameters_are_refused_with_the_texts_of_prometheus() {
    let range = format!("query=up&start={START}&end={}&step=15", START + 60);
    for (path, want) in [
        (
            "query?query=up&time=x".to_string(),
            "invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp",
        ),
        (
            "query?query=up&limit=x".into(),
            "invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            "query?query=up&limit=-1".into(),
            "invalid parameter \"limit\": limit must be non-negative",
        ),
        (
            "query?query=up&timeout=x".into(),
            "invalid parameter \"timeout\": cannot parse \"x\" to a valid duration",
        ),
        (
            "query?query=up&timeout=-1s".into(),
            "invalid parameter \"timeout\": cannot parse \"-1s\" to a valid duration",
        ),
        (
            "query?query=up&timeout=-1".into(),
            "invalid parameter \"timeout\": timeout must be positive, got -1s",
        ),
        (
            "query?query=up&lookback_delta=x".into(),
            "error parsing lookback delta duration: cannot parse \"x\" to a valid duration",
        ),
        (
            "query_range?query=up&start=x&end=1&step=1".into(),
            "invalid parameter \"start\": cannot parse \"x\" to a valid timestamp",
        ),
        (
            "query_range?query=up&start=1&step=1".into(),
            "invalid parameter \"end\": cannot parse \"\" to a valid timestamp",
        ),
        (
            "query_range?query=up&start=2&end=1&step=1".into(),
            "invalid parameter \"end\": end timestamp must not be before start time",
        ),
        (
            "query_range?query=up&start=1&end=2&step=0".into(),
            "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
        ),
        (
            "query_range?query=up&start=0&end=11001&step=1".into(),
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ),
        (
            format!("query_range?{range}&timeout=0"),
            "invalid parameter \"timeout\": timeout must be positive, got 0s",
        ),
        (
            "query?query=up&timeout=1e-9".into(),
            "invalid parameter \"query\": context deadline exceeded",
        ),
        (
            "query_cost?query=up&cost=x".into(),
            "invalid parameter \"cost\": must be a boolean",
        ),
        (
            "search/label_names?sort_by=score".into(),
            "sort_by=score requires search[] to be set",
        ),
        ("series".into(), "no match[] parameter provided"),
        (
            "series?match[]=%7B%7D".into(),
            "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher",
        ),
        (
            "labels?match[]=%7Bx=%22%22%7D".into(),
            "match[] must contain at least one non-empty matcher",
        ),
        (
            "labels?start=x".into(),
            "invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp",
        ),
        ("label/%FF/values".into(), "invalid label name: \"\\xff\""),
        (
            "series?match[]=up&a=%zz".into(),
            "error parsing form values: invalid URL escape \"%zz\"",
        ),
        ("metadata?limit=x".into(), "limit must be a number"),
        (
            "rules?type=x".into(),
            "invalid parameter \"type\": not supported value \"x\"",
        ),
        (
            "rules?group_next_token=x".into(),
            "invalid parameter \"group_next_token\": group_limit needs to be present in order to paginate over the groups",
        ),
        (
            "rules?group_limit=0".into(),
            "invalid parameter \"group_limit\": group_limit needs to be greater than 0",
        ),
    ] {
        let (status, body) = get(&format!("/api/v1/{path}")).await;
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (status, value["error"].as_str()),
            (400, Some(want)),
            "{path}"
        );
        assert_eq!(value["errorType"], "bad_data");
    }
    let (status, _) = get("/api/v1/query_range?query=up&start=0&end=11000&step=1").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn errors_of_queries_have_their_codes() {
    let (status, body) = get("/api/v1/query?query=up%7B").await;
    assert_eq!(status, 400);
    assert!(body.starts_with(r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:4: parse error: "#), "{body}");
    let (status, body) = get(&format!(
        "/api/v1/query?query=up%20%2B%20on()%20up&time={START}"
    ))
    .await;
    assert_eq!(status, 422, "{body}");
    assert!(body.contains(r#""errorType":"execution""#));
    let (status, body) = get("/api/v1/query_range?query=%22a%22&start=0&end=1&step=1").await;
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("invalid parameter \\\"query\\\": "), "{body}");
}

#[tokio::test]
async fn labels_and_series_are_listed() {
    for (path, want) in [
        ("labels".to_string(), r#"["__name__","job","ünï.code"]"#),
        ("labels?match[]=up".into(), r#"["__name__","job"]"#),
        (
            "labels?limit=1".into(),
            r#"["__name__"],"warnings":["results truncated due to limit"]"#,
        ),
        ("label/job/values".into(), r#"["api","db","web"]"#),
        (
            "label/job/values?match[]=up%7Bjob!=%22db%22%7D".into(),
            r#"["api","web"]"#,
        ),
        (
            "label/__name__/values".into(),
            r#"["odd\u003cname\u003e","up"]"#,
        ),
        (
            "label/U___fc_n_ef__2e_code/values".into(),
            r#"["a\"b\n\u003c"]"#,
        ),
        ("label/nope/values".into(), "[]"),
        (
            "series?match[]=up%7Bjob=~%22api|web%22%7D".into(),
            r#"[{"__name__":"up","job":"api"},{"__name__":"up","job":"web"}]"#,
        ),
        (
            "series?match[]=up%7Bjob=%22api%22%7D&match[]=up&limit=1".into(),
            r#"[{"__name__":"up","job":"api"}],"warnings":["results truncated due to limit"]"#,
        ),
        ("series?match[]=nope".into(), "[]"),
        (format!("series?match[]=up&start={}", START + 1000), "[]"),
        (format!("labels?end={}", START - 1000), "[]"),
    ] {
        let want = format!(r#"{{"status":"success","data":{want}}}"#);
        assert_eq!(get(&format!("/api/v1/{path}")).await, (200, want), "{path}");
    }
}

#[tokio::test]
async fn texts_are_formatted_and_parsed() {
    let want = r#"{"status":"success","data":"sum by (job) (up) \u003e 1"}"#;
    assert_eq!(
        get("/api/v1/format_query?query=sum(up)by(job)%3E1").await,
        (200, want.into())
    );
    let want = r#"{"status":"success","data":{"type":"numberLiteral","val":"1"}}"#;
    assert_eq!(get("/api/v1/parse_query?query=1").await, (200, want.into()));
}

#[tokio::test]
async fn endpoints_without_data_are_empty() {
    for (path, want) in [
        ("rules", r#"{"groups":[]}"#),
        ("alerts", r#"{"alerts":[]}"#),
        ("metadata", "{}"),
        (
            "targets",
            r#"{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}"#,
        ),
        ("query_exemplars?query=up", "[]"),
        ("status/flags", r#"{"a":"1","b":"\u003c2\u003e"}"#),
    ] {
        let want = format!(r#"{{"status":"success","data":{want}}}"#);
        assert_eq!(get(&format!("/api/v1/{path}")).await, (200, want), "{path}");
    }
    assert_eq!(
        get("/api/v1/query_exemplars?query=1").await,
        (204, String::new())
    );
}

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

/// Requests made of parts of parameters and of other texts.
#[tokio::test]
async fn no_parameters_panic() {
    let router = ready();
    let names = [
        "query",
        "time",
        "start",
        "end",
        "step",
        "timeout",
        "limit",
        "lookback_delta",
        "stats",
        "match[]",
        "type",
        "x",
    ];
    let values = [
        "up",
        "1",
        "%7B",
        "-1",
        "1e20",
        "NaN",
        "5m",
        "",
        "%00",
        "%FF",
        "%zz",
        "2023-11-15T01:20:00Z",
        "all",
        "0.0001",
        "9223372036854775807",
        "up%5B5m%5D",
        "+",
    ];
    let paths = [
        "query",
        "query_range",
        "series",
        "labels",
        "label/job/values",
        "format_query",
        "parse_query",
        "query_exemplars",
        "rules",
        "metadata",
    ];
    let mut seed = 5u64;
    let mut next = move |most: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 20) as usize % most
    };
    for _ in 0..1500 {
        let mut uri = format!("/api/v1/{}?", paths[next(paths.len())]);
        for _ in 0..next(7) {
            uri.push_str(&format!(
                "{}={}&",
                names[next(names.len())],
                values[next(values.len())]
            ));
        }
        let request = Request::get(&uri).body(Body::empty()).unwrap();
        let (status, _, body) = send(&router, request).await;
        assert!(
            matches!(status.as_u16(), 200 | 204 | 400 | 422),
            "{uri}: {status} {body:?}"
        );
        if status != 204 {
            serde_json::from_slice::<serde_json::Value>(&body)
                .unwrap_or_else(|_| panic!("{uri}: {body:?}"));
        }
    }
}
