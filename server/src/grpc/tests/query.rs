//! The Query API.

use quarrel_engine::storage::histogram_chunks::{Histogram, HistogramLayout, Span};
use quarrel_proto::query::{
    QueryRangeRequest, QueryRangeResult, QueryRequest, QueryResult, QueryStats,
};
use quarrel_proto::samples::{Count, TimeSeries};
use quarrel_proto::services::query::query_client::QueryClient;
use quarrel_storage::memory::HistogramSample;
use tonic::{Code, Status};

use super::*;

/// An answer, put together again.
#[derive(Debug, Default)]
struct Whole {
    series: Vec<TimeSeries>,
    warnings: Vec<String>,
    stats: Option<QueryStats>,
    /// Series of each frame.
    frames: Vec<usize>,
}

impl Whole {
    fn add(&mut self, result: QueryResult) {
        assert!(self.stats.is_none(), "statistics come last");
        match result {
            QueryResult::Warnings(text) => self.warnings.push(text),
            QueryResult::Timeseries(one) => {
                self.frames.push(1);
                self.series.push(one);
            }
            QueryResult::TimeseriesBatch(batch) => {
                self.frames.push(batch.series.len());
                self.series.extend(batch.series);
            }
            QueryResult::Stats(stats) => self.stats = Some(stats),
        }
    }

    /// Labels, and times and values, of each series.
    fn rows(&self) -> Vec<(String, Vec<(i64, f64)>)> {
        let samples = |series: &TimeSeries| {
            let samples = series.samples.iter();
            samples.map(|s| (s.timestamp, s.value)).collect()
        };
        let series = self.series.iter();
        series.map(|s| (text(&s.labels), samples(s))).collect()
    }
}

fn instant(query: &str) -> QueryRequest {
    QueryRequest {
        query: query.to_string(),
        time_seconds: START + 30,
        ..QueryRequest::default()
    }
}

fn range(query: &str) -> QueryRangeRequest {
    QueryRangeRequest {
        query: query.to_string(),
        start_time_seconds: START,
        end_time_seconds: START + 60,
        interval_seconds: 30,
        response_batch_size: 64,
        ..QueryRangeRequest::default()
    }
}

async fn ask(served: &Served, request: QueryRequest) -> Result<Whole, Status> {
    let mut client = QueryClient::new(served.channel().await);
    let mut frames = client.query(request).await?.into_inner();
    let mut whole = Whole::default();
    while let Some(frame) = frames.message().await? {
        whole.add(frame.result.unwrap());
    }
    Ok(whole)
}

async fn ask_range(served: &Served, request: QueryRangeRequest) -> Result<Whole, Status> {
    let mut client = QueryClient::new(served.channel().await);
    let mut frames = client.query_range(request).await?.into_inner();
    let mut whole = Whole::default();
    while let Some(frame) = frames.message().await? {
        whole.add(match frame.result.unwrap() {
            QueryRangeResult::Warnings(text) => QueryResult::Warnings(text),
            QueryRangeResult::Timeseries(one) => QueryResult::Timeseries(one),
            QueryRangeResult::TimeseriesBatch(batch) => QueryResult::TimeseriesBatch(batch),
            QueryRangeResult::Stats(stats) => QueryResult::Stats(stats),
        });
    }
    Ok(whole)
}

