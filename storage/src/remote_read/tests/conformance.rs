//! The conformance suite, by chunks and by samples.

use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use quarrel_engine::storage::Storage;
use tokio::runtime::Runtime;

use super::super::RemoteRead;
use super::super::testing::{FakeRemote, RunningRemote};
use super::servers::{config, samples_alone};
use crate::conformance::{Harness, TestSeries};
use crate::memory::MemoryStorage;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

/// Series over a server, which lives as long as this.
struct Remote {
    samples_alone: bool,
    running: Mutex<Vec<RunningRemote>>,
}

impl Remote {
    fn new(samples_alone: bool) -> Self {
        let running = Mutex::default();
        Remote {
            samples_alone,
            running,
        }
    }
}

impl Harness for Remote {
    fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage> {
        let memory = MemoryStorage::new();
        for series in series {
            for part in &series.parts {
                let labels = series.labels.iter().map(|(name, value)| (name, value));
                let (times, values) = part.iter().copied().unzip();
                memory.append_series(labels, times, values).unwrap();
            }
        }
        RUNTIME.block_on(async {
            let running = FakeRemote::over(Arc::new(memory)).start().await;
            let config = match self.samples_alone {
                true => samples_alone(config(&running)),
                false => config(&running),
            };
            self.running.lock().push(running);
            Arc::new(RemoteRead::new(config).unwrap())
        })
    }
}

mod chunks {
    crate::conformance_tests!(super::Remote::new(false));
}

mod samples {
    crate::conformance_tests!(super::Remote::new(true));
}
