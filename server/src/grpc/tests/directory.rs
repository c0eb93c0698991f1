//! A data directory: the bundled demo data.

use std::path::Path;

use axum::body::Body;
use quarrel_proto::exemplars::{ExemplarsRequest, ExemplarsResult};
use quarrel_proto::info::InfoRequest;
use quarrel_proto::labels::{LabelMatcher, MatcherType};
use quarrel_proto::metadata::MetricMetadataRequest;
use quarrel_proto::query::{QueryRangeRequest, QueryRangeResult};
use quarrel_proto::rules::RulesRequest;
use quarrel_proto::samples::TimeSeries;
use quarrel_proto::services::exemplars::exemplars_client::ExemplarsClient;
use quarrel_proto::services::info::info_client::InfoClient;
use quarrel_proto::services::metadata::metadata_client::MetadataClient;
use quarrel_proto::services::query::query_client::QueryClient;
use quarrel_proto::services::rules::rules_client::RulesClient;
use quarrel_proto::services::store::store_client::StoreClient;
use quarrel_proto::services::targets::targets_client::TargetsClient;
use quarrel_proto::store::{SeriesRequest, SeriesResult};
use quarrel_proto::targets::TargetsRequest;
use quarrel_storage::tsdb::{Tsdb, TsdbOptions};
use tonic::Code;
use tower::ServiceExt as _;

use super::*;

/// The demo data with an external label.
async fn demo() -> Served {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/demo-data");
    let tsdb = Arc::new(Tsdb::open(&dir, TsdbOptions::default()).unwrap());
    let labels = vec![("cluster".to_string(), "a".to_string())];
    let api = api();
    api.set_tsdb(Arc::clone(&tsdb), labels.clone());
    api.set_source(Arc::new(Stores::labeled(tsdb, labels).unwrap()));
    Served::with(api, options(), GrpcLimits::default()).await
}

/// The range of the data, seconds.
async fn range(served: &Served) -> (i64, i64) {
    let mut client = InfoClient::new(served.channel().await);
    let info = client.info(InfoRequest {}).await.unwrap().into_inner();
    assert!(info.metric_metadata.is_some() && info.exemplars.is_some());
    let store = info.store.unwrap();
    (store.min_time / 1000 + 1, store.max_time / 1000)
}

async fn over_grpc(served: &Served, request: QueryRangeRequest) -> Vec<TimeSeries> {
    let mut client = QueryClient::new(served.channel().await);
    let mut frames = client.query_range(request).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(frame) = frames.message().await.unwrap() {
        match frame.result.unwrap() {
            QueryRangeResult::TimeseriesBatch(batch) => all.extend(batch.series),
            QueryRangeResult::Timeseries(one) => all.push(one),
            QueryRangeResult::Warnings(_) | QueryRangeResult::Stats(_) => {}
        }
    }
    all
}

async fn over_http(served: &Served, request: &QueryRangeRequest) -> serde_json::Value {
    let query: String = form_urlencoded(&request.query);
    let path = format!(
        "/api/v1/query_range?query={query}&start={}&end={}&step={}",
        request.start_time_seconds, request.end_time_seconds, request.interval_seconds
    );
    let router = crate::api::router(Arc::clone(&served.api));
    let request = axum::http::Request::get(path).body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 1 << 28).await;
    let mut answer: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
    answer["data"]["result"].take()
}

