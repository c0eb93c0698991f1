//! The answers of quarrel and Prometheus to a request.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use futures::executor::block_on;
use quarrel_engine::storage::{LabelsRequest, Matcher, Snapshot, TimeRange};
use quarrel_peer_tests::{Fnv, headlab, hex, label_line};
use quarrel_storage::conformance::reader::{Sample, read_series};

use crate::request::{Request, json};

/// The answer to a request.
#[derive(Debug, Default, PartialEq)]
pub struct Answer {
    /// By labels: number of samples and their digest.
    pub series: BTreeMap<String, (usize, u64)>,
    /// Label names or values in order, in hexadecimal.
    pub texts: Vec<String>,
    /// Prometheus panicked, so the answer is unknown.
    pub panicked: bool,
}

/// The answers of Prometheus about a directory, which it changes. With `torn` a
/// first start repairs the directory.
pub fn prometheus(dir: &Path, torn: bool, requests: &[Request]) -> Vec<Answer> {
    let mut child = Command::new(headlab())
        .arg("selects")
        .arg(dir)
        .args(torn.then_some("torn"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = requests.iter().map(json).collect::<Vec<_>>().join("\n");
    lines.push('\n');
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let mut answers = Vec::new();
    let mut answer = Answer::default();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        // Names may have spaces.
        let mut words = line.rsplitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("end"), None, _) => answers.push(std::mem::take(&mut answer)),
            (Some("panic"), None, _) => {
                answer = Answer::default();
                answers.push(Answer {
                    panicked: true,
                    ..Answer::default()
                });
            }
            (Some(text), Some("text"), None) => answer.texts.push(text.into()),
            (Some(digest), Some(count), Some(series)) => {
                let labels = series.strip_prefix("series ").unwrap();
                let digest = u64::from_str_radix(digest, 16).unwrap();
                answer
                    .series
                    .insert(labels.into(), (count.parse().unwrap(), digest));
            }
            _ => panic!("{line}"),
        }
    }
    assert_eq!(answers.len(), requests.len());
    answers
}

/// All selected series of a snapshot with their samples.
///
/// # Panics
/// When a series has two samples at one time.
pub fn read(
    snapshot: &dyn Snapshot,
    matchers: &[Matcher],
    range: TimeRange,
) -> BTreeMap<String, Vec<Sample>> {
    let series = read_series(snapshot, matchers, range).unwrap();
    let line = |(labels, samples): (Vec<(String, String)>, Vec<Sample>)| {
        let line = label_line(labels.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let ascending = samples.windows(2).all(|w| w[0].timestamp < w[1].timestamp);
        assert!(ascending, "{line}: two samples at one time");
        (line, samples)
    };
    series.into_iter().map(line).collect()
}

/// The answer of quarrel.
pub fn quarrel(snapshot: &dyn Snapshot, request: &Request) -> Answer {
    let mut answer = Answer::default();
    match request {
        Request::Series(matchers, range) => {
            for (labels, samples) in read(snapshot, matchers, *range) {
                let mut fnv = Fnv::default();
                for sample in &samples {
                    fnv.word(sample.timestamp as u64);
                    fnv.word(sample.start_timestamp as u64);
                    fnv.word(sample.value.to_bits());
                    if let Some(count) = sample.count {
                        fnv.word(count.to_bits());
                    }
                }
                answer.series.insert(labels, (samples.len(), fnv.digest()));
            }
        }
        Request::Names(matchers, range) => {
            let names = block_on(
                snapshot.label_names(LabelsRequest::new(std::slice::from_ref(matchers), *range)),
            );
            answer.texts = names.unwrap().iter().map(|n| hex(n)).collect();
        }
        Request::Values(name, matchers, range) => {
            let selectors = std::slice::from_ref(matchers);
            let values =
                block_on(snapshot.label_values(name, LabelsRequest::new(selectors, *range)));
            answer.texts = values.unwrap().iter().map(|v| hex(v)).collect();
        }
    }
    answer
}

/// Panics where two answers differ.
pub fn assert_same(request: &Request, got: &Answer, expected: &Answer) {
    assert_eq!(got.texts, expected.texts, "{request:?}");
    for (labels, expected) in &expected.series {
        match got.series.get(labels) {
            Some(got) => assert_eq!(got, expected, "{labels} in {request:?}"),
            None => assert_eq!(expected.0, 0, "{labels} is missing in {request:?}"),
        }
    }
    for (labels, got) in &got.series {
        let there = expected.series.contains_key(labels) || got.0 == 0;
        assert!(there, "{labels} is unexpected in {request:?}");
    }
}