#[tokio::test]
async fn an_instant_query_gives_a_sample_a_series() {
    let served = Served::over(storage()).await;
    let whole = ask(&served, instant("up != 5")).await.unwrap();
    let at = (START + 30) * 1000;
    let rows = whole.rows();
    let names: Vec<&str> = rows.iter().map(|(labels, _)| labels.as_str()).collect();
    assert_eq!(
        names,
        [
            "__name__=up,cluster=a,job=api",
            "__name__=up,cluster=a,job=db",
            "__name__=up,cluster=a,job=web"
        ]
    );
    assert_eq!(rows[0].1, [(at, 1.0)]);
    assert!(rows[1].1[0].1.is_nan());
    // The sign of zero survives.
    assert_eq!(rows[2].1[0].1.to_bits(), (-0.0f64).to_bits());
    assert_eq!(whole.frames, [1, 1, 1]);
    let stats = whole.stats.unwrap();
    assert_eq!(stats.samples_total, 3);
    let text = served.metrics();
    let line = "grpc_server_handled_total{grpc_type=\"server_stream\",\
                grpc_service=\"thanos.Query\",grpc_method=\"Query\",grpc_code=\"OK\"} 1";
    assert!(text.lines().any(|l| l == line), "{text}");
    assert!(text.contains("quarrel_queries_total{kind=\"instant\",outcome=\"success\"} 1"));
    assert!(text.contains("quarrel_grpc_requests_total{tenant=\"default-tenant\"} 1"));
}

#[tokio::test]
async fn series_come_in_frames_of_the_wanted_size() {
    let served = Served::over(storage()).await;
    for (batch, want) in [
        (0, vec![1, 1, 1]),
        (1, vec![1, 1, 1]),
        (2, vec![2, 1]),
        (64, vec![3]),
    ] {
        let mut request = instant("up");
        request.response_batch_size = batch;
        let whole = ask(&served, request).await.unwrap();
        assert_eq!(whole.frames, want, "{batch}");
        let mut request = range("up");
        request.response_batch_size = batch;
        let whole = ask_range(&served, request).await.unwrap();
        assert_eq!(whole.frames, want, "{batch}");
    }
}

#[tokio::test]
async fn a_range_query_gives_a_sample_a_step() {
    let served = Served::over(storage()).await;
    let whole = ask_range(&served, range("sum by (job) (up{job=\"api\"}) + 1"))
        .await
        .unwrap();
    let steps = [0, 30, 60].map(|s| ((START + s) * 1000, 2.0));
    assert_eq!(whole.rows(), [("job=api".to_string(), steps.to_vec())]);
    // A scalar is a series without labels.
    let whole = ask_range(&served, range("3")).await.unwrap();
    let steps = [0, 30, 60].map(|s| ((START + s) * 1000, 3.0));
    assert_eq!(whole.rows(), [(String::new(), steps.to_vec())]);
}

#[tokio::test]
async fn scalars_texts_and_nothing_are_answers() {
    let served = Served::over(storage()).await;
    let whole = ask(&served, instant("1 + 1")).await.unwrap();
    assert_eq!(
        whole.rows(),
        [(String::new(), vec![((START + 30) * 1000, 2.0)])]
    );
    for query in ["\"a\"", "nothing_of_this_name"] {
        let whole = ask(&served, instant(query)).await.unwrap();
        assert!(whole.series.is_empty() && whole.stats.is_some(), "{query}");
    }
    // Time 0 is now.
    let mut request = instant("time()");
    request.time_seconds = 0;
    let whole = ask(&served, request).await.unwrap();
    assert!(whole.rows()[0].1[0].1 > 1.7e9);
}

#[tokio::test]
async fn a_range_vector_gives_all_its_samples() {
    let served = Served::over(storage()).await;
    let whole = ask(&served, instant("up{job=\"api\"}[40s]")).await.unwrap();
    let times: Vec<i64> = whole.series[0]
        .samples
        .iter()
        .map(|s| s.timestamp)
        .collect();
    assert_eq!(times, [0, 15, 30].map(|s| (START + s) * 1000));
}

#[tokio::test]
async fn the_lookback_is_the_requests() {
    let served = Served::over(storage()).await;
    let mut request = instant("up");
    request.time_seconds = START + 135 + 20;
    assert_eq!(ask(&served, request.clone()).await.unwrap().series.len(), 3);
    request.lookback_delta_seconds = 10;
    assert_eq!(ask(&served, request).await.unwrap().series.len(), 0);
}

