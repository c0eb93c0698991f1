//! A store, and one view of it.

use std::any::type_name;
use std::borrow::Cow;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::error::StorageError;
use super::select::{LabelsRequest, SelectRequest, Selected};
use super::time_range::TimeRange;

/// A source of series. Everything is called from many threads at once.
pub trait Storage: Send + Sync {
    /// A consistent view for one query over `range`. Pins what it needs.
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>>;

    /// How errors call this store; the name of its type unless a connector
    /// has a better one, such as a directory or an address.
    fn name(&self) -> Cow<'_, str> {
        type_name::<Self>().into()
    }
}

/// One consistent view of a store.
pub trait Snapshot: Send + Sync {
    /// All series that match, with their labels.
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>>;

    /// The label names of the series that are asked for, sorted.
    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>>;

    /// The values of a label of the series that are asked for, sorted.
    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>>;

    /// What the user should know about this view, such as a repaired tear, and about
    /// the answers to look-ups of names and values that it has given so far, such as
    /// a part that is missing. The warnings of a select are in its answer.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// How many series the view has, if that is known without a search. Selects of
    /// a view with at most some thousand series run on the caller's thread; where
    /// there are more they begin there, and begin anew on the engine's threads if
    /// their control has stopped them because they took more than a moment.
    fn series_count(&self) -> Option<u64> {
        None
    }

    /// Whether selects do little but wait, for the query's caller, who brings the
    /// series himself, or for servers that tasks of their own listen to. They run
    /// where the query is polled, whatever their size, and are not begun twice.
    fn is_fed_by_caller(&self) -> bool {
        false
    }

    /// The closed time range that the store has samples of, if it knows.
    fn time_range(&self) -> Option<TimeRange> {
        None
    }
}
