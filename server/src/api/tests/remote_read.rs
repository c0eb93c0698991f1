//! `POST /api/v1/read` as clients see it.

use std::sync::atomic::{AtomicBool, Ordering};

use prost::Message as _;
use quarrel_chunks::histogram::{Histogram, HistogramLayout, Span};
use quarrel_engine::storage::{Snapshot, Storage, StorageError, TimeRange};
use quarrel_proto::labels::{LabelMatcher, MatcherType};
use quarrel_proto::remote_read::frames::Frames;
use quarrel_proto::remote_read::{
    ChunkEncoding, ChunkedReadResponse, Query, ReadHints, ReadRequest, ReadResponse, ResponseType,
};
use quarrel_proto::samples::{Count, TimeSeries};
use quarrel_storage::memory::HistogramSample;

use super::*;
use crate::stores::Stores;

const SAMPLES: i32 = ResponseType::Samples as i32;
const CHUNKS: i32 = ResponseType::StreamedXorChunks as i32;

fn matcher(kind: MatcherType, name: &str, value: &str) -> LabelMatcher {
    LabelMatcher {
        r#type: kind as i32,
        name: name.to_string(),
        value: value.to_string(),
    }
}

/// A query of all samples of a metric.
fn query(metric: &str) -> Query {
    Query {
        start_timestamp_ms: START * 1000,
        end_timestamp_ms: (START + 3600) * 1000,
        matchers: vec![matcher(MatcherType::Eq, "__name__", metric)],
        hints: None,
    }
}

fn request(queries: Vec<Query>, accepted: &[i32]) -> Request<Body> {
    let message = ReadRequest {
        queries,
        accepted_response_types: accepted.to_vec(),
    };
    body(compressed(&message.encode_to_vec()))
}

fn body(bytes: Vec<u8>) -> Request<Body> {
    let request = Request::post("/api/v1/read").header("user-agent", "Prometheus/3.16.0");
    request.body(Body::from(bytes)).unwrap()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).unwrap()
}

fn samples_of(body: &[u8]) -> ReadResponse {
    let plain = snap::raw::Decoder::new().decompress_vec(body).unwrap();
    ReadResponse::decode(&plain[..]).unwrap()
}

fn frames_of(body: &[u8]) -> Vec<ChunkedReadResponse> {
    let mut frames = Frames::new(1 << 30);
    frames.push(body);
    let mut all = Vec::new();
    while let Some(frame) = frames.next_frame().unwrap() {
        all.push(ChunkedReadResponse::decode(frame).unwrap());
    }
    frames.finish().unwrap();
    all
}

fn labels(series: &[quarrel_proto::labels::Label]) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let pairs = series
        .iter()
        .map(|l| format!("{}={}", text(&l.name), text(&l.value)));
    pairs.collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn samples_are_one_compressed_message() {
    for accepted in [&[][..], &[SAMPLES], &[SAMPLES, CHUNKS]] {
        let queries = vec![query("up"), query("nobody"), query("odd<name>")];
        let (status, headers, body) = send(&ready(), request(queries, accepted)).await;
        assert_eq!(status, 200);
        assert_eq!(headers["content-type"], "application/x-protobuf");
        assert_eq!(headers["content-encoding"], "snappy");
        let [up, nobody, odd] = &samples_of(&body).results[..] else {
            panic!("three results")
        };
        assert!(nobody.timeseries.is_empty());
        assert_eq!(
            labels(&odd.timeseries[0].labels),
            "__name__=odd<name>,ünï.code=a\"b\n<"
        );
        let names: Vec<String> = up.timeseries.iter().map(|s| labels(&s.labels)).collect();
        let wanted = ["api", "db", "web"].map(|job| format!("__name__=up,job={job}"));
        assert_eq!(names, wanted);
        let samples = &up.timeseries[2].samples;
        assert_eq!((samples.len(), samples[9].value), (10, 1e-7));
        assert_eq!(samples[9].timestamp, (START + 135) * 1000);
    }
}

