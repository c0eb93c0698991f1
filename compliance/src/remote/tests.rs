//! Scripts on servers that answer as they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::endpoint::fake::{Asked, Fake, Told};
use crate::endpoint::{Endpoint, EndpointOptions};
use crate::run::{FileSummary, Summary};

/// Runs scripts, each in a file of its own.
async fn run(fake: &Fake, options: &RemoteOptions, scripts: &[&str]) -> Summary {
    let dir = tempfile::tempdir().unwrap();
    let files: Vec<_> = scripts
        .iter()
        .enumerate()
        .map(|(number, script)| {
            let path = dir.path().join(format!("{number}.test"));
            std::fs::write(&path, script).unwrap();
            path
        })
        .collect();
    let endpoint = Endpoint::new(&fake.url, EndpointOptions::default()).unwrap();
    run_remote(&files, &endpoint, options).await.unwrap()
}

fn options(fake: &Fake) -> RemoteOptions {
    RemoteOptions::new(format!("{}/write", fake.url))
}

fn data(kind: &str, result: &str) -> Told {
    Told::json(format!(
        r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#
    ))
}

/// A server with one series, whose value at any time is 5.
fn five(asked: &Asked) -> Told {
    let at = |name| asked.parameter(name).parse::<i64>().unwrap();
    match asked.path.as_str() {
        "/write" => Told::Answer(204, "", Vec::new()),
        "/api/v1/query" => {
            let row = format!(
                r#"[{{"metric":{{"__name__":"x"}},"value":[{},"5"]}}]"#,
                at("time")
            );
            data("vector", &row)
        }
        _ => {
            let middle = (at("start") + at("end")) / 2;
            let row = format!(r#"[{{"metric":{{"__name__":"x"}},"values":[[{middle},"5"]]}}]"#);
            data("matrix", &row)
        }
    }
}

const SCRIPT: &str = "load 1m\n  x 5+0x10\n\neval instant at 5m x @ 60\n  x 5\n\n";

fn texts(file: &FileSummary) -> (usize, String, Vec<&str>) {
    let skipped = file.skipped.iter().map(|skipped| skipped.reason.as_str());
    let failures = file.failures.iter().flat_map(|failure| &failure.details);
    let failures: Vec<&str> = failures.map(String::as_str).collect();
    (file.passed, failures.join("; "), skipped.collect())
}

#[tokio::test]
async fn samples_are_written_and_queries_asked_at_shifted_times() {
    let fake = Fake::start(five).await;
    let mut options = options(&fake);
    options.shift_ms = 3_600_000;
    let script = format!("{SCRIPT}\neval instant at 1m x + time()\n  {{}} 65\n");
    let summary = run(&fake, &options, &[&script]).await;
    let skipped = "time() depends on the absolute time";
    assert_eq!(texts(&summary.files[0]), (1, String::new(), vec![skipped]));
    let asked = fake.asked();
    assert_eq!(asked.len(), 3);
    let body = snap::raw::Decoder::new()
        .decompress_vec(&asked[0].body)
        .unwrap();
    assert_eq!(asked[0].header("content-encoding"), "snappy");
    assert_eq!(
        asked[0].header("x-prometheus-remote-write-version"),
        "0.1.0"
    );
    // A series of 191 bytes: its label, and 11 samples of 16 bytes.
    let series = [10, 191, 1, 10, 13, 10, 8];
    assert_eq!(body[..series.len()], series, "{body:?}");
    assert_eq!(asked[1].parameter("query"), "x @ 3660.000");
    assert_eq!(asked[1].parameter("time"), "3900");
    assert_eq!(asked[2].parameter("start"), "3840");
}

#[tokio::test]
async fn a_difference_is_a_failure() {
    let fake = Fake::start(five).await;
    let script = SCRIPT.replace("x 5\n", "x 6\n");
    let summary = run(&fake, &options(&fake), &[&script]).await;
    let text = "x: expected 6, got 5";
    assert_eq!(texts(&summary.files[0]), (0, text.into(), vec![]));
}

#[tokio::test]
async fn without_a_reset_one_script_is_run() {
    let fake = Fake::start(five).await;
    let script = format!("clear\n{SCRIPT}clear\n{SCRIPT}");
    let summary = run(&fake, &options(&fake), &[&script, SCRIPT]).await;
    let reason = "the endpoint has other data, and there is no --reset";
    assert_eq!(texts(&summary.files[0]), (1, String::new(), vec![reason]));
    assert_eq!(texts(&summary.files[1]), (0, String::new(), vec![reason]));
    let last = "skipped 2: the endpoint has other data, and there is no --reset\n\
                1 passed, 0 failed, 2 skipped";
    assert_eq!(summary.to_string(), last);
}

#[tokio::test]
async fn a_reset_runs_before_each_script_and_at_clear() {
    let fake = Fake::start(five).await;
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let mut options = options(&fake);
    options.reset = Some(format!("echo reset >>{}", log.display()));
    let script = format!("clear\nclear\n{SCRIPT}clear\n{SCRIPT}clear\n");
    let summary = run(&fake, &options, &[&script, SCRIPT]).await;
    assert_eq!((summary.passed(), summary.failed()), (3, 0), "{summary}");
    let resets = std::fs::read_to_string(&log).unwrap();
    assert_eq!(resets.lines().count(), 3);

    options.reset = Some("exit 3".into());
    let endpoint = Endpoint::new(&fake.url, EndpointOptions::default()).unwrap();
    let file = dir.path().join("a.test");
    std::fs::write(&file, SCRIPT).unwrap();
    let error = run_remote(&[file], &endpoint, &options).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "--reset \"exit 3\" failed: exit status: 3"
    );
}

