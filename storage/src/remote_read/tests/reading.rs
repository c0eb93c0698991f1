//! Series are read as they are, by both forms, and the request says what it should.

use std::sync::Arc;

use quarrel_chunks::histogram::{Histogram, HistogramLayout, Span};
use quarrel_engine::storage::{Storage, TimeRange, Unlimited};

use super::super::testing::FakeRemote;
use super::super::{RemoteRead, RemoteReadError};
use super::servers::*;
use crate::http_client::{BasicAuth, Secret};
use crate::memory::{HistogramSample, MemoryStorage};

const BOTH: [&str; 2] = ["up{job=\"a\"}", "up{job=\"b\"}"];

#[tokio::test(flavor = "multi_thread")]
async fn both_forms_have_the_same_samples() {
    let server = fake().start().await;
    let old = fake().with_samples_alone().start().await;
    let matchers = [equal("__name__", "up")];
    let answers = [
        select(&over(&server), &matchers).await.unwrap(),
        select(
            &RemoteRead::new(samples_alone(config(&server))).unwrap(),
            &matchers,
        )
        .await
        .unwrap(),
        // A server that does not know chunks is asked for them all the same.
        select(&over(&old), &matchers).await.unwrap(),
    ];
    for answer in &answers {
        assert_eq!(answer.labels(), BOTH);
        assert_eq!(answer.series, answers[0].series);
        assert!(answer.held > 100, "{}", answer.held);
    }
    assert_eq!(answers[0].series[1].1.len(), 10);
    assert_eq!(answers[0].series[1].1[9], (540_000, 109.0));
    let forms: Vec<Vec<i32>> = [&server, &old]
        .iter()
        .flat_map(|server| server.requests())
        .map(|request| request.message.accepted_response_types)
        .collect();
    assert_eq!(forms, [vec![1, 0], vec![0], vec![1, 0]]);
}

