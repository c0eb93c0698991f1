//! Wrong and odd parameters.

use super::*;

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
