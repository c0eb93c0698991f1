//! Panics of a store's code become errors that name the store.
//!
//! A query runs on a view that is wrapped once, so that nobody who calls the
//! store has to think of it.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::chunk::Chunk;
use super::error::StorageError;
use super::select::{LabelsRequest, SelectRequest, Selected, SeriesSource};
use super::store::{Snapshot, Storage};
use super::time_range::TimeRange;

/// Takes a view of a store; neither this nor the view panics.
///
/// # Errors
/// Those of the store, and [`StorageError::Panicked`].
pub(crate) async fn snapshot(
    storage: &dyn Storage,
    range: TimeRange,
) -> Result<Arc<dyn Snapshot>, StorageError> {
    let name = catch_unwind(AssertUnwindSafe(|| storage.name().into_owned()));
    let store: Arc<str> = name.unwrap_or_else(|_| "of unknown name".into()).into();
    let inner = caught(&store, || storage.snapshot(range)).await?;
    let series_count = call(&store, || inner.series_count())?;
    let fed_by_caller = call(&store, || inner.is_fed_by_caller())?;
    Ok(Arc::new(View {
        store,
        inner,
        series_count,
        fed_by_caller,
    }))
}

/// The message of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic of unknown kind".into())
}

fn panicked(store: &str, panic: &(dyn Any + Send)) -> StorageError {
    StorageError::Panicked {
        store: store.to_string(),
        message: message(panic),
    }
}

fn call<T>(store: &str, call: impl FnOnce() -> T) -> Result<T, StorageError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| panicked(store, &*panic))
}

/// Makes a future and awaits it.
async fn caught<'a, T>(
    store: &str,
    start: impl FnOnce() -> BoxFuture<'a, Result<T, StorageError>>,
) -> Result<T, StorageError> {
    let future = call(store, start)?;
    let result = AssertUnwindSafe(future).catch_unwind().await;
    result.unwrap_or_else(|panic| Err(panicked(store, &*panic)))
}

struct View {
    store: Arc<str>,
    inner: Arc<dyn Snapshot>,
    series_count: Option<u64>,
    fed_by_caller: bool,
}

impl Snapshot for View {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        async move {
            let mut selected = caught(&self.store, || self.inner.select(request)).await?;
            let series = &selected.series;
            let measure = || (series.estimated_samples(), series.held_bytes());
            let (estimate, held) = call(&self.store, measure)?;
            selected.series = Arc::new(Source {
                store: Arc::clone(&self.store),
                inner: selected.series,
                estimate,
                held,
            });
            Ok(selected)
        }
        .boxed()
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        let names = move || self.inner.label_names(request);
        caught(&self.store, names).boxed()
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        let values = move || self.inner.label_values(name, request);
        caught(&self.store, values).boxed()
    }

    fn warnings(&self) -> Vec<String> {
        call(&self.store, || self.inner.warnings()).unwrap_or_else(|error| vec![error.to_string()])
    }

    fn series_count(&self) -> Option<u64> {
        self.series_count
    }

    fn is_fed_by_caller(&self) -> bool {
        self.fed_by_caller
    }

    fn time_range(&self) -> Option<TimeRange> {
        call(&self.store, || self.inner.time_range()).unwrap_or(None)
    }
}

struct Source {
    store: Arc<str>,
    inner: Arc<dyn SeriesSource>,
    estimate: Option<u64>,
    held: usize,
}

impl SeriesSource for Source {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        call(&self.store, || self.inner.chunks(row, out))?
    }

    fn prefetch(&self, rows: Range<u32>) -> Option<BoxFuture<'static, Result<(), StorageError>>> {
        let future = call(&self.store, || self.inner.prefetch(rows)).transpose()?;
        let future = future.unwrap_or_else(|error| ready(Err(error)).boxed());
        let store = Arc::clone(&self.store);
        Some(async move { caught(&store, || future).await }.boxed())
    }

    fn take_warnings(&self) -> Vec<String> {
        let taken = call(&self.store, || self.inner.take_warnings());
        taken.unwrap_or_else(|error| vec![error.to_string()])
    }

    fn release(&self, rows: Range<u32>) {
        // What a store makes of it cannot change an answer.
        let _ = call(&self.store, || self.inner.release(rows));
    }

    fn estimated_samples(&self) -> Option<u64> {
        self.estimate
    }

    fn held_bytes(&self) -> usize {
        self.held
    }

    fn origin(&self, row: u32) -> Option<String> {
        call(&self.store, || self.inner.origin(row)).unwrap_or(None)
    }
}
