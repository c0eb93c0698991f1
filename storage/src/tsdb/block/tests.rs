//! Selects in the block of `testdata/small-block`, intact and damaged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use futures::executor::block_on;
use quarrel_engine::labels::{Label, SymbolTable};
use quarrel_engine::storage::{
    LabelsRequest, Matcher, SelectHints, SelectRequest, Storage, TimeRange, Unlimited,
};
use quarrel_matchers::MatchOp;

use super::*;
use crate::conformance::reader::{self, Labels, ReadError, Sample, read_series};
use crate::tsdb::cache::Cache;
use crate::tsdb::testing::copy_dir;
use crate::tsdb::{Tsdb, TsdbOptions};

fn small() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/small-block")
}

fn block_dir(dir: &Path) -> PathBuf {
    let dirs = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    dirs.into_iter()
        .find(|p| p.join(meta::FILE).exists())
        .unwrap()
}

fn matcher(op: MatchOp, name: &str, value: &str) -> Matcher {
    Matcher::new(op, name, value).unwrap()
}

type Series = BTreeMap<Labels, Vec<Sample>>;

fn read(dir: &Path, matchers: &[Matcher]) -> Result<Series, ReadError> {
    let db = Tsdb::open(dir, TsdbOptions::default())?;
    let snapshot = block_on(db.snapshot(TimeRange::ALL))?;
    read_series(&*snapshot, matchers, TimeRange::ALL)
}

/// The series of some pods as the block has them.
fn expected(pods: impl Iterator<Item = i64>) -> Series {
    let start = BlockMeta::read(&block_dir(&small())).unwrap().min_time;
    let mut all = Series::new();
    for i in pods {
        let (job, pod) = (format!("job-{}", i % 3), format!("pod-{i:02}"));
        let zone = format!("zone {}", i % 2);
        let mut labels = vec![
            ("__name__", "small"),
            ("job", job.as_str()),
            ("pod", pod.as_str()),
        ];
        if i % 7 == 0 {
            labels.push(("seventh", "yes"));
        }
        labels.push(("zürich.zone", zone.as_str()));
        let lives = |offset: i64| match i {
            10 => !(100_000..=300_000).contains(&offset),
            11 => false,
            12 => offset > 119 * 15_000,
            _ => true,
        };
        let samples = (0..150).filter(|n| lives(n * 15_000)).map(|n: i64| Sample {
            timestamp: start + n * 15_000,
            start_timestamp: 0,
            value: (n * i + n / 10) as f64,
            count: None,
        });
        let samples: Vec<_> = samples.collect();
        if !samples.is_empty() {
            let owned = |(n, v): (&str, &str)| (n.to_owned(), v.to_owned());
            all.insert(labels.into_iter().map(owned).collect(), samples);
        }
    }
    all
}

#[test]
fn a_block_has_what_was_written() {
    let all = read(&small(), &[]).unwrap();
    assert_eq!(all.len(), 69);
    assert_eq!(all, expected(0..70));
}

#[test]
fn the_time_range_ends_at_the_last_sample() {
    let db = Tsdb::open(small(), TsdbOptions::default()).unwrap();
    let snapshot = block_on(db.snapshot(TimeRange::ALL)).unwrap();
    let TimeRange { start, end } = snapshot.time_range().unwrap();
    assert_eq!(end, start + 149 * 15_000);
}