fn form_urlencoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// A series of JSON as one of gRPC has it: labels, times and values.
fn of_json(series: &serde_json::Value) -> (String, Vec<(i64, String)>) {
    let labels = series["metric"].as_object().unwrap().iter();
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
        .collect();
    let samples = series["values"].as_array().into_iter().flatten();
    let samples = samples.map(|pair| {
        let seconds = pair[0].as_f64().unwrap();
        (
            (seconds * 1000.0) as i64,
            pair[1].as_str().unwrap().to_string(),
        )
    });
    (labels.join(","), samples.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_over_grpc_are_those_over_http() {
    let served = demo().await;
    let (_, end) = range(&served).await;
    for query in [
        "up",
        "sum by (job, cluster) (up)",
        "rate({__name__=~\"prometheus_http.*_total\"}[5m])",
        "up{cluster=\"b\"}",
        "count by (__name__) ({cluster=\"a\", __name__=~\"go_.*\"})",
        "1 / 0",
    ] {
        let request = QueryRangeRequest {
            query: query.to_string(),
            start_time_seconds: end - 1800,
            end_time_seconds: end,
            interval_seconds: 60,
            response_batch_size: 64,
            ..QueryRangeRequest::default()
        };
        let http = over_http(&served, &request).await;
        let http: Vec<_> = http.as_array().unwrap().iter().map(of_json).collect();
        let grpc = over_grpc(&served, request).await;
        let grpc: Vec<_> = grpc
            .iter()
            .map(|series| {
                let samples = series.samples.iter().map(|sample| {
                    let mut shown = Vec::new();
                    crate::json::digits(&mut shown, sample.value);
                    (sample.timestamp, String::from_utf8(shown).unwrap())
                });
                (text(&series.labels), samples.collect())
            })
            .collect();
        assert_eq!(grpc, http, "{query}");
        let external = query != "1 / 0" && !query.contains("by (__name__)");
        let with = http.iter().all(|(labels, _)| labels.contains("cluster=a"));
        assert!(with || !external, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_has_all_series_in_order_and_their_samples() {
    let served = demo().await;
    let (start, end) = range(&served).await;
    let mut client = StoreClient::new(served.channel().await);
    let request = SeriesRequest {
        min_time: start * 1000,
        max_time: end * 1000,
        matchers: vec![LabelMatcher {
            r#type: MatcherType::Re as i32,
            name: "__name__".to_string(),
            value: ".+".to_string(),
        }],
        response_batch_size: 64,
        ..SeriesRequest::default()
    };
    let mut frames = client.series(request).await.unwrap().into_inner();
    let (mut names, mut samples) = (Vec::new(), 0);
    while let Some(frame) = frames.message().await.unwrap() {
        let SeriesResult::Batch(batch) = frame.result.unwrap() else {
            panic!("no batch");
        };
        for series in batch.series {
            let pairs = series.labels.iter();
            let pairs: Vec<_> = pairs
                .map(|label| (label.name.clone(), label.value.clone()))
                .collect();
            assert!(pairs.is_sorted() && !series.chunks.is_empty());
            names.push(pairs);
            for chunk in series.chunks {
                let raw = chunk.raw.unwrap();
                samples += u16::from_be_bytes([raw.data[0], raw.data[1]]) as usize;
            }
        }
    }
    assert!(names.is_sorted_by(|a, b| a < b));
    assert!(
        names.len() > 100 && samples > 10_000,
        "{} {samples}",
        names.len()
    );
}

#[tokio::test]
async fn metadata_and_exemplars_are_those_of_the_log() {
    let served = demo().await;
    let mut client = MetadataClient::new(served.channel().await);
    let request = MetricMetadataRequest {
        limit: -1,
        ..MetricMetadataRequest::default()
    };
    let mut frames = client.metric_metadata(request).await.unwrap().into_inner();
    while frames.message().await.unwrap().is_some() {}
    let mut client = ExemplarsClient::new(served.channel().await);
    let ask = |query: &str| ExemplarsRequest {
        query: query.to_string(),
        start: 0,
        end: i64::MAX,
        ..ExemplarsRequest::default()
    };
    let found = client.exemplars(ask("up{cluster=\"a\"}")).await.unwrap();
    let mut frames = found.into_inner();
    while let Some(frame) = frames.message().await.unwrap() {
        let Some(ExemplarsResult::Data(data)) = frame.result else {
            panic!("a warning")
        };
        let labels = data.series_labels.unwrap().labels;
        assert!(text(&labels).contains("cluster=a"));
    }
    let error = client.exemplars(ask("up{")).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn there_are_no_rules_and_no_targets() {
    let served = demo().await;
    let mut rules = RulesClient::new(served.channel().await);
    let found = rules.rules(RulesRequest::default()).await.unwrap();
    assert!(found.into_inner().message().await.unwrap().is_none());
    let mut targets = TargetsClient::new(served.channel().await);
    let found = targets.targets(TargetsRequest::default()).await.unwrap();
    assert!(found.into_inner().message().await.unwrap().is_none());
}
