//! Compares heads with what Prometheus reads from the same files.
//!
//! The program `compliance/go/cmd/headlab` writes the heads and opens copies of
//! them. The first build of it takes a while.

mod digest;
mod prometheus;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use quarrel_engine::storage::Unlimited;
use quarrel_peer_tests::{copy_dir, demo_data, live_writer};
use quarrel_storage::tsdb::head::{Head, HeadOptions, HeadReader, SeriesId};

use digest::{Digests, assert_same, digests, digests_of, timestamps};
use prometheus::{Starts, make_scenarios, make_wal, start_duration};

/// What quarrel reads from a directory.
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

/// The greatest max time of the blocks with samples in order, ms.
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
    let dirs = make_scenarios(root.path());
    let got: Vec<_> = dirs.iter().map(|dir| read(dir)).collect();
    let expected = prometheus::read(&dirs, Starts::Once);
    for ((dir, got), expected) in dirs.iter().zip(got).zip(expected) {
        let expected = expected.unwrap();
        assert!(!expected.is_empty());
        println!("{} {} series", dir.display(), expected.len());
        assert_same(&dir.to_string_lossy(), &got, &expected);
    }
}

#[test]
#[ignore = "needs Go"]
fn floats_of_the_recorded_demo_read_as_in_prometheus() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("data");
    copy_dir(&demo_data(), &dir);
    let options = HeadOptions {
        min_valid_time_ms: blocks_end(&dir),
    };
    let head = Head::read(&dir, options).unwrap();
    // Histograms of the log have the buckets of the log here, and those of
    // their chunk in Prometheus.
    let got = digests_of(&head, |c| !c.data.is_histogram());
    let mut expected = prometheus::read(std::slice::from_ref(&dir), Starts::Once)
        .remove(0)
        .unwrap();
    println!("{} series", expected.len());
    assert!(got.len() > expected.len() * 9 / 10);
    expected.retain(|labels, _| got.contains_key(labels));
    assert_same("demo", &got, &expected);
}

/// Cuts a file or flips a bit of it, by `seed`. Describes the damage.
fn damage(file: &Path, seed: u64) -> String {
    let mut bytes = std::fs::read(file).unwrap();
    if bytes.is_empty() {
        return "nothing".into();
    }
    let at = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) as usize % bytes.len();
    let what = if seed.is_multiple_of(2) {
        bytes.truncate(at);
        format!("cut at {at}")
    } else {
        bytes[at] ^= 1 << (seed / 2 % 8);
        format!("flip of bit {} at {at}", seed / 2 % 8)
    };
    std::fs::write(file, bytes).unwrap();
    what
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut all: Vec<_> = entries
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_file())
        .collect();
    all.sort();
    all
}

#[test]
#[ignore = "needs Go"]
fn damaged_heads_read_as_prometheus_repairs_them() {
    let root = tempfile::tempdir().unwrap();
    let made = make_scenarios(&root.path().join("made"));
    let small = |dir: &&PathBuf| {
        let name = dir.file_name().unwrap().to_str().unwrap();
        [
            "segments",
            "outoforder",
            "checkpoint",
            "reborn-checkpoint",
            "deleted",
        ]
        .contains(&name)
    };
    let whole: Vec<_> = made.iter().map(|dir| read(dir)).collect();
    let (mut seed, mut lost) = (0, 0);
    for (sub, starts) in [
        ("wal", Starts::Twice),
        ("wbl", Starts::Once),
        ("chunks_head", Starts::Once),
    ] {
        let (mut dirs, mut whats, mut got) = (vec![], vec![], vec![]);
        for from in made.iter().filter(small) {
            for _ in 0..8 {
                let dir = root.path().join(format!("{sub}-{seed}"));
                copy_dir(from, &dir);
                let files = files(&dir.join(sub));
                let file = &files[seed as usize / 2 % files.len()];
                whats.push(format!(
                    "{} {}: {}",
                    from.display(),
                    file.display(),
                    damage(file, seed)
                ));
                got.push(read(&dir));
                dirs.push(dir);
                seed += 1;
            }
        }
        let expected = prometheus::read(&dirs, starts);
        for ((what, got), expected) in whats.iter().zip(got).zip(expected) {
            assert_same(what, &got, &expected.unwrap());
            lost += usize::from(!whole.contains(&got));
        }
    }
    assert!(lost >= 20, "only {lost} heads lost anything");
}

