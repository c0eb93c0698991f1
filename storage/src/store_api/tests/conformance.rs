//! The conformance suite, over one store and over two that each have a part.

use std::sync::{Arc, LazyLock};

use futures::future::BoxFuture;
use quarrel_engine::storage::{Snapshot, Storage, StorageError, TimeRange};
use tokio::runtime::Runtime;

use super::super::testing::{FakeStore, RunningStore};
use super::super::{Endpoints, EndpointsConfig, StoreApi, StoreQuery};
use crate::conformance::{Harness, TestSeries};
use crate::memory::MemoryStorage;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

/// Series over so many stores; the parts of a series go round.
struct Stores(usize);

/// The connector, and the stores that it reads.
struct Served {
    storage: StoreApi,
    _running: Vec<RunningStore>,
}

impl Storage for Served {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        self.storage.snapshot(range)
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
        let memories: Vec<_> = (0..self.0)
            .map(|_| Arc::new(MemoryStorage::new()))
            .collect();
        fill(&memories, series);
        RUNTIME.block_on(async {
            let mut running = Vec::new();
            for memory in &memories {
                running.push(
                    FakeStore::over(Arc::clone(memory) as Arc<dyn Storage>)
                        .start()
                        .await,
                );
            }
            let config = EndpointsConfig::new(running.iter().map(RunningStore::spec));
            let endpoints = Arc::new(Endpoints::start(config).unwrap());
            endpoints.ready().await;
            let query = StoreQuery {
                partial_response: false,
                ..StoreQuery::default()
            };
            Arc::new(Served {
                storage: StoreApi::new(endpoints, query),
                _running: running,
            }) as Arc<dyn Storage>
        })
    }
}

mod one_store {
    crate::conformance_tests!(super::Stores(1));
}

mod two_stores {
    crate::conformance_tests!(super::Stores(2));
}
