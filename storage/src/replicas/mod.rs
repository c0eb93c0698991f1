//! A storage whose replicas are one: series that differ in replica labels alone
//! become rows with several replicas, which the engine unites.
//!
//! As in Thanos Query, replica labels are not there for the query: answers have
//! none, label names and values do not tell of them. Matchers on them reach the
//! store, so that `up{replica="a"}` asks for one replica. The replicas of a row are
//! preferred in the order of their replica labels.
//!
//! How replicas become one, [`Deduplication`] says. What it is bad at: labels are
//! asked for whole wherever a store has replica labels, since without the others
//! nobody could tell which series are replicas of which; and a store is asked for
//! half an hour more on both sides of each range ([`REPLICA_REACH_MS`]).
//!
//! [`REPLICA_REACH_MS`]: quarrel_engine::storage::REPLICA_REACH_MS
//!
//! # Examples
//! ```
//! # #[cfg(feature = "memory")] {
//! use std::sync::Arc;
//!
//! use quarrel_storage::memory::MemoryStorage;
//! use quarrel_storage::replicas::Replicas;
//!
//! let storage = MemoryStorage::new();
//! storage.append([("__name__", "up"), ("replica", "a")], 0, 1.0).unwrap();
//! storage.append([("__name__", "up"), ("replica", "b")], 15_000, 1.0).unwrap();
//! // One series with two samples.
//! let one = Replicas::new(Arc::new(storage), ["replica"]);
//! # }
//! ```

mod rows;
mod snapshot;
#[cfg(test)]
mod tests;
mod unite;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures::future::{BoxFuture, FutureExt};
use quarrel_engine::storage::{Deduplication, Snapshot, Storage, StorageError, TimeRange};

use snapshot::ReplicasSnapshot;

/// A storage over another one, without replica labels. It takes nothing to make, so
/// that each query may have one of its own.
#[derive(Clone)]
pub struct Replicas {
    inner: Arc<dyn Storage>,
    labels: Arc<[String]>,
    deduplication: Deduplication,
    /// Whether the store has given a replica label, as far as is known.
    seen: Arc<AtomicBool>,
}

impl Replicas {
    /// The series of `inner` without the labels of these names; without names, they
    /// stay as they are.
    pub fn new<L>(inner: Arc<dyn Storage>, replica_labels: L) -> Self
    where
        L: IntoIterator,
        L::Item: Into<String>,
    {
        let mut labels: Vec<String> = replica_labels.into_iter().map(Into::into).collect();
        labels.sort_unstable();
        labels.dedup();
        Replicas {
            inner,
            labels: labels.into(),
            deduplication: Deduplication::default(),
            seen: Arc::default(),
        }
    }

    /// The same storage, whose replicas become one so.
    #[must_use]
    pub fn with_deduplication(self, deduplication: Deduplication) -> Self {
        Replicas {
            deduplication,
            ..self
        }
    }
}

impl Storage for Replicas {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        if self.labels.is_empty() {
            return self.inner.snapshot(range);
        }
        async move {
            let inner = self.inner.snapshot(self.deduplication.reach(range)).await?;
            let snapshot: Arc<dyn Snapshot> = Arc::new(ReplicasSnapshot {
                inner,
                labels: Arc::clone(&self.labels),
                deduplication: self.deduplication,
                seen: Arc::clone(&self.seen),
            });
            Ok(snapshot)
        }
        .boxed()
    }

    fn name(&self) -> Cow<'_, str> {
        self.inner.name()
    }
}
