//! Compares heads with what Prometheus reads from the same files: the Go
//! program `compliance/go/cmd/headlab` makes them and opens copies of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::Duration;

use quarrel_chunks::decode_floats_with_start;

use super::*;

const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Labels, and what they have: number of samples and digest.
pub(super) type Digests = BTreeMap<String, (usize, u64)>;

pub(super) const UNDECODED: usize = usize::MAX;

/// FNV-1a over words, as the Go side does.
pub(in crate::tsdb) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    pub fn digest(&self) -> u64 {
        self.0
    }

    pub fn word(&mut self, word: u64) {
        for byte in word.to_be_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn floats(&mut self, floats: &[f64]) {
        self.word(floats.len() as u64);
        floats.iter().for_each(|f| self.word(f.to_bits()));
    }

    fn spans(&mut self, spans: &[Span]) {
        self.word(spans.len() as u64);
        for span in spans {
            self.word(i64::from(span.offset) as u64);
            self.word(u64::from(span.length));
        }
    }

    fn histogram(&mut self, h: &WalHistogram) {
        self.word(h.sum.to_bits());
        if h.sum.to_bits() == STALE {
            return;
        }
        self.word(i64::from(h.schema) as u64);
        self.word(h.zero_threshold.to_bits());
        let (count, zero_count) = match &h.counts {
            Counts::Integer {
                count, zero_count, ..
            } => (*count, *zero_count),
            Counts::Float {
                count, zero_count, ..
            } => (count.to_bits(), zero_count.to_bits()),
        };
        self.word(zero_count);
        self.word(count);
        self.spans(&h.positive_spans);
        self.spans(&h.negative_spans);
        match &h.counts {
            Counts::Integer {
                positive, negative, ..
            } => {
                for buckets in [positive, negative] {
                    self.word(buckets.len() as u64);
                    buckets.iter().for_each(|b| self.word(*b as u64));
                }
            }
            Counts::Float {
                positive, negative, ..
            } => {
                self.floats(positive);
                self.floats(negative);
            }
        }
        self.floats(&h.custom_values);
    }
}

fn deleted(tombstones: &[(i64, i64)], t: i64) -> bool {
    tombstones.iter().any(|r| (r.0..=r.1).contains(&t))
}

/// What a head has, series by series. Series with encoded histograms, which
/// cannot be decoded yet, have `UNDECODED` samples.
pub(super) fn digests(head: &Head) -> Digests {
    digests_of(head, |_| true)
}

/// As [`digests`], of some chunks.
pub(super) fn digests_of(head: &Head, wanted: impl Fn(&HeadChunk) -> bool) -> Digests {
    let mut all = Digests::new();
    for id in head.select(&[]) {
        let series = head.series(id);
        let mut line = String::new();
        for (name, value) in series.labels() {
            let _ = write!(line, "{name}=");
            value.bytes().for_each(|b| write!(line, "{b:02x}").unwrap());
            line.push(';');
        }
        let mut chunks = Vec::new();
        series.chunks(i64::MIN, i64::MAX, &mut chunks);
        chunks.retain(&wanted);
        let undecoded = |c: &HeadChunk| match &c.data {
            HeadChunkData::Encoded { encoding, .. } => encoding.is_histogram(),
            _ => false,
        };
        if chunks.iter().any(undecoded) {
            all.insert(line, (UNDECODED, 0));
            continue;
        }
        let mut fnv = Fnv::default();
        let mut samples = 0;
        for (timestamp, (start, value)) in merge_all(merge_overlapping(chunks).unwrap()) {
            if deleted(series.tombstones(), timestamp) {
                continue;
            }
            samples += 1;
            fnv.word(timestamp as u64);
            fnv.word(start as u64);
            match value {
                Value::Float(value) => fnv.word(value.to_bits()),
                Value::Histogram(h) => fnv.histogram(&h),
            }
        }
        if samples > 0 {
            all.insert(line, (samples, fnv.0));
        }
    }
    all
}

enum Value {
    Float(f64),
    Histogram(std::sync::Arc<WalHistogram>),
}

