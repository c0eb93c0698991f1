//! The conformance suite, over objects in memory and over a directory.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use quarrel_engine::storage::Storage;
use tempfile::TempDir;

use super::super::config::BucketConfig;
use super::super::testing::{RUNTIME, TestStore, add_thanos, bucket, storage};
use super::super::{Bucket, BucketOptions};
use crate::conformance::{Harness, TestSeries};
use crate::tsdb::testblock::{BlockSeries, damage, write_block};

/// Distributes series over blocks: part `i` of a series is in block `i`, so overlapping
/// parts make overlapping blocks.
fn blocks(series: &[TestSeries]) -> Vec<Vec<BlockSeries>> {
    let count = series.iter().map(|s| s.parts.len()).max().unwrap_or(0);
    let block = |i: usize| {
        let part = |s: &TestSeries| s.parts.get(i).map(|part| (s.labels.clone(), part.clone()));
        series.iter().filter_map(part).collect()
    };
    (0..count).map(block).collect()
}

fn write(series: &[TestSeries], first: u32) -> (TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let folders = (first..).zip(blocks(series)).map(|(number, block)| {
        let folder = write_block(dir.path(), number, &block).unwrap();
        add_thanos(&folder, &[], 0);
        folder
    });
    let folders = folders.collect();
    (dir, folders)
}

/// Buckets in memory.
#[derive(Default)]
struct InMemory {
    newest: Mutex<Option<(Arc<TestStore>, Arc<Bucket>)>>,
}

impl InMemory {
    fn open(&self, dir: &TempDir) -> Arc<dyn Storage> {
        let store = TestStore::new();
        store.upload(dir.path());
        let bucket = bucket(&store, BucketOptions::default());
        *self.newest.lock() = Some((store, Arc::clone(&bucket)));
        Arc::new(storage(&bucket, false))
    }
}

impl Harness for InMemory {
    fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage> {
        self.open(&write(series, 0).0)
    }

    fn add(&self, _: &Arc<dyn Storage>, series: &[TestSeries]) -> bool {
        let newest = self.newest.lock();
        let (store, bucket) = newest.as_ref().unwrap();
        store.upload(write(series, 100).0.path());
        RUNTIME.block_on(bucket.refresh()).unwrap();
        true
    }

    fn broken(&self, series: &[TestSeries], broken: usize) -> Option<Arc<dyn Storage>> {
        let (dir, folders) = write(series, 0);
        for (folder, block) in folders.iter().zip(blocks(series)) {
            damage(folder, &block, &series[broken].labels).unwrap();
        }
        Some(self.open(&dir))
    }
}

/// Buckets of a directory, with a cache on disk.
#[derive(Default)]
struct Directory {
    dirs: Mutex<Vec<TempDir>>,
}

impl Harness for Directory {
    fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage> {
        let (dir, _) = write(series, 0);
        let cache = tempfile::tempdir().unwrap();
        let options = BucketOptions {
            cache_dir: Some(cache.path().to_path_buf()),
            ..BucketOptions::default()
        };
        let config = BucketConfig::filesystem(dir.path());
        let bucket = RUNTIME.block_on(async {
            let bucket = Bucket::open(&config, options).unwrap();
            bucket.ready().await.unwrap();
            Arc::new(bucket)
        });
        self.dirs.lock().extend([dir, cache]);
        Arc::new(storage(&bucket, false))
    }
}

mod in_memory {
    crate::conformance_tests!(super::InMemory::default());
}

mod directory {
    crate::conformance_tests!(super::Directory::default());
}

#[test]
fn nothing_is_skipped() {
    let report = crate::conformance::run(&InMemory::default());
    let skipped =
        |o: &crate::conformance::Outcome| matches!(o, crate::conformance::Outcome::Skipped(_));
    assert!(!report.checks.iter().any(|c| skipped(&c.1)), "{report}");
}
