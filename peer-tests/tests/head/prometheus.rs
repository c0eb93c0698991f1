//! Heads that Prometheus writes, and what it reads from them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use quarrel_peer_tests::headlab;

use crate::digest::Digests;

fn run(args: &[&Path]) -> String {
    let output = Command::new(headlab()).args(args).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "headlab {args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Writes a data directory for each scenario under `root`.
pub fn make_scenarios(root: &Path) -> Vec<PathBuf> {
    run(&[Path::new("make"), root])
        .lines()
        .map(|name| root.join(name))
        .collect()
}

/// Writes a head that is all in the WAL.
pub fn make_wal(dir: &Path, series: usize, samples: usize) {
    run(&[
        Path::new("wal"),
        dir,
        Path::new(&series.to_string()),
        Path::new(&samples.to_string()),
    ]);
}

/// How long Prometheus takes to start on a directory, which it changes.
pub fn start_duration(dir: &Path) -> Duration {
    let text = run(&[Path::new("time"), dir]);
    Duration::from_millis(text.trim().trim_end_matches(" ms").parse().unwrap())
}

/// How often Prometheus starts on a directory before it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starts {
    Once,
    /// The first start repairs what is torn.
    Twice,
}

/// What Prometheus reads after a start on each directory, or its error. Changes
/// the directories.
pub fn read(dirs: &[PathBuf], starts: Starts) -> Vec<Result<Digests, String>> {
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
