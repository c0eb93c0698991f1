//! Runs the conformance suite on blocks that tests write.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use quarrel_engine::storage::Storage;
use tempfile::TempDir;

use super::testblock::{BlockSeries, damage, write_block};
use super::{Tsdb, TsdbOptions};
use crate::conformance::{Harness, TestSeries};

/// Makes a data directory for each store. Part `i` of a series is in block `i`,
/// so overlapping parts make overlapping blocks.
#[derive(Default)]
struct Blocks {
    dirs: Mutex<Vec<TempDir>>,
}

/// Distributes series over blocks.
fn blocks(series: &[TestSeries]) -> Vec<Vec<BlockSeries>> {
    let count = series.iter().map(|s| s.parts.len()).max().unwrap_or(0);
    let block = |i: usize| {
        let part = |s: &TestSeries| s.parts.get(i).map(|part| (s.labels.clone(), part.clone()));
        series.iter().filter_map(part).collect()
    };
    (0..count).map(block).collect()
}

impl Blocks {
    /// Writes a directory and returns it with the folders of its blocks.
    fn write(&self, series: &[TestSeries]) -> (PathBuf, Vec<PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        let folders = blocks(series)
            .iter()
            .enumerate()
            .map(|(i, block)| write_block(&path, i as u32, block).unwrap())
            .collect();
        self.dirs.lock().push(dir);
        (path, folders)
    }

    fn open(path: PathBuf) -> Arc<dyn Storage> {
        Arc::new(Tsdb::open(path, TsdbOptions::default()).unwrap())
    }
}

impl Harness for Blocks {
    fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage> {
        Self::open(self.write(series).0)
    }

    fn add(&self, _: &Arc<dyn Storage>, series: &[TestSeries]) -> bool {
        // It is the directory of the newest store.
        let path = self.dirs.lock().last().unwrap().path().to_owned();
        for (i, block) in blocks(series).iter().enumerate() {
            write_block(&path, 100 + i as u32, block).unwrap();
        }
        true
    }

    fn broken(&self, series: &[TestSeries], broken: usize) -> Option<Arc<dyn Storage>> {
        let (path, folders) = self.write(series);
        for (folder, block) in folders.iter().zip(blocks(series)) {
            damage(folder, &block, &series[broken].labels).unwrap();
        }
        Some(Self::open(path))
    }
}

crate::conformance_tests!(Blocks::default());

#[test]
fn nothing_is_skipped() {
    let report = crate::conformance::run(&Blocks::default());
    let skipped =
        |o: &crate::conformance::Outcome| matches!(o, crate::conformance::Outcome::Skipped(_));
    assert!(!report.checks.iter().any(|c| skipped(&c.1)), "{report}");
}
