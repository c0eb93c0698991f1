//! Opening and selecting on the benchmark block: 3,000 series of 720 samples.
//!
//! The block is written by `compliance/go/cmd/mkblocks`, which needs Go; it
//! is kept in cargo's target folder.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use criterion::{Criterion, criterion_group, criterion_main};
use futures::executor::block_on;
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{
    Matcher, SelectHints, SelectRequest, Selected, Snapshot, Storage, TimeRange,
};
use quarrel_matchers::MatchOp;
use quarrel_storage::tsdb::{Tsdb, TsdbOptions};

fn bench_block() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-block");
    if !dir.exists() {
        let written = Command::new("go")
            .args(["run", "./cmd/mkblocks", "-bench", "-out"])
            .arg(&dir)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../compliance/go"))
            .status();
        if !written.is_ok_and(|status| status.success()) {
            eprintln!("the benchmark block cannot be written: Go is missing or failed");
            return None;
        }
    }
    Some(dir)
}

fn select(snapshot: &dyn Snapshot, matchers: &[Matcher]) -> Selected {
    let symbols = SymbolTable::new();
    let hints = SelectHints::default();
    let range = TimeRange::ALL;
    let request = SelectRequest::new(matchers, range, &hints, &symbols);
    block_on(snapshot.select(request)).expect("a select of the benchmark block")
}

fn run(c: &mut Criterion) {
    let Some(dir) = bench_block() else { return };
    let open = || Tsdb::open(&dir, TsdbOptions::default()).expect("the benchmark block");
    c.bench_function("open", |b| b.iter(open));
    let db = open();
    // A directory that was just written is looked at more closely.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let snapshot = || block_on(db.snapshot(TimeRange::ALL)).expect("a snapshot");
    c.bench_function("snapshot", |b| b.iter(snapshot));
    let matcher = |op, name, value| Matcher::new(op, name, value).expect("a matcher");
    let name = || matcher(MatchOp::Equal, "__name__", "x");
    let cases = [
        ("select all", vec![name()]),
        (
            "select one",
            vec![name(), matcher(MatchOp::Equal, "instance", "10.0.3.7:9100")],
        ),
        (
            "select by prefix",
            vec![name(), matcher(MatchOp::Regex, "pod", "app-1-.*")],
        ),
        (
            "select by class",
            vec![name(), matcher(MatchOp::Regex, "pod", "app-[0-9]-.*[a-c]")],
        ),
        (
            "select by negation",
            vec![name(), matcher(MatchOp::NotRegex, "pod", ".*[0-9]")],
        ),
    ];
    let view = snapshot();
    for (title, matchers) in &cases {
        c.bench_function(title, |b| b.iter(|| select(&*view, matchers)));
    }
    let all = select(&*view, &cases[0].1);
    c.bench_function("chunks of all", |b| {
        let mut chunks = Vec::new();
        b.iter(|| {
            for row in 0..all.labels.len() as u32 {
                chunks.clear();
                all.series.chunks(row, &mut chunks).expect("chunks");
                black_box(&chunks);
            }
        });
    });
    c.bench_function("first select after opening", |b| {
        b.iter_batched(
            || block_on(open().snapshot(TimeRange::ALL)).expect("a snapshot"),
            |view| select(&*view, &cases[1].1),
            criterion::BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, run);
criterion_main!(benches);