/// Samples that come too late are sent again with all others, in order.
#[tokio::test]
async fn refused_samples_are_sent_to_a_fresh_server() {
    let writes = Arc::new(AtomicUsize::new(0));
    let seen = writes.clone();
    let fake = Fake::start(move |asked| match asked.path.as_str() {
        "/write" if seen.fetch_add(1, Ordering::SeqCst) == 1 => {
            Told::Answer(400, "", b"out of bounds\n".to_vec())
        }
        _ => five(asked),
    })
    .await;
    let script = format!("{SCRIPT}load 1m\n  y 1\n\neval instant at 5m x\n  x 5\n");
    let summary = run(&fake, &options(&fake), &[&script]).await;
    let reason = "the endpoint refuses samples: status 400: out of bounds";
    assert_eq!(texts(&summary.files[0]), (1, String::new(), vec![reason]));

    writes.store(0, Ordering::SeqCst);
    let mut options = options(&fake);
    options.reset = Some("true".into());
    let summary = run(&fake, &options, &[&script]).await;
    assert_eq!((summary.passed(), summary.failed()), (2, 0), "{summary}");
    assert_eq!(writes.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn errors_count_and_their_texts_if_asked_for() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/write" => Told::Answer(204, "", Vec::new()),
        _ => Told::json(r#"{"status":"error","errorType":"execution","error":"boom"}"#),
    })
    .await;
    let script = "load 1m\n  x 5\n\neval instant at 0 x\n  expect fail msg: bang\n\n\
                  eval instant at 0 x\n  x 5\n";
    let mut options = options(&fake);
    let summary = run(&fake, &options, &[script]).await;
    let failed = "the query failed: boom";
    assert_eq!(texts(&summary.files[0]), (1, failed.into(), vec![]));
    options.error_texts = true;
    options.reset = Some("true".into());
    options.ready_within = std::time::Duration::ZERO;
    let endpoint = Endpoint::new(&fake.url, EndpointOptions::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.test");
    std::fs::write(&file, script).unwrap();
    let error = run_remote(&[&file], &endpoint, &options).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the endpoint is not ready after 0ns: boom"
    );
    options.reset = None;
    let summary = run_remote(&[&file], &endpoint, &options).await.unwrap();
    let failed = "expected the error \"bang\"; but got \"boom\"; the query failed: boom";
    assert_eq!(texts(&summary.files[0]), (0, failed.into(), vec![]));
}

#[tokio::test]
async fn start_timestamps_need_the_second_version() {
    let fake = Fake::start(five).await;
    let script = "load 1m\n  x@st -30sx3\n  x 5+0x3\n\neval instant at 1m x\n  x 5\n";
    let mut options = options(&fake);
    let summary = run(&fake, &options, &[script]).await;
    let reason = "remote write 1.0 has no start timestamps";
    assert_eq!(texts(&summary.files[0]), (0, String::new(), vec![reason]));
    options.write_version = WriteVersion::V2;
    let summary = run(&fake, &options, &[script]).await;
    assert_eq!(texts(&summary.files[0]), (1, String::new(), vec![]));
    let write = &fake.asked()[0];
    assert_eq!(write.header("x-prometheus-remote-write-version"), "2.0.0");
    let body = snap::raw::Decoder::new()
        .decompress_vec(&write.body)
        .unwrap();
    // The symbols: an empty one, the name's label, and the name.
    let symbols = [&[34, 0, 34, 8][..], b"__name__", &[34, 1, b'x']].concat();
    assert_eq!(body[..symbols.len()], symbols, "{body:?}");
}
