//! A store, and one view of it.

use std::any::type_name;
use std::borrow::Cow;
use std::sync::Arc;

use futures::future::BoxFuture;
use quarrel_matchers::Matcher;

use super::error::StorageError;
use super::select::{SelectRequest, Selected};
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

    /// The label names of all series that match any of the selectors (of all
    /// series if there is none) in `range`, sorted.
    fn label_names<'a>(
        &'a self,
        selectors: &'a [Vec<Matcher>],
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>>;

    /// The values of a label, sorted; selectors as in `label_names`.
    fn label_values<'a>(
        &'a self,
        name: &'a str,
        selectors: &'a [Vec<Matcher>],
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>>;

    /// What the user should know about this view, such as a repaired tear.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// The closed time range that the store has samples of, if it knows.
    fn time_range(&self) -> Option<TimeRange> {
        None
    }
}
