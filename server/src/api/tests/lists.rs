//! Labels, series, texts, and endpoints without data.

use super::*;

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
