//! Runs all `.test` files of Prometheus, from the Go module cache.
//!
//! `prometheus.txt` beside this file has the number of `eval`s of each file, so
//! that none is lost. To write it anew:
//! `QUARREL_UPDATE=1 cargo test -p quarrel-compliance --test prometheus`.

mod source;

use std::fmt::Write as _;
use std::path::Path;

use quarrel_compliance::{FileSummary, RunOptions, Summary, run_files};

use source::{own_scripts, scripts};

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
