//! Where requests read from, and how.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use quarrel_engine::storage::{Storage, StorageError, TimeRange};
use quarrel_storage::shard::Shard;
use quarrel_storage::sharded::Sharded;

/// What a request says about its data beside the query.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// Whether series that differ in replica labels alone are one.
    pub dedup: bool,
    /// The replica labels; empty for those of the server.
    pub replica_labels: Vec<String>,
    /// Whether a store that fails is a warning.
    pub partial_response: bool,
    /// The coarsest resolution of downsampled data, ms; `None` for the server's.
    pub max_resolution_ms: Option<i64>,
    /// Which of several shards of all series is read; `None` for all of them.
    pub shard: Option<Shard>,
}

/// A database with labels of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// External labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// The closed range of its samples; `None` if it has none, or does not know.
    pub range: Option<TimeRange>,
}

/// Where requests read from.
pub trait Source: Send + Sync {
    /// The storage as a request wants it read. Its series have the external labels.
    fn storage(&self, options: &ReadOptions) -> Arc<dyn Storage>;

    /// The databases behind it.
    fn databases(&self) -> BoxFuture<'_, Result<Vec<Database>, StorageError>>;
}

impl fmt::Debug for dyn Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

/// One storage. It has neither replicas nor resolutions: what is asked about these
/// makes no difference.
pub struct SingleSource {
    storage: Arc<dyn Storage>,
    labels: Vec<(String, String)>,
}

impl SingleSource {
    /// A storage whose series have these external labels.
    pub fn new(storage: Arc<dyn Storage>, mut labels: Vec<(String, String)>) -> Self {
        labels.sort();
        SingleSource { storage, labels }
    }
}

impl Source for SingleSource {
    fn storage(&self, options: &ReadOptions) -> Arc<dyn Storage> {
        let storage = Arc::clone(&self.storage);
        match &options.shard {
            Some(shard) => Arc::new(Sharded::new(storage, shard.clone())),
            None => storage,
        }
    }

    fn databases(&self) -> BoxFuture<'_, Result<Vec<Database>, StorageError>> {
        Box::pin(async {
            let snapshot = self.storage.snapshot(TimeRange::ALL).await?;
            Ok(vec![Database {
                labels: self.labels.clone(),
                range: snapshot.time_range(),
            }])
        })
    }
}
