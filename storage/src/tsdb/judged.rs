//! Compares what is read from data directories with what Prometheus reads
//! from copies of them. Needs Go.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use futures::executor::block_on;
use quarrel_engine::storage::{Matcher, Snapshot, Storage, TimeRange};
use quarrel_matchers::MatchOp;

use super::head::judge::{self, Fnv};
use super::testing;
use super::{Tsdb, TsdbOptions};

/// A question for both.
#[derive(Clone, Debug)]
enum Request {
    Series(Vec<Matcher>, TimeRange),
    Names(Vec<Matcher>, TimeRange),
    Values(String, Vec<Matcher>, TimeRange),
}

/// What is asked and answered is plain text.
fn json(request: &Request) -> String {
    let (kind, name, matchers, range) = match request {
        Request::Series(m, r) => ("series", "", m, r),
        Request::Names(m, r) => ("names", "", m, r),
        Request::Values(n, m, r) => ("values", n.as_str(), m, r),
    };
    let matchers: Vec<[String; 3]> = matchers
        .iter()
        .map(|m| {
            [
                m.op().to_string(),
                m.name().to_owned(),
                m.value().to_owned(),
            ]
        })
        .collect();
    serde_json::json!({
        "kind": kind, "name": name, "mint": range.start, "maxt": range.end, "matchers": matchers,
    })
    .to_string()
}

/// Samples and digest by labels; texts in order.
#[derive(Debug, Default, PartialEq)]
struct Answer {
    series: BTreeMap<String, (usize, u64)>,
    texts: Vec<String>,
    /// Prometheus panicked, so nothing is known.
    panicked: bool,
}

fn prometheus(dir: &Path, torn: bool, requests: &[Request]) -> Vec<Answer> {
    let mut child = Command::new(judge::headlab())
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

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, b| {
        let _ = write!(all, "{b:02x}");
        all
    })
}

fn quarrel(snapshot: &dyn Snapshot, request: &Request) -> Answer {
    let mut answer = Answer::default();
    match request {
        Request::Series(matchers, range) => {
            for (labels, samples) in testing::read(snapshot, matchers, *range).unwrap() {
                let mut fnv = Fnv::default();
                for (t, start, value, count) in &samples {
                    fnv.word(*t as u64);
                    fnv.word(*start as u64);
                    fnv.word(value.to_bits());
                    if let Some(count) = count {
                        fnv.word(count.to_bits());
                    }
                }
                answer.series.insert(labels, (samples.len(), fnv.digest()));
            }
        }
        Request::Names(matchers, range) => {
            let names = block_on(snapshot.label_names(std::slice::from_ref(matchers), *range));
            answer.texts = names.unwrap().iter().map(|n| hex(n)).collect();
        }
        Request::Values(name, matchers, range) => {
            let selectors = std::slice::from_ref(matchers);
            let values = block_on(snapshot.label_values(name, selectors, *range));
            answer.texts = values.unwrap().iter().map(|v| hex(v)).collect();
        }
    }
    answer
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) as usize) % end.max(1)
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Makes questions about what is there.
struct Asking {
    random: Random,
    values: Vec<(String, Vec<String>)>,
    range: TimeRange,
}

impl Asking {
    fn new(snapshot: &dyn Snapshot, seed: u64) -> Asking {
        let names = block_on(snapshot.label_names(&[], TimeRange::ALL)).unwrap();
        let values = names.into_iter().map(|name| {
            let values = block_on(snapshot.label_values(&name, &[], TimeRange::ALL)).unwrap();
            (name, values)
        });
        let values = values.collect();
        Asking {
            random: Random(seed),
            values,
            range: snapshot.time_range().unwrap(),
        }
    }

    fn escaped(&mut self, text: &str) -> String {
        text.chars().fold(String::new(), |mut all, c| {
            if !c.is_alphanumeric() && c.is_ascii() && !c.is_ascii_control() {
                all.push('\\');
            }
            all.push(c);
            all
        })
    }