#[test]
fn every_kind_of_matcher_selects() {
    use MatchOp::{Equal, NotEqual, NotRegex, Regex};
    let db = Tsdb::open(small(), TsdbOptions::default()).unwrap();
    let snapshot = block_on(db.snapshot(TimeRange::ALL)).unwrap();
    let count = |matchers: &[(MatchOp, &str, &str)]| {
        let matchers: Vec<_> = matchers
            .iter()
            .map(|(op, n, v)| matcher(*op, n, v))
            .collect();
        read_series(&*snapshot, &matchers, TimeRange::ALL)
            .unwrap()
            .len()
    };
    // Twice: the first round fills the cache.
    for _ in 0..2 {
        assert_eq!(count(&[(Equal, "__name__", "small")]), 69);
        assert_eq!(count(&[(Equal, "pod", "pod-40")]), 1);
        assert_eq!(count(&[(Equal, "pod", "pod-70")]), 0);
        assert_eq!(count(&[(Equal, "pod", "a")]), 0);
        assert_eq!(count(&[(Equal, "nope", "")]), 69);
        assert_eq!(count(&[(NotEqual, "nope", "")]), 0);
        assert_eq!(count(&[(Equal, "seventh", "")]), 59);
        assert_eq!(count(&[(NotEqual, "seventh", "")]), 10);
        assert_eq!(count(&[(NotEqual, "seventh", "yes")]), 59);
        assert_eq!(count(&[(Regex, "seventh", "yes|")]), 69);
        assert_eq!(count(&[(NotRegex, "seventh", "yes|")]), 0);
        assert_eq!(count(&[(Regex, "pod", "pod-1.")]), 9);
        assert_eq!(count(&[(NotRegex, "pod", "pod-1.")]), 60);
        assert_eq!(count(&[(Regex, "pod", "pod-(0|1|2|99)1?")]), 2);
        assert_eq!(
            count(&[(Regex, "pod", "pod-0[0-9]"), (Equal, "job", "job-0")]),
            4
        );
        assert_eq!(
            count(&[(Equal, "pod", "pod-09"), (Regex, "job", "j.*0")]),
            1
        );
        assert_eq!(
            count(&[(Equal, "pod", "pod-09"), (NotRegex, "job", "j.*0")]),
            0
        );
        assert_eq!(
            count(&[(Equal, "pod", "pod-09"), (NotRegex, "seventh", "y.+")]),
            1
        );
        assert_eq!(
            count(&[(Regex, "zürich.zone", ".* 1"), (NotRegex, "pod", ".*")]),
            0
        );
        assert_eq!(
            count(&[(Regex, "zürich.zone", ".* 1"), (Regex, "pod", ".*")]),
            34
        );
    }
}

#[test]
fn labels_that_a_query_does_not_look_at_are_left_out() {
    let db = Tsdb::open(small(), TsdbOptions::default()).unwrap();
    let snapshot = block_on(db.snapshot(TimeRange::ALL)).unwrap();
    let (hints, symbols) = (SelectHints::default(), SymbolTable::new());
    let request = SelectRequest::new(&[], TimeRange::ALL, &hints, &symbols);
    let whole = block_on(snapshot.select(request)).unwrap();
    let names = ["job".to_owned()];
    let asked = request.with_projection(Some(&names));
    let projected = block_on(snapshot.select(asked)).unwrap();
    assert!(projected.projected && !whole.projected);
    let symbols = symbols.read();
    let kept = |label: &&Label| ["__name__", "job"].contains(&symbols.get(label.name));
    let wanted = whole
        .labels
        .iter()
        .map(|row| row.iter().filter(kept).copied().collect());
    let wanted: Vec<Vec<Label>> = wanted.collect();
    let got: Vec<Vec<Label>> = projected.labels.iter().map(<[Label]>::to_vec).collect();
    assert_eq!(got, wanted);
    assert!(wanted.iter().all(|row| row.len() == 2) && wanted.len() > 10);
}

#[test]
fn names_and_values_of_labels() {
    let db = Tsdb::open(small(), TsdbOptions::default()).unwrap();
    let snapshot = block_on(db.snapshot(TimeRange::ALL)).unwrap();
    let all = TimeRange::ALL;
    let names = |selectors: &[Vec<Matcher>], range| {
        block_on(snapshot.label_names(LabelsRequest::new(selectors, range))).unwrap()
    };
    let values = |name, selectors: &[Vec<Matcher>]| {
        block_on(snapshot.label_values(name, LabelsRequest::new(selectors, all))).unwrap()
    };
    assert_eq!(
        names(&[], all),
        ["__name__", "job", "pod", "seventh", "zürich.zone"]
    );
    let pod = |p| vec![matcher(MatchOp::Equal, "pod", p)];
    assert_eq!(
        names(&[pod("pod-01"), pod("pod-02")], all),
        ["__name__", "job", "pod", "zürich.zone"]
    );
    assert_eq!(names(&[], TimeRange { start: 0, end: 1 }), [""; 0]);
    assert_eq!(values("zürich.zone", &[]), ["zone 0", "zone 1"]);
    assert_eq!(
        values("job", &[pod("pod-01"), pod("pod-03")]),
        ["job-0", "job-1"]
    );
    assert_eq!(
        values("pod", &[vec![matcher(MatchOp::Regex, "pod", ".*-[0-2]1")]]),
        ["pod-01", "pod-11", "pod-21"]
    );
    assert_eq!(values("seventh", &[pod("pod-01")]), [""; 0]);
    assert_eq!(values("nope", &[]), [""; 0]);
}