#[tokio::test]
async fn chunks_come_in_frames() {
    let mut part = query("up");
    (part.start_timestamp_ms, part.end_timestamp_ms) = ((START + 20) * 1000, (START + 60) * 1000);
    let queries = vec![query("odd<name>"), part];
    let (status, headers, body) = send(&ready(), request(queries, &[CHUNKS, SAMPLES])).await;
    assert_eq!(status, 200);
    let kind = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
    assert_eq!(headers["content-type"], kind);
    assert!(!headers.contains_key("content-encoding"));
    let frames = frames_of(&body);
    let indices: Vec<i64> = frames.iter().map(|frame| frame.query_index).collect();
    assert_eq!(indices, [0, 1, 1, 1]);
    let series = &frames[1].chunked_series[0];
    assert_eq!(labels(&series.labels), "__name__=up,job=api");
    // What is asked for is all that is sent.
    let [chunk] = &series.chunks[..] else {
        panic!("one chunk")
    };
    assert_eq!(
        (chunk.min_time_ms, chunk.max_time_ms),
        ((START + 30) * 1000, (START + 60) * 1000)
    );
    assert_eq!(chunk.r#type, ChunkEncoding::Xor as i32);
}

fn with_histograms() -> Router {
    let storage = MemoryStorage::new();
    let histogram = |count: u64| Histogram {
        layout: HistogramLayout {
            schema: 1,
            zero_threshold: 0.001,
            positive_spans: vec![Span {
                offset: 0,
                length: 2,
            }],
            ..HistogramLayout::default()
        },
        count: 3 * count,
        sum: 1.5,
        buckets: vec![count, 2 * count],
        ..Histogram::default()
    };
    let samples: Vec<HistogramSample<u64>> = (0..3)
        .map(|i| HistogramSample {
            timestamp: (START + i * 15) * 1000,
            start_timestamp: START * 1000 - 1,
            histogram: histogram(i as u64 + 1),
        })
        .collect();
    storage
        .append_histograms([("__name__", "native")], &samples)
        .unwrap();
    let api = api();
    api.set_storage(Arc::new(storage));
    router(api)
}

#[tokio::test]
async fn histograms_are_sent_in_both_forms() {
    let server = with_histograms();
    let (_, _, body) = send(&server, request(vec![query("native")], &[])).await;
    let histograms = &samples_of(&body).results[0].timeseries[0].histograms;
    assert_eq!(histograms.len(), 3);
    assert_eq!(histograms[2].count, Some(Count::CountInt(9)));
    assert_eq!(histograms[2].positive_deltas, [3, 3]);
    let encoding = async |agent: &str| {
        let mut request = request(vec![query("native")], &[CHUNKS]);
        request
            .headers_mut()
            .insert("user-agent", agent.parse().unwrap());
        let (_, _, body) = send(&server, request).await;
        frames_of(&body)[0].chunked_series[0].chunks[0].r#type
    };
    // Start timestamps are for those alone who know them.
    let known = encoding("Prometheus/3.16.0").await;
    assert_eq!(known, ChunkEncoding::HistogramSt as i32);
    assert_eq!(encoding("quarrel/0.1.0").await, known);
    for other in ["Prometheus/3.5.0", "thanos/0.42.4", "x"] {
        assert_eq!(
            encoding(other).await,
            ChunkEncoding::Histogram as i32,
            "{other}"
        );
    }
}

#[tokio::test]
async fn labels_alone_are_sent_where_they_are_enough() {
    let mut labels_alone = query("up");
    labels_alone.hints = Some(ReadHints {
        func: "series".to_string(),
        start_ms: START * 1000,
        end_ms: (START + 3600) * 1000,
        ..ReadHints::default()
    });
    let (_, _, body) = send(&ready(), request(vec![labels_alone.clone()], &[])).await;
    let series = &samples_of(&body).results[0].timeseries;
    assert_eq!(series.len(), 3);
    assert!(series.iter().all(|s| s.samples.is_empty()));
    // A series without chunks has no frame.
    let (status, _, body) = send(&ready(), request(vec![labels_alone], &[CHUNKS])).await;
    assert_eq!((status.as_u16(), body.len()), (200, 0));
}

#[tokio::test]
async fn external_labels_are_added_and_matched() {
    let source = |labels: &[(&str, &str)]| {
        let own = |&(n, v): &(&str, &str)| (n.to_string(), v.to_string());
        let labels = labels.iter().map(own).collect();
        let api = api();
        let single = Stores::labeled(Arc::new(storage()), labels).unwrap();
        api.set_source(Arc::new(single));
        router(api)
    };
    let server = source(&[("zone", "eu"), ("a", "1")]);
    for (zone, found) in [("eu", 3), ("us", 0)] {
        let mut own = query("up");
        own.matchers.push(matcher(MatcherType::Eq, "zone", zone));
        for accepted in [SAMPLES, CHUNKS] {
            let (_, _, body) = send(&server, request(vec![own.clone()], &[accepted])).await;
            let names: Vec<String> = match accepted {
                SAMPLES => {
                    let series: Vec<TimeSeries> = samples_of(&body).results[0].timeseries.clone();
                    series.iter().map(|s| labels(&s.labels)).collect()
                }
                _ => {
                    let frames = frames_of(&body);
                    frames
                        .iter()
                        .map(|f| labels(&f.chunked_series[0].labels))
                        .collect()
                }
            };
            assert_eq!(names.len(), found);
            if found > 0 {
                assert_eq!(names[0], "__name__=up,a=1,job=api,zone=eu");
            }
        }
    }
}

#[tokio::test]
async fn refusals_are_those_of_prometheus() {
    let mut limited = options();
    limited.remote_read.samples = 25;
    let api = Arc::new(Api::new(
        Engine::new(EngineOptions::default()).unwrap(),
        limited,
    ));
    api.set_storage(Arc::new(storage()));
    let server = router(api);
    let with = |own: LabelMatcher| {
        let mut query = query("up");
        query.matchers.push(own);
        vec![query]
    };
    for (request, status, text) in [
        (
            request(vec![query("up")], &[]),
            400,
            "exceeded sample limit (25)\n",
        ),
        // It is ignored for streams.
        (request(vec![query("up")], &[CHUNKS]), 200, ""),
        (
            request(vec![query("up")], &[5]),
            400,
            "server does not support any of the requested response types: [5]; supported: map[SAMPLES:{} STREAMED_XOR_CHUNKS:{}]\n",
        ),
        (
            request(with(matcher(MatcherType::Re, "job", "(")), &[]),
            500,
            "error parsing regexp: missing closing ): `(`\n",
        ),
        (body(b"nonsense".to_vec()), 400, "snappy: corrupt input\n"),
        (
            body(vec![0x81, 0x80, 0x80, 0x10, 0]),
            400,
            "snappy: decoded length 33554433 exceeds limit 33554432\n",
        ),
    ] {
        let (found, headers, body) = send(&server, request).await;
        assert_eq!(found.as_u16(), status, "{text}");
        if status != 200 {
            assert_eq!(String::from_utf8_lossy(&body), text);
            assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
            assert_eq!(headers["x-content-type-options"], "nosniff");
        }
    }
    let (status, _, text) = send(&server, body(compressed(&[0xff, 0xff]))).await;
    assert_eq!(status, 400, "{text:?}");
    let (status, headers) = method("GET", "/api/v1/read").await;
    assert_eq!(
        (status, headers["allow"].to_str().unwrap()),
        (405, "OPTIONS, POST")
    );
}

#[tokio::test]
async fn frames_hold_about_as_much_as_they_may() {
    let storage = MemoryStorage::new();
    let times: Vec<i64> = (0..50_000).map(|i| START * 1000 + i).collect();
    let values = (0..50_000).map(|i| f64::from(i).sin()).collect();
    storage
        .append_series([("__name__", "long")], times, values)
        .unwrap();
    let mut small = options();
    small.remote_read.bytes_in_frame = 5000;
    let api = Arc::new(Api::new(
        Engine::new(EngineOptions::default()).unwrap(),
        small,
    ));
    api.set_storage(Arc::new(storage));
    let (_, _, body) = send(&router(api), request(vec![query("long")], &[CHUNKS])).await;
    let frames = frames_of(&body);
    assert!(frames.len() > 50, "{}", frames.len());
    for frame in &frames[..frames.len() - 1] {
        let size = frame.encoded_len();
        assert!((4000..7500).contains(&size), "{size}");
    }
    let chunks: Vec<_> = frames
        .iter()
        .flat_map(|f| &f.chunked_series[0].chunks)
        .collect();
    assert!(
        chunks
            .windows(2)
            .all(|pair| pair[0].max_time_ms < pair[1].min_time_ms)
    );
}

/// A storage that answers when it is let.
struct Slow(MemoryStorage, Arc<AtomicBool>);

impl Storage for Slow {
    fn snapshot(
        &self,
        range: TimeRange,
    ) -> futures::future::BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        Box::pin(async move {
            while !self.1.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            self.0.snapshot(range).await
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_requests_are_answered_at_once() {
    let go = Arc::new(AtomicBool::new(false));
    let mut one = options();
    one.remote_read.concurrent = 2;
    let api = Arc::new(Api::new(
        Engine::new(EngineOptions::default()).unwrap(),
        one,
    ));
    api.set_storage(Arc::new(Slow(storage(), Arc::clone(&go))));
    let server = router(Arc::clone(&api));
    let gauge = |text: String| -> u32 {
        let name = "prometheus_remote_read_handler_queries ";
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().parse().unwrap()
    };
    let running: Vec<_> = (0..5)
        .map(|_| {
            let server = server.clone();
            let accepted = [CHUNKS];
            tokio::spawn(async move {
                let sent = send(&server, request(vec![query("up")], &accepted)).await;
                sent.0.as_u16()
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(gauge(api.metrics.render(&api.gauges())), 2);
    go.store(true, Ordering::Relaxed);
    for answer in running {
        assert_eq!(answer.await.unwrap(), 200);
    }
    assert_eq!(gauge(api.metrics.render(&api.gauges())), 0);
}