    fn pattern(&mut self, values: &[String]) -> String {
        let value = self.random.pick(values).clone();
        let other = self.random.pick(values).clone();
        let end = value
            .char_indices()
            .map(|(i, _)| i)
            .nth(self.random.below(4))
            .unwrap_or(0);
        let (head, tail) = value.split_at(end);
        let (head, tail, whole) = (self.escaped(head), self.escaped(tail), self.escaped(&value));
        let other = self.escaped(&other);
        match self.random.below(12) {
            0 => format!("{head}.*"),
            1 => format!("{head}.+"),
            2 => format!(".*{tail}"),
            3 => format!("{whole}|{other}"),
            4 => format!("{whole}||{other}"),
            5 => ".*".into(),
            6 => ".+".into(),
            7 => String::new(),
            8 => format!(".*{tail}.*"),
            9 => "(?i)[a-m].*".into(),
            10 => ".?[^5]*[02468]?".into(),
            _ => format!("({head}[a-z0-9]*|nothing.*)"),
        }
    }

    fn matcher(&mut self) -> Matcher {
        let (name, values) = match self.random.below(10) {
            0 => ("absent".to_owned(), vec!["x".to_owned()]),
            _ => self.random.pick(&self.values).clone(),
        };
        let plain = |r: &mut Random| match r.below(6) {
            0 => String::new(),
            1 => "none has this".into(),
            _ => r.pick(&values).clone(),
        };
        let (op, value) = match self.random.below(4) {
            0 => (MatchOp::Equal, plain(&mut self.random)),
            1 => (MatchOp::NotEqual, plain(&mut self.random)),
            2 => (MatchOp::Regex, self.pattern(&values)),
            _ => (MatchOp::NotRegex, self.pattern(&values)),
        };
        Matcher::new(op, &name, &value).unwrap()
    }

    fn range(&mut self) -> TimeRange {
        let length = (self.range.end - self.range.start) as usize;
        if self.random.below(4) == 0 {
            return TimeRange {
                start: self.range.start - 1,
                end: self.range.end + 1,
            };
        }
        let start = self.range.start + self.random.below(length) as i64;
        let share = *self.random.pick(&[1, 2, 10, 100]);
        TimeRange {
            start,
            end: start + self.random.below(length / share) as i64,
        }
    }

    fn request(&mut self) -> Request {
        let count = 1 + self.random.below(3);
        let matchers: Vec<Matcher> = (0..count).map(|_| self.matcher()).collect();
        let range = self.range();
        match self.random.below(4) {
            0 => Request::Names(matchers, range),
            1 => Request::Values(self.random.pick(&self.values).0.clone(), matchers, range),
            _ => Request::Series(matchers, range),
        }
    }
}

fn assert_same(request: &Request, got: &Answer, expected: &Answer) {
    assert_eq!(got.texts, expected.texts, "{request:?}");
    for (labels, expected) in &expected.series {
        match got.series.get(labels) {
            Some(got) => assert_eq!(got, expected, "{labels} in {request:?}"),
            None => assert_eq!(expected.0, 0, "{labels} is missing in {request:?}"),
        }
    }
    for (labels, got) in &got.series {
        let there = expected.series.contains_key(labels) || got.0 == 0;
        assert!(there, "{labels} is too much in {request:?}");
    }
}

/// Compares answers about a directory, of which `copy` is one.
fn compare(dir: &Path, copy: &Path, torn: bool, seed: u64, count: usize) {
    let db = Tsdb::open(dir, TsdbOptions::default()).unwrap();
    let snapshot = block_on(db.snapshot(TimeRange::ALL)).unwrap();
    let mut asking = Asking::new(&*snapshot, seed);
    let mut requests: Vec<Request> = (0..count).map(|_| asking.request()).collect();
    requests.push(Request::Series(Vec::new(), TimeRange::ALL));
    if let Some(Request::Series(matchers, _)) = requests.last_mut() {
        matchers.push(Matcher::new(MatchOp::Regex, "__name__", ".*").unwrap());
    }
    let answers = prometheus(copy, torn, &requests);
    // Twice, since the first time fills the cache.
    let known = || requests.iter().zip(&answers).filter(|(_, a)| !a.panicked);
    assert!(known().count() > count * 9 / 10, "answers to most requests");
    for _ in 0..2 {
        for (request, expected) in known() {
            assert_same(request, &quarrel(&*snapshot, request), expected);
        }
    }
}

