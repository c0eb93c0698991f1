//! Servers that misbehave: an error that names the URL, in time, and nothing is left
//! behind.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use prost::Message as _;
use quarrel_engine::storage::{SelectControl, Storage, StorageError};
use quarrel_proto::remote_read::frames::{Frames, write};
use quarrel_proto::remote_read::{ChunkedReadResponse, QueryResult, ReadResponse};
use tokio::net::TcpListener;

use super::super::testing::{FakeRemote, Fault, RunningRemote};
use super::super::{RemoteRead, RemoteReadConfig};
use super::servers::*;

/// Longer than any time-out of these tests.
const LONG: Duration = Duration::from_secs(20);
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_millis(400);

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(LONG, future).await;
    done.expect("within the time-outs")
}

/// Waits until nobody is connected.
async fn left(server: &RunningRemote) {
    let began = Instant::now();
    while server.connections() > 0 {
        assert!(began.elapsed() < LONG, "a connection is left behind");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The error of a select.
async fn told(server: &RunningRemote, config: RemoteReadConfig) -> String {
    let storage = RemoteRead::new(config).unwrap();
    let error = in_time(select(&storage, &[equal("__name__", "up")])).await;
    let error = error.unwrap_err();
    left(server).await;
    assert!(matches!(error, StorageError::Remote { .. }), "{error:?}");
    error.to_string()
}

/// Checks what is said of a server.
async fn check(fake: FakeRemote, cause: &str) {
    let server = fake.start().await;
    let mut own = config(&server);
    own.remote_timeout = TIMEOUT;
    own.url = own.url.replace("http://", "http://u:hush@") + "?token=hush";
    let error = told(&server, own).await;
    assert!(
        error.starts_with(&format!("{}: remote read: ", server.url())),
        "{error}"
    );
    assert!(error.contains(cause), "{error:?} has {cause:?}");
    assert!(!error.contains("hush"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told() {
    let refused = |status, text| fake().with_fault(Fault::Refused(status, text));
    check(
        refused("400 Bad Request", "exceeded sample limit (5)\n"),
        "remote server returned HTTP status 400 Bad Request: exceeded sample limit (5)",
    )
    .await;
    check(
        refused("500 Internal Server Error", ""),
        "500 Internal Server Error: ",
    )
    .await;
    check(
        refused("204 No Content", ""),
        "unsupported content type \"\"",
    )
    .await;
    let kind = |kind| fake().with_fault(Fault::ContentType(kind));
    check(kind("text/html"), "unsupported content type \"text/html\"").await;
    // The body is none of that kind.
    check(
        kind("application/x-protobuf"),
        "error reading response: snappy",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_early_is_told() {
    check(
        fake().with_fault(Fault::DiesAfter(20)),
        "the connection broke after",
    )
    .await;
    check(
        fake().with_fault(Fault::DiesAfter(0)),
        "the connection broke after 0 bytes",
    )
    .await;
    check(
        fake().with_fault(Fault::EndsAfter(20)),
        "the answer ends within a frame",
    )
    .await;
    check(
        fake().with_fault(Fault::Silent),
        "request timed out after 400ms",
    )
    .await;
    check(
        fake().with_fault(Fault::HangsAfter(20)),
        "request timed out after 400ms",
    )
    .await;
    let samples = |fault| fake().with_samples_alone().with_fault(fault);
    check(samples(Fault::DiesAfter(20)), "the connection broke after").await;
    check(
        samples(Fault::EndsAfter(20)),
        "error reading response: snappy",
    )
    .await;
    check(
        samples(Fault::EndsAfter(0)),
        "error reading response: snappy",
    )
    .await;
    check(
        samples(Fault::HangsAfter(20)),
        "request timed out after 400ms",
    )
    .await;
}

/// The server's frames, changed.
fn edited(edit: impl Fn(&mut ChunkedReadResponse) + Send + Sync + 'static) -> FakeRemote {
    fake().with_body(move |body| {
        let mut frames = Frames::new(1 << 20);
        frames.push(&body);
        let mut out = Vec::new();
        while let Some(frame) = frames.next_frame().unwrap() {
            let mut message = ChunkedReadResponse::decode(frame).unwrap();
            edit(&mut message);
            write(&message.encode_to_vec(), &mut out);
        }
        out
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn corrupt_frames_are_told() {
    let flipped = |at: usize| {
        fake().with_body(move |mut body| {
            body[at] ^= 0x40;
            body
        })
    };
    check(flipped(3), "corrupt frame: checksum mismatch").await;
    check(flipped(30), "corrupt frame: checksum mismatch").await;
    check(
        fake().with_body(|_| vec![0xff; 20]),
        "the length of a frame has more than 64 bits",
    )
    .await;
    let nonsense = |_| {
        let mut out = Vec::new();
        write(&[0xff, 0xff, 0xff], &mut out);
        out
    };
    check(fake().with_body(nonsense), "corrupt frame: ").await;
    check(edited(|m| m.query_index = 3), "a frame answers query 3").await;
    let chunk = |edit: fn(&mut quarrel_proto::remote_read::Chunk)| {
        edited(move |m| {
            m.chunked_series
                .iter_mut()
                .flat_map(|s| &mut s.chunks)
                .for_each(edit)
        })
    };
    check(
        chunk(|c| c.r#type = 99),
        "chunk from 0 to 540000: unknown encoding 99",
    )
    .await;
    check(chunk(|c| c.data = "x".into()), "chunk from 0 to 540000: ").await;
    check(chunk(|c| c.max_time_ms = -1), "ends before it begins").await;
    let label = |name: &'static [u8], value: &'static [u8]| {
        edited(move |m| {
            for series in &mut m.chunked_series {
                series.labels.push(quarrel_proto::labels::Label {
                    name: name.into(),
                    value: value.into(),
                });
            }
        })
    };
    check(label(b"a\xff", b"b"), "has a label that is not UTF-8").await;
    check(label(b"", b"b"), "has a label without a name").await;
    check(label(b"job", b"b"), "has a label twice").await;
}

/// The server's message, changed.
fn edited_samples(edit: impl Fn(&mut ReadResponse) + Send + Sync + 'static) -> FakeRemote {
    fake().with_samples_alone().with_body(move |body| {
        let mut message = ReadResponse::decode(&body[..]).unwrap();
        edit(&mut message);
        message.encode_to_vec()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn corrupt_messages_are_told() {
    let nonsense = fake().with_samples_alone().with_body(|_| vec![0xff; 9]);
    check(nonsense, "unable to unmarshal response body").await;
    check(
        edited_samples(|m| m.results.clear()),
        "responses: want 1, got 0",
    )
    .await;
    check(
        edited_samples(|m| m.results.push(QueryResult::default())),
        "responses: want 1, got 2",
    )
    .await;
    let series = |edit: fn(&mut quarrel_proto::samples::TimeSeries)| {
        edited_samples(move |m| m.results[0].timeseries.iter_mut().for_each(edit))
    };
    check(
        series(|s| s.samples.reverse()),
        "series {__name__=\"up\", job=\"a\"} has samples that are not in order of time",
    )
    .await;
    check(
        series(|s| s.samples[1] = s.samples[0].clone()),
        "not in order of time",
    )
    .await;
    let histogram = |s: &mut quarrel_proto::samples::TimeSeries| {
        s.samples.clear();
        s.histograms = vec![quarrel_proto::samples::Histogram {
            positive_deltas: vec![1, -2],
            ..Default::default()
        }];
    };
    check(
        series(histogram),
        "has a histogram at 0 that has a bucket with a negative count",
    )
    .await;
    // A length that compressed bytes of that number cannot have.
    let bomb = Fault::ContentType("application/x-protobuf");
    let bomb = fake()
        .with_fault(bomb)
        .with_body(|_| vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
    check(bomb, "snappy: 6 bytes cannot be 4294967295").await;
}

/// Series that are out of order or come twice are brought in order and united.
#[tokio::test]
async fn series_need_not_be_sorted() {
    let turned = edited(|_| {}).with_body(|body| {
        let mut frames = Frames::new(1 << 20);
        frames.push(&body);
        let mut all = Vec::new();
        while let Some(frame) = frames.next_frame().unwrap() {
            all.push(frame);
        }
        let (mut out, again) = (Vec::new(), all.clone());
        for frame in all.iter().rev().chain(&again) {
            write(frame, &mut out);
        }
        out
    });
    let expected = select(&over(&fake().start().await), &[]).await.unwrap();
    let server = turned.start().await;
    let answer = select(&over(&server), &[]).await.unwrap();
    assert_eq!(answer.series, expected.series);
    let turned = edited_samples(|m| m.results[0].timeseries.reverse());
    let server = turned.start().await;
    let answer = select(&over(&server), &[]).await.unwrap();
    assert_eq!(answer.series, expected.series);
}

#[tokio::test]
async fn frames_have_a_limit() {
    let server = fake().start().await;
    let mut own = config(&server);
    own.chunked_read_limit = 20;
    let error = told(&server, own).await;
    assert!(error.contains("exceeds the limit of 20 bytes"), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_on_the_same_server_alone() {
    let target = fake().start().await;
    for (status, is_followed) in [("307 Temporary Redirect", false), ("302 Found", false)] {
        let fault = Fault::Redirect(status, target.url());
        let server = fake().with_fault(fault).start().await;
        let storage = over(&server);
        let answer = in_time(select(&storage, &[])).await;
        assert_eq!(answer.is_ok(), is_followed);
        let error = answer.unwrap_err().to_string();
        assert!(error.contains(&format!("HTTP status {status}")), "{error}");
    }
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn nobody_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}/read");
    let storage = RemoteRead::new(RemoteReadConfig::new(&url)).unwrap();
    let error = in_time(select(&storage, &[]))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(&format!("{url}: remote read: error sending request: ")),
        "{error}"
    );
}

/// Ends a query when it has reserved so many bytes.
#[derive(Debug)]
struct Least {
    limit: usize,
    reserved: AtomicUsize,
}

impl SelectControl for Least {
    fn check(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn reserve(&self, bytes: usize) -> Result<(), StorageError> {
        let before = self.reserved.fetch_add(bytes, Ordering::Relaxed);
        match before + bytes > self.limit {
            true => Err(StorageError::Stopped),
            false => Ok(()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_ends_with_the_memory_of_its_query() {
    let flood = |fake: FakeRemote| fake.with_fault(Fault::Floods);
    for fake in [flood(fake()), flood(fake().with_samples_alone())] {
        let server = fake.start().await;
        let storage = over(&server);
        let least = Least {
            limit: 4 << 20,
            reserved: AtomicUsize::new(0),
        };
        let reading = select_with(&storage, &[], RANGE, &least);
        let error = in_time(reading).await.unwrap_err();
        assert!(matches!(error, StorageError::Stopped), "{error}");
        assert!(least.reserved.load(Ordering::Relaxed) < 8 << 20);
        left(&server).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_dropped_leaves_nothing_behind() {
    let server = fake().with_fault(Fault::HangsAfter(20)).start().await;
    let storage = over(&server);
    let matchers = [equal("__name__", "up")];
    let mut reading = Box::pin(select(&storage, &matchers));
    let began = Instant::now();
    while server.requests().is_empty() && began.elapsed() < LONG {
        let _ = tokio::time::timeout(Duration::from_millis(5), &mut reading).await;
    }
    assert_eq!(storage.metrics().running, 1);
    drop(reading);
    left(&server).await;
    assert_eq!(storage.metrics().running, 0);
}

#[tokio::test]
async fn requests_are_counted() {
    let server = fake().start().await;
    let storage = over(&server);
    select(&storage, &[]).await.unwrap();
    let metrics = storage.metrics();
    assert_eq!(
        (metrics.series, metrics.samples, metrics.running),
        (2, 20, 0)
    );
    assert!(metrics.bytes > 50, "{}", metrics.bytes);
    let chunked = metrics
        .answers
        .iter()
        .find(|a| a.kind == "chunked")
        .unwrap();
    assert_eq!((chunked.successes, chunked.failures), (1, 0));
    assert_eq!(storage.name(), format!("remote read {}", server.url()));
}
