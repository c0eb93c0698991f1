//! Compares answers about whole data directories with those of Prometheus about
//! copies of them.

mod answer;
mod request;

use std::path::Path;
use std::process::Command;

use futures::executor::block_on;
use quarrel_engine::storage::{Matcher, Snapshot, Storage, TimeRange};
use quarrel_matchers::MatchOp;
use quarrel_peer_tests::{build, copy_dir, demo_data, hex, live_writer};
use quarrel_storage::tsdb::{Tsdb, TsdbOptions};

use answer::{assert_same, prometheus, quarrel, read};
use request::{Generator, Request};

/// Compares answers about a directory and its copy.
fn compare(dir: &Path, copy: &Path, torn: bool, seed: u64, count: usize) {
    let db = Tsdb::open(dir, TsdbOptions::default()).unwrap();
    let snapshot = block_on(db.snapshot(TimeRange::ALL)).unwrap();
    let mut generator = Generator::new(&*snapshot, seed);
    let mut requests: Vec<Request> = (0..count).map(|_| generator.request()).collect();
    requests.push(Request::Series(Vec::new(), TimeRange::ALL));
    if let Some(Request::Series(matchers, _)) = requests.last_mut() {
        matchers.push(Matcher::new(MatchOp::Regex, "__name__", ".*").unwrap());
    }
    let answers = prometheus(copy, torn, &requests);
    // Twice: the first round fills the cache.
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
    let mkblocks = build("mkblocks");
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
        copy_dir(&dir, &copy);
        compare(&dir, &copy, shape.contains(&"-torn"), i as u64, 200);
    }
    std::fs::remove_file(mkblocks).unwrap();
}

#[test]
#[ignore = "needs Go"]
fn the_demo_data_is_read_as_prometheus_reads_it() {
    let demo = demo_data();
    let root = tempfile::tempdir().unwrap();
    let copy = root.path().join("copy");
    copy_dir(&demo, &copy);
    compare(&demo, &copy, false, 7, 200);
}

/// Checks that all in-order samples of the live writer are there, and counts
/// them. It scrapes 30 series every 30 s; every hundred scrapes one series ends
/// and another one begins. Samples beyond its retention are not checked, since
/// it deletes blocks in random order.
fn assert_complete(snapshot: &dyn Snapshot) -> usize {
    const EPOCH: i64 = 1_700_006_400_000;
    const PACE: i64 = 30_000;
    const BLOCK: i64 = 7_200_000;
    const RETENTION: i64 = 6 * BLOCK;
    let Some(TimeRange { start, end }) = snapshot.time_range() else {
        return 0;
    };
    // Retention counts from the end of the newest block. That is at most the
    // end of the block range of the newest sample.
    let start = start.max((end / BLOCK + 1) * BLOCK - RETENTION);
    let all = read(snapshot, &[], TimeRange::ALL);
    let mut checked = 0;
    for number in 0i64.. {
        let birth = EPOCH + (number - 29).max(0) * 100 * PACE;
        let death = EPOCH + ((number + 1) * 100 - 1) * PACE;
        // Timestamps of one scrape differ by up to 4 ms.
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
            let there = samples.binary_search_by_key(&t, |s| s.timestamp).is_ok();
            assert!(there, "series {number} lacks {t} in {start} to {end}");
            checked += 1;
        }
    }
    checked
}

#[test]
#[ignore = "needs Go"]
fn every_snapshot_beside_a_live_writer_is_complete() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("data");
    std::fs::create_dir(&dir).unwrap();
    let mut writer = live_writer(&dir, 6);
    let db = Tsdb::open(&dir, TsdbOptions::default()).unwrap();
    let (mut snapshots, mut end, mut blocks) = (0, i64::MIN, 0);
    while writer.try_wait().unwrap().is_none() {
        let snapshot = block_on(db.snapshot(TimeRange::ALL)).unwrap();
        let now = snapshot.time_range().map_or(i64::MIN, |r| r.end);
        assert!(now >= end, "{now} after {end}");
        end = now;
        assert_complete(&*snapshot);
        snapshots += 1;
        blocks = blocks.max(std::fs::read_dir(&dir).unwrap().count());
    }
    let snapshot = block_on(db.snapshot(TimeRange::ALL)).unwrap();
    assert!(
        assert_complete(&*snapshot) > 10_000,
        "few samples were written"
    );
    println!("{snapshots} snapshots, up to {blocks} entries in the directory");
    assert!(snapshots > 10 && blocks > 5);
}