#[test]
fn a_select_estimates_its_samples() {
    let db = Tsdb::open(small(), TsdbOptions::default()).unwrap();
    let snapshot = block_on(db.snapshot(TimeRange::ALL)).unwrap();
    let symbols = quarrel_engine::labels::SymbolTable::new();
    let start = snapshot.time_range().unwrap().start;
    let samples = |range| {
        let selected = reader::select(&*snapshot, &[], range, &symbols).unwrap();
        selected.series.estimated_samples().unwrap() as f64
    };
    // In 69 series; deleted samples count.
    assert!((samples(TimeRange::ALL) / (69.0 * 150.0) - 1.0).abs() < 0.1);
    let tenth = TimeRange {
        start,
        end: start + 150 * 1500,
    };
    assert!(
        (samples(tenth) / (70.0 * 15.0) - 1.0).abs() < 0.4,
        "{}",
        samples(tenth)
    );
}

/// Damages a file of a copy of the block; the answer must be right or an error.
fn damaged(file: &str, damage: impl Fn(&mut Vec<u8>)) {
    let root = tempfile::tempdir().unwrap();
    copy_dir(&small(), root.path());
    let path = block_dir(root.path()).join(file);
    let mut bytes = fs::read(&path).unwrap();
    damage(&mut bytes);
    fs::write(&path, bytes).unwrap();
    let matchers = [matcher(MatchOp::Regex, "pod", "pod-0.*|pod-1[0-2]")];
    match read(root.path(), &matchers) {
        Ok(got) => assert_eq!(got, expected(0..13)),
        Err(e) => assert!(
            e.to_string().contains(file) || e.to_string().contains("chunk"),
            "{e}"
        ),
    }
}

#[test]
fn a_changed_bit_gives_an_error_or_the_right_answer() {
    for file in ["index", "chunks/000001", "tombstones"] {
        let bits = fs::metadata(block_dir(&small()).join(file)).unwrap().len() as usize * 8;
        // All bits of the headers and of the table of contents, some others.
        let all = (0..bits).filter(|b| *b < 80 || *b + 52 * 8 >= bits || b % 211 == 0);
        for bit in all {
            damaged(file, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        }
    }
}

#[test]
fn a_file_cut_off_gives_an_error_or_the_right_answer() {
    for file in ["index", "chunks/000001", "tombstones"] {
        let length = fs::metadata(block_dir(&small()).join(file)).unwrap().len() as usize;
        for end in (0..length).filter(|e| *e < 20 || *e + 20 > length || e % 331 == 0) {
            damaged(file, |bytes| bytes.truncate(end));
        }
    }
}

#[test]
fn damaged_meta_files_do_not_panic() {
    let text = fs::read(block_dir(&small()).join(meta::FILE)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for bit in 0..text.len() * 8 {
        let mut bytes = text.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(dir.path().join(meta::FILE), bytes).unwrap();
        // There is no checksum, so a changed file may be valid.
        let _ = BlockMeta::read(dir.path());
    }
}

#[test]
fn a_pattern_is_left_to_the_labels_of_few_candidates() {
    let dir = block_dir(&small());
    let block = Block::open(&dir, BlockMeta::read(&dir).unwrap()).unwrap();
    let cache = Cache::new(1 << 20);
    let pattern = matcher(MatchOp::Regex, "pod", "p.d-[0-9]+");
    let one = matcher(MatchOp::Equal, "pod", "pod-14");
    let matchers = [one, pattern.clone()];
    let found = block.candidates(&matchers, &cache, &Unlimited).unwrap();
    assert_eq!((found.ids.len(), found.remaining.len()), (1, 1));
    let matchers = [pattern];
    let found = block.candidates(&matchers, &cache, &Unlimited).unwrap();
    assert_eq!((found.ids.len(), found.remaining.len()), (70, 0));
}
