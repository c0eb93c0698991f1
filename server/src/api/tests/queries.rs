//! Queries and their answers.

use super::*;

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