#[test]
#[ignore = "needs Go"]
fn a_live_head_is_followed() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("data");
    std::fs::create_dir(&dir).unwrap();
    let mut writer = live_writer(&dir, 6);
    let mut reader = HeadReader::open(&dir, HeadOptions::default()).unwrap();
    let (mut refreshed, mut changed, mut end) = (0, 0, i64::MIN);
    while writer.try_wait().unwrap().is_none() {
        let start = blocks_end(&dir);
        match reader.refresh(start) {
            Ok(head) => {
                refreshed += 1;
                // The end never moves back, and no sample is missing.
                let now = head.time_range().map_or(i64::MIN, |r| r.1);
                assert!(now >= end, "{now} after {end}");
                end = now;
                assert_complete(&head);
            }
            Err(e) if e.is_changed() => changed += 1,
            Err(e) => panic!("{e}"),
        }
    }
    println!("{refreshed} refreshes, {changed} changes of the directory");
    assert!(refreshed > 100);
    let followed = reader.refresh(blocks_end(&dir)).unwrap();
    let options = HeadOptions {
        min_valid_time_ms: blocks_end(&dir),
    };
    let reread = Head::read(&dir, options).unwrap();
    // A start finds out-of-order chunks that blocks have already, since other
    // chunks in their file are still needed.
    let in_order = |head: &Head| digests_of(head, |c| !c.out_of_order);
    assert_same("live", &in_order(&followed), &in_order(&reread));
    let expected = prometheus::read(std::slice::from_ref(&dir), Starts::Once)
        .remove(0)
        .unwrap();
    assert_same("live, at the end", &digests(&reread), &expected);
}

/// Checks that all in-order samples of the live writer from the head's
/// beginning on are there. It scrapes 30 series every 30 s; every hundred
/// scrapes one series ends and another one begins.
fn assert_complete(head: &Head) {
    const EPOCH: i64 = 1_700_006_400_000;
    const PACE: i64 = 30_000;
    let Some((_, end)) = head.time_range() else {
        return;
    };
    let from = head.min_valid_time().max(EPOCH);
    let by_number: BTreeMap<i64, SeriesId> = head
        .select(&[], &Unlimited)
        .unwrap()
        .into_iter()
        .map(|id| (head.series(id).label("i").unwrap().parse().unwrap(), id))
        .collect();
    for number in 0.. {
        let offset = number % 5;
        let birth = EPOCH + (number - 29).max(0) * 100 * PACE;
        let death = EPOCH + ((number + 1) * 100 - 1) * PACE;
        // Timestamps of one scrape differ by up to 4 ms.
        if birth > end - 4 {
            break;
        }
        if death < from || number % 7 != from % 7 {
            continue;
        }
        let series = head.series(by_number[&number]);
        let mut chunks = Vec::new();
        series.chunks(i64::MIN, i64::MAX, &mut chunks);
        chunks.retain(|c| !c.out_of_order);
        let got: Vec<i64> = timestamps(chunks)
            .into_iter()
            .filter(|t| *t >= from)
            .collect();
        let scrapes = (birth..=death.min(end)).step_by(PACE as usize);
        let expected = scrapes
            .map(|t| t + offset)
            .filter(|t| (from..=end).contains(t));
        assert_eq!(
            got,
            expected.collect::<Vec<_>>(),
            "series {number} from {from} to {end}"
        );
    }
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
        assert_eq!(head.select(&[], &Unlimited).unwrap().len(), 3000);
        took
    };
    let ours = (0..3).map(|_| read()).min().unwrap();
    let theirs = start_duration(&dir);
    println!("quarrel {ours:?}, Prometheus {theirs:?}");
    assert!(ours < theirs);
}
