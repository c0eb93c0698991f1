//! Endpoints of optional features.

use axum::http::Request;

use super::*;

#[tokio::test]
async fn costs_are_estimated_and_compared() {
    let at = format!("time={START}&query=sum(up)%2Bup");
    let (status, body) = get(&format!("/api/v1/query_cost?{at}")).await;
    assert_eq!(status, 200, "{body}");
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(value["data"]["estimate"]["seriesTouched"], 3);
    let (_, body) = get(&format!("/api/v1/query?{at}&cost=true")).await;
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    let cost = &value["data"]["cost"];
    assert_eq!(cost["estimated"]["seriesTouched"], 3);
    assert_eq!(cost["actual"]["seriesTouched"], 3);
    assert_eq!(cost["actual"]["samplesRead"], 3);
    let api = Api::new(
        Engine::new(EngineOptions::default()).unwrap(),
        ApiOptions {
            query_cost: false,
            ..options()
        },
    );
    api.set_storage(Arc::new(storage()));
    let router = router(Arc::new(api));
    let request = |path: String| Request::get(path).body(Body::empty()).unwrap();
    let (status, _, _) = send(&router, request(format!("/api/v1/query_cost?{at}"))).await;
    assert_eq!(status, 404);
    let (_, _, body) = send(&router, request(format!("/api/v1/query?{at}&cost=true"))).await;
    assert!(!String::from_utf8_lossy(&body).contains("estimated"));
}

#[tokio::test]
async fn searches_answer_in_lines() {
    let range = format!("start={START}&end={}", START + 60);
    let path = format!("/api/v1/search/label_values?label=job&{range}");
    let (status, body) = get(&format!("{path}&limit=2&batch_size=1")).await;
    let want = "{\"results\":[{\"value\":\"api\"}]}\n{\"results\":[{\"value\":\"db\"}]}\n\
                {\"status\":\"success\",\"has_more\":true}\n";
    assert_eq!((status, body.as_str()), (200, want));
    let (_, body) = get(&format!("{path}&search[]=b&sort_by=score&include_score=1")).await;
    let best =
        "{\"results\":[{\"value\":\"db\",\"score\":0.4995},{\"value\":\"web\",\"score\":0.33";
    assert!(body.starts_with(best), "{body}");
    let (_, body) = get(&format!("{path}&search[]=nope")).await;
    let want = "{\"results\":[]}\n{\"status\":\"success\",\"has_more\":false}\n";
    assert_eq!(body, want);
}
