//! One snapshot of a store for several queries.

use std::borrow::Cow;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use tokio::sync::OnceCell;

use crate::storage::{Snapshot, Storage, StorageError, TimeRange};

/// A storage whose queries all see the same snapshot of another storage.
///
/// The snapshot is taken when it is first asked for, and held as long as this
/// storage. If the store fails, whoever asks next tries again.
/// [`QueryGroup`](crate::QueryGroup) makes one for its queries.
pub struct PinnedStorage {
    storage: Arc<dyn Storage>,
    range: TimeRange,
    snapshot: OnceCell<Arc<dyn Snapshot>>,
}

impl PinnedStorage {
    /// Pins a snapshot of `storage` over `range`, which must cover all that
    /// queries will look at: see [`Query::time_range`](crate::Query::time_range).
    pub fn new(storage: Arc<dyn Storage>, range: TimeRange) -> Self {
        PinnedStorage {
            storage,
            range,
            snapshot: OnceCell::new(),
        }
    }
}

impl Storage for PinnedStorage {
    /// The one snapshot. A range that it does not cover is an error.
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let pinned = self.range;
        if range.start <= range.end && (range.start < pinned.start || range.end > pinned.end) {
            let message = format!(
                "{} ms to {} ms are not covered by the pinned snapshot, which is of {} ms to {} ms",
                range.start, range.end, pinned.start, pinned.end
            );
            return ready(Err(StorageError::Other(message))).boxed();
        }
        let take = move || self.storage.snapshot(pinned);
        let taken = self.snapshot.get_or_try_init(take);
        taken.map(|taken| taken.cloned()).boxed()
    }

    fn name(&self) -> Cow<'_, str> {
        self.storage.name()
    }
}
