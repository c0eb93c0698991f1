//! Runs quarrel's own scripts, for what Prometheus's scripts leave open.
//! Prometheus passes them too: `compliance/go/on-prometheus.sh` runs the same
//! files there.

use std::path::{Path, PathBuf};

use quarrel_compliance::{RunOptions, run_files};

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "test"))
        .collect();
    files.sort();
    files
}

#[test]
fn all_pass() {
    let files = scripts();
    assert!(files.len() >= 8, "only {} scripts", files.len());
    let summary = run_files(&files, &RunOptions::default()).unwrap();
    assert!(summary.success() && summary.passed() > 100, "{summary}");
}
