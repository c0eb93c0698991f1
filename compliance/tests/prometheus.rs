//! Runs all `.test` files of Prometheus, from the Go module cache.
//!
//! `prometheus.txt` beside this file has the number of `eval`s of each file, so
//! that none is lost. To write it anew:
//! `QUARREL_UPDATE=1 cargo test -p quarrel-compliance --test prometheus`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use quarrel_compliance::{FileSummary, RunOptions, Summary, run_files};

/// The output of a Go command, or why it failed.
fn go(arguments: &[&str]) -> Result<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
    let output = Command::new("go")
        .args(arguments)
        .current_dir(folder)
        .output()
        .map_err(|error| format!("go cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// The folder of Prometheus's source.
fn prometheus() -> Result<PathBuf, String> {
    const MODULE: &str = "github.com/prometheus/prometheus";
    let dir = || go(&["list", "-m", "-f", "{{.Dir}}", MODULE]);
    let mut found = dir()?;
    if found.is_empty() {
        // The module is known, but not in the cache yet.
        go(&["mod", "download", MODULE])?;
        found = dir()?;
    }
    if found.is_empty() {
        Err(format!("{MODULE} is not in the module cache"))
    } else {
        Ok(found.into())
    }
}

/// Prometheus's scripts, or `None` without Go, which is an error if the
/// environment variable `CI` is `true`.
fn scripts() -> Option<Vec<PathBuf>> {
    let source = match prometheus() {
        Ok(source) => source,
        Err(error) => {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "no Prometheus: {error}"
            );
            eprintln!("NOT RUN: Prometheus's tests need Go and its module cache: {error}");
            return None;
        }
    };
    let folder = source.join("promql/promqltest/testdata");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "test"))
        .collect();
    files.sort();
    assert!(
        files.len() >= 20,
        "only {} scripts in {}",
        files.len(),
        folder.display()
    );
    Some(files)
}

/// Counts by file.
fn counts(summary: &Summary) -> String {
    let mut out = String::new();
    for file in &summary.files {
        let name = Path::new(&file.name).file_name().unwrap().to_string_lossy();
        writeln!(out, "{name}: {} passed", file.passed).unwrap();
    }
    writeln!(out, "all: {} passed", summary.passed()).unwrap();
    out
}

/// quarrel's own scripts.
fn own_scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Every answer to every query of the whole corpus has the same bits for any
/// number of threads and any size of batches.
#[test]
fn answers_are_the_same_on_any_number_of_threads_and_in_batches_of_any_size() {
    let mut files = own_scripts();
    files.extend(scripts().unwrap_or_default());
    let answers = |threads: usize, batch_items: usize, inline_samples: u64| {
        let mut options = RunOptions {
            keep_answers: true,
            ..RunOptions::default()
        };
        options.engine.threads = Some(threads);
        options.engine.batch_items = batch_items;
        options.engine.inline_samples = inline_samples;
        let summary = run_files(&files, &options).unwrap();
        let file = |file: FileSummary| (file.name, file.answers);
        summary.files.into_iter().map(file).collect::<Vec<_>>()
    };
    let one = answers(1, 16 * 1024, 10_000);
    assert!(one.iter().map(|(_, answers)| answers.len()).sum::<usize>() > 500);
    for (threads, batch_items) in [(1, 1), (2, 16 * 1024), (3, 7), (8, 100)] {
        let other = answers(threads, batch_items, 0);
        for ((name, one), (_, other)) in one.iter().zip(&other) {
            assert_eq!(one.len(), other.len(), "{name}");
            for (one, other) in one.iter().zip(other) {
                assert_eq!(
                    one, other,
                    "{name}: {threads} threads, batches of {batch_items}"
                );
            }
        }
    }
}

#[test]
fn the_tests_of_prometheus() {
    let Some(files) = scripts() else {
        return;
    };
    let summary = run_files(&files, &RunOptions::default()).unwrap();
    assert!(summary.success(), "{summary}");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/prometheus.txt");
    let counts = counts(&summary);
    if std::env::var_os("QUARREL_UPDATE").is_some() {
        std::fs::write(&kept, &counts).unwrap();
    }
    let before = std::fs::read_to_string(&kept).unwrap_or_default();
    assert_eq!(before, counts, "counts differ from {}", kept.display());
}