#[test]
#[ignore = "needs Go"]
fn blocks_and_heads_are_read_as_prometheus_reads_them() {
    let root = tempfile::tempdir().unwrap();
    let mkblocks = judge::build("mkblocks");
    let shapes: [&[&str]; 5] = [
        &["-shape", "blocks"],
        &["-shape", "mixed", "-seed", "2"],
        &[
            "-shape",
            "mixed",
            "-histograms",
            "-xor2",
            "-st",
            "-seed",
            "3",
        ],
        &["-shape", "head", "-seed", "4"],
        &["-shape", "mixed", "-torn", "-seed", "5"],
    ];
    for (i, shape) in shapes.iter().enumerate() {
        let dir = root.path().join(i.to_string());
        let status = Command::new(&mkblocks)
            .args(*shape)
            .arg("-out")
            .arg(&dir)
            .status()
            .unwrap();
        assert!(status.success());
        let copy = root.path().join(format!("{i}-copy"));
        judge::copy(&dir, &copy);
        compare(&dir, &copy, shape.contains(&"-torn"), i as u64, 200);
    }
    std::fs::remove_file(mkblocks).unwrap();
}

#[test]
#[ignore = "needs Go"]
fn the_demo_data_is_read_as_prometheus_reads_it() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/demo-data");
    let root = tempfile::tempdir().unwrap();
    let copy = root.path().join("copy");
    judge::copy(&demo, &copy);
    compare(&demo, &copy, false, 7, 200);
}

/// All samples in order of the live writer from `start` to `end` (ms) are
/// there: a scrape every 30 s of 30 series, of which one ends and another
/// begins every hundred scrapes. What the writer's retention is about to take
/// may be gone in part, since it deletes blocks in random order.
fn assert_whole(snapshot: &dyn Snapshot) -> usize {
    const EPOCH: i64 = 1_700_006_400_000;
    const PACE: i64 = 30_000;
    const BLOCK: i64 = 7_200_000;
    const RETENTION: i64 = 6 * BLOCK;
    let Some(TimeRange { start, end }) = snapshot.time_range() else {
        return 0;
    };
    // Retention counts from the end of the newest block, which is no later
    // than the end of the block's time that the newest sample falls in.
    let start = start.max((end / BLOCK + 1) * BLOCK - RETENTION);
    let all = testing::read(snapshot, &[], TimeRange::ALL).unwrap();
    let mut checked = 0;
    for number in 0i64.. {
        let birth = EPOCH + (number - 29).max(0) * 100 * PACE;
        let death = EPOCH + ((number + 1) * 100 - 1) * PACE;
        // The newest scrape has its times up to 4 ms apart.
        if birth + 4 > end {
            return checked;
        }
        let scrapes = (birth..=death)
            .step_by(PACE as usize)
            .map(|t| t + number % 5);
        let expected: Vec<i64> = scrapes.filter(|t| (start..=end - 4).contains(t)).collect();
        let suffix = format!("i={};", hex(&number.to_string()));
        let series = all.iter().find(|(labels, _)| labels.contains(&suffix));
        let samples = series.map_or(&[][..], |(_, samples)| samples);
        for t in expected {
            let there = samples.binary_search_by_key(&t, |s| s.0).is_ok();
            assert!(there, "series {number} lacks {t} in {start} to {end}");
            checked += 1;
        }
    }
    checked
}

#[test]
#[ignore = "needs Go"]
fn every_view_beside_a_live_writer_is_whole() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("data");
    std::fs::create_dir(&dir).unwrap();
    let mut writer = judge::live(&dir, 6);
    let db = Tsdb::open(&dir, TsdbOptions::default()).unwrap();
    let (mut views, mut end, mut blocks) = (0, i64::MIN, 0);
    while writer.try_wait().unwrap().is_none() {
        let snapshot = block_on(db.snapshot(TimeRange::ALL)).unwrap();
        let now = snapshot.time_range().map_or(i64::MIN, |r| r.end);
        assert!(now >= end, "{now} after {end}");
        end = now;
        assert_whole(&*snapshot);
        views += 1;
        blocks = blocks.max(std::fs::read_dir(&dir).unwrap().count());
    }
    let snapshot = block_on(db.snapshot(TimeRange::ALL)).unwrap();
    assert!(assert_whole(&*snapshot) > 10_000, "much was written");
    println!("{views} views, up to {blocks} entries in the directory");
    assert!(views > 10 && blocks > 5);
}