#[tokio::test]
async fn a_request_is_that_of_the_protocol() {
    let server = fake().start().await;
    let mut own = config(&server);
    own.url = own.url.replace("http://", "http://ignored:hush@") + "?tenant=a";
    own.http.basic_auth = Some(BasicAuth {
        username: "u".to_string(),
        password: Some(Secret::from("p".to_string())),
        ..BasicAuth::default()
    });
    own.http.headers = [("X-Scope-OrgID".to_string(), Secret::from("t".to_string()))].into();
    let storage = RemoteRead::new(own).unwrap();
    select(&storage, &[equal("job", "a")]).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /api/v1/read?tenant=a HTTP/1.1");
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
        ("accept-encoding", "snappy"),
        ("x-prometheus-remote-read-version", "0.1.0"),
        ("x-scope-orgid", "t"),
        ("authorization", "Basic dTpw"),
        ("user-agent", concat!("quarrel/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(request.header(name), value, "{name}");
    }
    let query = &request.message.queries[0];
    assert_eq!(
        (query.start_timestamp_ms, query.end_timestamp_ms),
        (0, 600_000)
    );
    assert_eq!(query.matchers.len(), 1);
    assert!(!format!("{storage:?} {}", storage.name()).contains("hush"));
}

#[tokio::test]
async fn external_labels_are_asked_for_and_left_out() {
    let server = fake().start().await;
    let mut own = config(&server);
    own.external_labels = [("job".to_string(), "a".to_string())].into();
    let storage = RemoteRead::new(own).unwrap();
    let answer = select(&storage, &[equal("__name__", "up")]).await.unwrap();
    assert_eq!(answer.labels(), ["up"]);
    // A selector that says something of the label itself gets what it says.
    let answer = select(&storage, &[equal("job", "b")]).await.unwrap();
    assert_eq!(answer.labels(), [BOTH[1]]);
}

#[tokio::test]
async fn who_does_not_require_enough_is_not_asked() {
    let server = fake().start().await;
    let mut own = config(&server);
    own.required_matchers = [("job".to_string(), "a".to_string())].into();
    let storage = RemoteRead::new(own).unwrap();
    let answer = select(&storage, &[equal("__name__", "up")]).await.unwrap();
    assert_eq!(answer.series, []);
    assert_eq!(server.requests().len(), 0);
    let answer = select(&storage, &[equal("job", "a")]).await.unwrap();
    assert_eq!(answer.labels(), [BOTH[0]]);
}

/// Where others have the newer data, only older ones are asked for.
#[tokio::test]
async fn recent_data_are_not_asked_for_twice() {
    const HOUR: i64 = 3_600_000;
    let server = fake().start().await;
    let local = MemoryStorage::new();
    local.append([("__name__", "up")], 20 * HOUR, 1.0).unwrap();
    let mut own = config(&server);
    own.read_recent = false;
    let storage = RemoteRead::new(own).unwrap().beside(vec![Arc::new(local)]);
    let matchers = [equal("__name__", "up")];
    for (start, end) in [(0, 30 * HOUR), (24 * HOUR + 1, 30 * HOUR)] {
        let range = TimeRange { start, end };
        select_with(&storage, &matchers, range, &Unlimited)
            .await
            .unwrap();
    }
    let [request] = &server.requests()[..] else {
        panic!("one request");
    };
    // Four hours are a margin.
    assert_eq!(request.message.queries[0].end_timestamp_ms, 24 * HOUR);
    // Where there is nothing beside it, all is asked for.
    let alone = storage.beside(vec![Arc::new(MemoryStorage::new())]);
    select(&alone, &matchers).await.unwrap();
    assert_eq!(
        server.requests()[1].message.queries[0].end_timestamp_ms,
        600_000
    );
}

fn histograms() -> Arc<MemoryStorage> {
    let memory = MemoryStorage::new();
    let histogram = |count: u64| Histogram {
        layout: HistogramLayout {
            schema: 1,
            zero_threshold: 0.001,
            positive_spans: vec![Span {
                offset: 0,
                length: 2,
            }],
            negative_spans: vec![Span {
                offset: 3,
                length: 1,
            }],
            ..HistogramLayout::default()
        },
        count: 4 * count,
        sum: 1.5,
        buckets: vec![count, 2 * count, count],
        ..Histogram::default()
    };
    let samples: Vec<HistogramSample<u64>> = (0..5u64)
        .map(|minute| HistogramSample {
            start_timestamp: 0,
            timestamp: minute as i64 * 60_000,
            histogram: histogram(minute + 1),
        })
        .collect();
    memory
        .append_histograms([("__name__", "latency")], &samples)
        .unwrap();
    Arc::new(memory)
}

#[tokio::test]
async fn histograms_come_by_both_forms() {
    let server = FakeRemote::over(histograms()).start().await;
    let matchers = [equal("__name__", "latency")];
    let expected: Vec<Plain> = (0..5).map(|i| (i * 60_000, 4.0 * (i + 1) as f64)).collect();
    for own in [config(&server), samples_alone(config(&server))] {
        let storage = RemoteRead::new(own).unwrap();
        let answer = select(&storage, &matchers).await.unwrap();
        assert_eq!(answer.series, [("latency".to_string(), expected.clone())]);
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    for (url, why) in [
        ("nonsense", "is no URL of remote read"),
        ("ftp://u:hush@a/b?hush", "its scheme is \"ftp\""),
        ("http://", "is no URL of remote read"),
    ] {
        let error = RemoteRead::new(super::super::RemoteReadConfig::new(url)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(why) && !text.contains("hush"), "{text}");
    }
    let mut own = super::super::RemoteReadConfig::new("http://a");
    own.http.headers = [("Content-Type".to_string(), Secret::from("x".to_string()))].into();
    let error = RemoteRead::new(own).unwrap_err();
    assert!(matches!(error, RemoteReadError::ReservedHeader(_)));
    let mut own = super::super::RemoteReadConfig::new("http://a");
    own.http.bearer_token_file = Some("/no/such/file".into());
    assert!(
        RemoteRead::new(own)
            .unwrap_err()
            .to_string()
            .starts_with("/no/such/file: ")
    );
    let mut own = super::super::RemoteReadConfig::new("http://a");
    own.forms.clear();
    assert!(matches!(RemoteRead::new(own), Err(RemoteReadError::NoForm)));
}

#[test]
fn there_has_to_be_a_runtime() {
    let error = RemoteRead::new(super::super::RemoteReadConfig::new("http://a")).unwrap_err();
    assert!(matches!(error, RemoteReadError::NoRuntime));
}