#[tokio::test]
async fn annotations_are_warnings_without_places() {
    let served = Served::over(storage()).await;
    let whole = ask(&served, instant("quantile(2, up) + rate(up[1m])"))
        .await
        .unwrap();
    assert!(!whole.warnings.is_empty());
    let shown = whole.warnings.join("\n");
    assert!(
        shown.contains("PromQL warning: quantile value should be between 0 and 1"),
        "{shown}"
    );
    assert!(
        shown.contains("PromQL info: metric might not be a counter"),
        "{shown}"
    );
    assert!(!shown.contains(":1"), "{shown}");
}

#[tokio::test]
async fn errors_have_codes() {
    let served = Served::over(storage()).await;
    for (query, code) in [
        ("up +", Code::InvalidArgument),
        ("sum(", Code::InvalidArgument),
        ("up * on (cluster) up", Code::Aborted),
    ] {
        let error = ask(&served, instant(query)).await.unwrap_err();
        assert_eq!(error.code(), code, "{query}: {error}");
        let error = ask_range(&served, range(query)).await.unwrap_err();
        assert_eq!(error.code(), code, "{query}: {error}");
    }
    for (start, end, step) in [(10, 5, 1), (0, 5, 0), (0, 5, -1), (0, 5, i64::MIN)] {
        let request = QueryRangeRequest {
            start_time_seconds: start,
            end_time_seconds: end,
            interval_seconds: step,
            ..range("up")
        };
        let error = ask_range(&served, request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{start} {end} {step}");
    }
    // Times that no clock has.
    for seconds in [i64::MIN, i64::MAX] {
        let mut request = instant("up");
        request.time_seconds = seconds;
        let whole = ask(&served, request).await.unwrap();
        assert!(whole.series.is_empty());
    }
    let mut request = range("vector(1)");
    (request.start_time_seconds, request.end_time_seconds) = (0, i64::MAX);
    let error = ask_range(&served, request).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn an_instant_error_is_a_warning_where_parts_are_enough() {
    let served = Served::over(storage()).await;
    let mut request = instant("up * on (cluster) up");
    request.enable_partial_response = true;
    let whole = ask(&served, request).await.unwrap();
    assert!(whole.series.is_empty());
    assert!(whole.warnings[0].contains("many-to-many"), "{whole:?}");
    let mut request = range("up * on (cluster) up");
    request.enable_partial_response = true;
    let error = ask_range(&served, request).await.unwrap_err();
    assert_eq!(error.code(), Code::Aborted);
}

#[tokio::test]
async fn native_histograms_are_sparse() {
    let layout = HistogramLayout {
        schema: 1,
        zero_threshold: 0.001,
        positive_spans: vec![
            Span {
                offset: -1,
                length: 2,
            },
            Span {
                offset: 3,
                length: 1,
            },
        ],
        ..HistogramLayout::default()
    };
    let histogram = Histogram {
        layout,
        count: 6u64,
        sum: 4.5,
        buckets: vec![1, 2, 3],
        ..Histogram::default()
    };
    let storage = MemoryStorage::new();
    let labels = [("__name__", "h")];
    let sample = HistogramSample {
        timestamp: START * 1000,
        start_timestamp: 0,
        histogram,
    };
    storage.append_histograms(labels, &[sample]).unwrap();
    let served = Served::over(Arc::new(storage)).await;
    let whole = ask(&served, instant("h * 2")).await.unwrap();
    let series = &whole.series[0];
    assert!(series.samples.is_empty());
    let got = &series.histograms[0];
    assert_eq!(got.count, Some(Count::CountFloat(12.0)));
    assert_eq!(
        (got.sum, got.schema, got.timestamp),
        (9.0, 1, (START + 30) * 1000)
    );
    assert_eq!(got.positive_counts, [2.0, 4.0, 6.0]);
    let spans: Vec<_> = got
        .positive_spans
        .iter()
        .map(|s| (s.offset, s.length))
        .collect();
    assert_eq!(spans, [(-1, 2), (3, 1)]);
    let whole = ask_range(&served, range("h")).await.unwrap();
    assert_eq!(whole.series[0].histograms.len(), 3);
}