/// All samples by time, with their start timestamps; the scenarios with
/// histograms have no two at one time.
fn merge_all(chunks: Vec<HeadChunk>) -> BTreeMap<i64, (i64, Value)> {
    let mut all = BTreeMap::new();
    for chunk in chunks {
        match chunk.data {
            HeadChunkData::Encoded { encoding, bytes } => {
                let (mut starts, mut times, mut values) = (vec![], vec![], vec![]);
                let out = (&mut starts, &mut times, &mut values);
                decode_floats_with_start(encoding, &bytes, out.0, out.1, out.2).unwrap();
                let pairs = starts.into_iter().zip(values.into_iter().map(Value::Float));
                all.extend(times.into_iter().zip(pairs));
            }
            HeadChunkData::Samples { timestamps, values } => {
                let pairs = values.into_iter().map(|v| (0, Value::Float(v)));
                all.extend(timestamps.into_iter().zip(pairs));
            }
            HeadChunkData::Histograms(samples) => {
                let value = |s: &HistogramSample| Value::Histogram(s.histogram.clone());
                all.extend(samples.iter().map(|s| (s.timestamp, (s.start, value(s)))));
            }
        }
    }
    all
}

pub(in crate::tsdb) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// The Go program, built once.
pub(in crate::tsdb) fn headlab() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("headlab"))
}

/// Builds one of the Go programs.
pub(in crate::tsdb) fn build(name: &str) -> PathBuf {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compliance/go");
    let binary = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&binary)
        .arg(format!("./cmd/{name}"))
        .current_dir(module)
        .status()
        .expect("go is installed");
    assert!(status.success(), "{name} builds");
    binary
}

fn run(args: &[&Path]) -> String {
    let output = Command::new(headlab()).args(args).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "headlab {args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Makes all scenarios under `root`; their directories.
pub(super) fn make(root: &Path) -> Vec<PathBuf> {
    run(&[Path::new("make"), root])
        .lines()
        .map(|name| root.join(name))
        .collect()
}

/// A Prometheus that writes to a directory for some seconds.
pub(in crate::tsdb) fn live(dir: &Path, seconds: u32) -> Child {
    let seconds = seconds.to_string();
    Command::new(headlab())
        .arg("live")
        .arg(dir)
        .arg(seconds)
        .spawn()
        .unwrap()
}

/// The times of all samples.
pub(super) fn times(chunks: Vec<HeadChunk>) -> Vec<i64> {
    merge_all(chunks).into_keys().collect()
}

/// Makes a head that is all in the WAL.
pub(super) fn make_wal(dir: &Path, series: usize, samples: usize) {
    run(&[
        Path::new("wal"),
        dir,
        Path::new(&series.to_string()),
        Path::new(&samples.to_string()),
    ]);
}

/// How long Prometheus takes to start on a directory, which it changes.
pub(super) fn prometheus_starts_in(dir: &Path) -> Duration {
    let text = run(&[Path::new("time"), dir]);
    Duration::from_millis(text.trim().trim_end_matches(" ms").parse().unwrap())
}

/// How often Prometheus starts on a directory before it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Starts {
    Once,
    /// The first start repairs what is torn.
    Twice,
}

/// What Prometheus has after a start on each directory, or its error. Changes
/// the directories.
pub(super) fn prometheus(dirs: &[PathBuf], starts: Starts) -> Vec<Result<Digests, String>> {
    let mut args = vec![Path::new(if starts == Starts::Once {
        "dump"
    } else {
        "twice"
    })];
    args.extend(dirs.iter().map(PathBuf::as_path));
    let mut all = Vec::new();
    for line in run(&args).lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["dir", _] => all.push(Ok(Digests::new())),
            ["error", ..] => *all.last_mut().unwrap() = Err(line.to_owned()),
            ["series", labels, samples, digest] => {
                let digest = u64::from_str_radix(digest, 16).unwrap();
                let Ok(digests) = all.last_mut().unwrap() else {
                    panic!("{line}")
                };
                digests.insert((*labels).into(), (samples.parse().unwrap(), digest));
            }
            ["end"] => {}
            _ => panic!("{line}"),
        }
    }
    assert_eq!(all.len(), dirs.len());
    all
}

/// Panics with the first few differences.
pub(super) fn assert_same(what: &str, got: &Digests, expected: &Digests) {
    let mut text = String::new();
    let keys: std::collections::BTreeSet<_> = got.keys().chain(expected.keys()).collect();
    let same = |key: &String| match (got.get(key), expected.get(key)) {
        (Some((UNDECODED, _)), there) => there.is_some(),
        (got, expected) => got == expected,
    };
    let differ = keys.into_iter().filter(|k| !same(k));
    let differ: Vec<_> = differ.collect();
    for key in differ.iter().take(5) {
        let _ = writeln!(
            text,
            "{key}: {:x?}, expected {:x?}",
            got.get(*key),
            expected.get(*key)
        );
    }
    assert!(
        differ.is_empty(),
        "{what}: {} series differ\n{text}",
        differ.len()
    );
}
