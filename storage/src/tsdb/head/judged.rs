//! Tests against Prometheus itself. They need Go and take a while the first
//! time, so they are run by `cargo test -p quarrel-storage -- --ignored head`.

use std::path::Path;

use super::judge::{
    Digests, assert_same, copy, digests, make, make_wal, prometheus, prometheus_starts_in,
};
use super::*;

fn read(dir: &Path) -> Digests {
    digests(
        &Head::read(
            dir,
            HeadOptions {
                min_valid_time_ms: blocks_end(dir),
            },
        )
        .unwrap(),
    )
}

/// The greatest max time of blocks in order.
fn blocks_end(dir: &Path) -> i64 {
    let mut end = i64::MIN;
    for entry in std::fs::read_dir(dir).unwrap() {
        let Ok(text) = std::fs::read_to_string(entry.unwrap().path().join("meta.json")) else {
            continue;
        };
        let meta: serde_json::Value = serde_json::from_str(&text).unwrap();
        let hints = meta["compaction"]["hints"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        if hints.is_empty() {
            end = end.max(meta["maxTime"].as_i64().unwrap());
        }
    }
    end
}

#[test]
#[ignore = "needs Go"]
fn every_scenario_reads_as_in_prometheus() {
    let root = tempfile::tempdir().unwrap();
    let dirs = make(root.path());
    let got: Vec<_> = dirs.iter().map(|dir| read(dir)).collect();
    let expected = prometheus(&dirs);
    for ((dir, got), expected) in dirs.iter().zip(got).zip(expected) {
        let expected = expected.unwrap();
        assert!(!expected.is_empty());
        println!("{} {} series", dir.display(), expected.len());
        assert_same(&dir.to_string_lossy(), &got, &expected);
    }
}

#[test]
#[ignore = "needs Go"]
fn the_recorded_demo_reads_as_in_prometheus() {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/demo-data");
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("data");
    copy(&from, &dir);
    let got = read(&dir);
    let expected = prometheus(std::slice::from_ref(&dir)).remove(0).unwrap();
    println!("{} series", expected.len());
    assert_same("demo", &got, &expected);
}

#[test]
#[ignore = "needs Go, and a machine that is not busy"]
fn a_head_is_read_faster_than_prometheus_starts_on_it() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("data");
    make_wal(&dir, 3000, 720);
    let read = || {
        let start = std::time::Instant::now();
        let head = Head::read(&dir, HeadOptions::default()).unwrap();
        let took = start.elapsed();
        assert_eq!(head.select(&[]).len(), 3000);
        took
    };
    let ours = (0..3).map(|_| read()).min().unwrap();
    let theirs = prometheus_starts_in(&dir);
    println!("quarrel {ours:?}, Prometheus {theirs:?}");
    assert!(ours < theirs);
}
