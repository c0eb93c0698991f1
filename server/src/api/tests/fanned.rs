//! Rules, targets, metadata and exemplars of endpoints.

use serde_json::{Value, json};

use super::*;
use crate::fanout::testing::{Fake, Fault, Running, start, stores};
use crate::tenancy::Enforced;

/// The API over two endpoints, of which the second one may fail.
async fn over(fault: Fault) -> (Router, [Running; 2]) {
    let first = start(Fake::new("0")).await;
    let second = start(Fake::new("1").with(fault)).await;
    let running = [first, second];
    let api = api();
    api.set_source(Arc::new(stores(&running).await));
    (router(api), running)
}

async fn ask(router: &Router, path: &str) -> (u16, Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (status, _, body) = send(router, request).await;
    (status.as_u16(), serde_json::from_slice(&body).unwrap())
}

const PATHS: [&str; 5] = [
    "/api/v1/rules?a=b",
    "/api/v1/alerts?a=b",
    "/api/v1/targets?a=b",
    "/api/v1/metadata?a=b",
    "/api/v1/query_exemplars?query=m",
];

#[tokio::test]
async fn endpoints_answer_as_one() {
    let (router, _running) = over(Fault::None).await;
    let mut found = Vec::new();
    for path in PATHS {
        let (status, answer) = ask(&router, path).await;
        assert_eq!(status, 200, "{path}: {answer}");
        assert_eq!(answer.get("warnings"), None, "{path}: {answer}");
        found.push(answer["data"].clone());
    }
    let [rules, alerts, targets, metadata, exemplars] = &found[..] else {
        panic!("five answers");
    };
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0]["labels"], json!({"job": "x"}));
    assert_eq!(alerts["alerts"].as_array().unwrap().len(), 1);
    let targets = targets["activeTargets"].as_array().unwrap();
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0]["labels"], json!({"job": "x"}));
    let meta = |help: &str| json!({"type": "gauge", "unit": "", "help": help});
    assert_eq!(metadata["up"], json!([meta("same")]));
    assert_eq!(metadata["differs"].as_array().unwrap().len(), 2);
    let want = json!([{
        "seriesLabels": {"job": "x"},
        "exemplars": [{"labels": {}, "value": "1.5", "timestamp": 2.5}],
    }]);
    assert_eq!(*exemplars, want);
    let (_, apart) = ask(&router, "/api/v1/targets?dedup=false").await;
    let apart = apart["data"]["activeTargets"].as_array().unwrap().len();
    assert_eq!(apart, 2);
    let (_, limited) = ask(&router, "/api/v1/metadata?limit=1").await;
    assert_eq!(limited["data"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_fails_is_a_warning_or_an_error() {
    for (fault, why) in [
        (Fault::Refuses, "out of order"),
        (Fault::Hangs, "no complete answer in 300ms"),
    ] {
        let (router, running) = over(fault).await;
        let name = running[1].address.to_string();
        for path in PATHS {
            let path = format!("{path}&timeout=300ms");
            let (status, answer) = ask(&router, &path).await;
            assert_eq!(status, 200, "{path}: {answer}");
            assert!(answer["data"].to_string().len() > 30, "{path}: {answer}");
            let warnings = answer["warnings"].as_array().unwrap();
            let warning = warnings[0].as_str().unwrap();
            assert_eq!(warnings.len(), 1, "{path}: {answer}");
            assert!(
                warning.contains(&name) && warning.contains(why),
                "{warning}"
            );
            let (status, answer) = ask(&router, &format!("{path}&partial_response=0")).await;
            assert_eq!((status, &answer["errorType"]), (500, &json!("internal")));
            let error = answer["error"].as_str().unwrap();
            assert!(error.contains(&name) && error.contains(why), "{error}");
        }
    }
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let (router, _running) = over(Fault::None).await;
    for path in [
        "/api/v1/rules?type=x",
        "/api/v1/rules?match[]=%7B",
        "/api/v1/rules?timeout=-1s",
        "/api/v1/targets?state=x",
        "/api/v1/metadata?limit=x",
        "/api/v1/query_exemplars?query=%7B",
        "/api/v1/alerts?partial_response=x",
    ] {
        let (status, answer) = ask(&router, path).await;
        assert_eq!(status, 400, "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_tenant_sees_what_has_its_label() {
    let (own, other) = (Fake::new("0").of("a"), Fake::new("1").of("b"));
    let running = [start(own).await, start(other).await];
    let api = api();
    let all = Arc::new(stores(&running).await);
    api.set_source(Arc::new(Enforced::new(all, "tenant_id".to_string())));
    let router = router(api);
    let ask = async |path: &str, tenant: &str| {
        let request = Request::get(path).header("thanos-tenant", tenant);
        let (status, _, body) = send(&router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(status.as_u16(), 200, "{path}");
        let answer: Value = serde_json::from_slice(&body).unwrap();
        answer["data"].to_string()
    };
    for path in PATHS {
        let (a, b) = (ask(path, "a").await, ask(path, "b").await);
        assert_ne!(a, b, "{path}");
        for (answer, own, other) in [(&a, "a", "b"), (&b, "b", "a")] {
            let mark = |tenant: &str| format!("\"of {tenant}\"");
            assert!(answer.contains(&mark(own)), "{path}: {answer}");
            assert!(!answer.contains(&mark(other)), "{path}: {answer}");
        }
        let nobody = ask(path, "c").await;
        assert!(!nobody.contains("\"of "), "{path}: {nobody}");
    }
    for one in &running {
        let tenants = one.tenants();
        assert!(tenants.contains(&"a".to_string()), "{tenants:?}");
    }
}
