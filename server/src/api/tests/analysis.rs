//! `analyze`, `query_explain` and `query_range_explain`.

use serde_json::Value;

use super::*;

async fn ask(path: &str) -> (u16, Value) {
    let (status, body) = get(path).await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn answers_say_what_their_operators_did() {
    let range = format!("start={START}&end={}&step=15", START + 30);
    for (path, samples) in [
        (format!("/api/v1/query?query=sum(up)&time={START}"), 3),
        (format!("/api/v1/query_range?query=sum(up)&{range}"), 9),
    ] {
        for analyze in ["true", "1"] {
            let (status, answer) = ask(&format!("{path}&analyze={analyze}&stats=all")).await;
            assert_eq!(status, 200, "{answer}");
            let analysis = &answer["data"]["analysis"];
            let time = analysis["executionTime"].as_str().unwrap();
            assert!(time.ends_with('s') && time != "0s", "{analysis}");
            assert_eq!(analysis["totalSamples"], samples, "{analysis}");
            let name = |node: &Value| node["name"].as_str().unwrap().to_string();
            assert!(name(analysis).starts_with("Aggregate"), "{analysis}");
            let scan = &analysis["children"][0];
            assert!(name(scan).starts_with("Scan"), "{analysis}");
            assert_eq!(scan["totalSamples"], samples, "{analysis}");
            assert!(scan["peakSamples"].as_u64().unwrap() > 0, "{analysis}");
            assert_eq!(scan.get("children"), None);
            assert_eq!(answer["data"]["result"].as_array().unwrap().len(), 1);
        }
        for analyze in ["", "false", "yes"] {
            let (_, answer) = ask(&format!("{path}&analyze={analyze}")).await;
            assert_eq!(answer["data"].get("analysis"), None, "{answer}");
        }
    }
}

#[tokio::test]
async fn what_has_no_rows_has_an_analysis() {
    for (query, name) in [("\"text\"", "Text"), ("up[1m]", "Raw"), ("1", "")] {
        let path = format!("/api/v1/query?query={query}&time={START}&analyze=1");
        let path = path
            .replace('"', "%22")
            .replace('[', "%5B")
            .replace(']', "%5D");
        let (status, answer) = ask(&path).await;
        assert_eq!(status, 200, "{answer}");
        let found = answer["data"]["analysis"]["name"].as_str().unwrap();
        assert!(found.starts_with(name), "{answer}");
    }
}

#[tokio::test]
async fn plans_are_explained_without_a_run() {
    let range = format!("start={START}&end={}&step=15", START + 30);
    for path in [
        format!("/api/v1/query_explain?query=sum(up)&time={START}"),
        format!("/api/v1/query_range_explain?query=sum(up)&{range}"),
    ] {
        let (status, answer) = ask(&path).await;
        assert_eq!(status, 200, "{answer}");
        let data = answer["data"].as_object().unwrap();
        assert_eq!(data.keys().collect::<Vec<_>>(), ["children", "name"]);
        assert!(data["name"].as_str().unwrap().starts_with("Aggregate"));
        let scan = &data["children"][0]["name"];
        assert!(scan.as_str().unwrap().starts_with("Scan"), "{answer}");
    }
    for path in [
        "/api/v1/query_explain?query=sum(",
        "/api/v1/query_explain?query=up&time=x",
        "/api/v1/query_range_explain?query=up&start=1&end=0&step=1",
        "/api/v1/query_range_explain?query=up",
    ] {
        let (status, answer) = ask(path).await;
        assert_eq!(status, 400, "{path}: {answer}");
    }
}
