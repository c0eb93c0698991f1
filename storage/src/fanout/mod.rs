//! One storage over several: data directories, stores, what connectors there are.
//!
//! A [`Part`] is a storage with what is known of it: labels that all of its series get,
//! as Prometheus's external labels, the range of its data, and a shard. Series of equal
//! labels are one row, whichever parts they come from; their chunks are in order of time.
//!
//! A label of a part replaces one of the same name that a series has, as in Thanos. If a
//! part fails, that is a warning that names it, or an error, as the query wants.

mod names;
mod part;
mod rows;
mod select;
mod source;
#[cfg(all(test, feature = "memory"))]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use parking_lot::Mutex;
use quarrel_engine::storage::{
    LabelsRequest, SelectRequest, Selected, Snapshot, Storage, StorageError, TimeRange,
};

pub use part::{Part, PartError};

/// One storage over several, described in the [module documentation](self).
///
/// # Examples
/// ```
/// # #[cfg(feature = "memory")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use quarrel_storage::fanout::{Fanout, Part};
/// use quarrel_storage::memory::MemoryStorage;
///
/// let (east, west) = (MemoryStorage::new(), MemoryStorage::new());
/// let parts = vec![
///     Part::new(Arc::new(east)).with_labels([("zone", "east")])?,
///     Part::new(Arc::new(west)).with_labels([("zone", "west")])?,
/// ];
/// let both = Fanout::new(parts).with_partial_response(true);
/// # let _ = both;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "memory"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Fanout {
    parts: Arc<[Part]>,
    partial_response: bool,
}

impl Fanout {
    /// A storage over `parts`. Where two have a sample of a series at one time, that of
    /// the first is taken.
    pub fn new(parts: Vec<Part>) -> Self {
        Fanout {
            parts: parts.into(),
            partial_response: false,
        }
    }

    /// Whether the answer of some parts is enough: one that fails is then a warning, else,
    /// which is the default, an error.
    #[must_use]
    pub fn with_partial_response(mut self, partial_response: bool) -> Self {
        self.partial_response = partial_response;
        self
    }

    async fn view(&self, range: TimeRange) -> Result<Arc<dyn Snapshot>, StorageError> {
        if let [part] = &*self.parts
            && part.is_plain()
        {
            return part.storage.snapshot(range).await;
        }
        let parts = self.parts.iter().filter(|part| part.has(range));
        let parts: Vec<&Part> = parts.collect();
        let views = join_all(parts.iter().map(|part| part.storage.snapshot(range))).await;
        let mut snapshot = FanoutSnapshot {
            views: Vec::with_capacity(views.len()),
            partial_response: self.partial_response,
            warnings: Mutex::default(),
        };
        for (part, view) in parts.into_iter().zip(views) {
            match view {
                Ok(view) => snapshot.views.push(PartView {
                    part: part.clone(),
                    view,
                }),
                Err(error) => {
                    let warning = snapshot.failed(part, error)?;
                    snapshot.warnings.get_mut().push(warning);
                }
            }
        }
        Ok(Arc::new(snapshot))
    }
}

impl Storage for Fanout {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        self.view(range).boxed()
    }

    fn name(&self) -> Cow<'_, str> {
        match &*self.parts {
            [part] => part.name(),
            parts => format!("{} storages", parts.len()).into(),
        }
    }
}

/// The views of all parts.
struct FanoutSnapshot {
    views: Vec<PartView>,
    partial_response: bool,
    /// What the user should know beside what the parts say.
    warnings: Mutex<Vec<String>>,
}

/// The view of one part.
struct PartView {
    part: Part,
    view: Arc<dyn Snapshot>,
}

impl FanoutSnapshot {
    /// What the failure of a part is: a warning, or an error.
    fn failed(&self, part: &Part, error: StorageError) -> Result<String, StorageError> {
        match (&error, self.partial_response) {
            (StorageError::Stopped, _) | (_, false) => Err(error),
            (_, true) => Ok(format!("{}: {error}", part.name())),
        }
    }
}

impl Snapshot for FanoutSnapshot {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        self.select_all(request).boxed()
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.texts(None, request).boxed()
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.texts(Some(name), request).boxed()
    }

    fn warnings(&self) -> Vec<String> {
        let mut all = self.warnings.lock().clone();
        all.extend(self.views.iter().flat_map(|part| part.view.warnings()));
        all
    }

    /// The sum of the parts', if each says so. A part that waits for servers has none, so
    /// that it is not asked twice.
    fn series_count(&self) -> Option<u64> {
        let count = |part: &PartView| match part.view.is_fed_by_caller() {
            true => None,
            false => part.view.series_count(),
        };
        self.views.iter().map(count).sum()
    }

    fn is_fed_by_caller(&self) -> bool {
        self.views.iter().all(|part| part.view.is_fed_by_caller())
    }

    fn time_range(&self) -> Option<TimeRange> {
        let ranges: Option<Vec<TimeRange>> = self.views.iter().map(PartView::range).collect();
        let ranges = ranges?;
        Some(TimeRange {
            start: ranges.iter().map(|range| range.start).min()?,
            end: ranges.iter().map(|range| range.end).max()?,
        })
    }
}
