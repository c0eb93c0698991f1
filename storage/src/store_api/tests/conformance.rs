//! The conformance suite, over one store and over two that each have a part.

use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use quarrel_engine::storage::Storage;
use tokio::runtime::Runtime;

use super::super::testing::{FakeStore, RunningStore};
use super::stores::{over, strict};
use crate::conformance::{Harness, TestSeries};
use crate::memory::MemoryStorage;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

/// Series over so many stores; the parts of a series go round. The servers live as long
/// as this: they are not a part of the storage that reads them.
struct Stores {
    count: usize,
    running: Mutex<Vec<RunningStore>>,
}

impl Stores {
    fn new(count: usize) -> Self {
        let running = Mutex::default();
        Stores { count, running }
    }
}

fn fill(memories: &[Arc<MemoryStorage>], series: &[TestSeries]) {
    for series in series {
        for (number, part) in series.parts.iter().enumerate() {
            let labels = series.labels.iter().map(|(name, value)| (name, value));
            let (times, values) = part.iter().copied().unzip();
            memories[number % memories.len()]
                .append_series(labels, times, values)
                .unwrap();
        }
    }
}

impl Harness for Stores {
    fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage> {
        let memories: Vec<_> = (0..self.count)
            .map(|_| Arc::new(MemoryStorage::new()))
            .collect();
        fill(&memories, series);
        let storage = RUNTIME.block_on(async {
            let mut running = Vec::new();
            for memory in &memories {
                let store = FakeStore::over(Arc::clone(memory) as Arc<dyn Storage>);
                running.push(store.start().await);
            }
            let storage = over(&running, strict()).await;
            self.running.lock().extend(running);
            storage
        });
        Arc::new(storage)
    }
}

mod one_store {
    crate::conformance_tests!(super::Stores::new(1));
}

mod two_stores {
    crate::conformance_tests!(super::Stores::new(2));
}
