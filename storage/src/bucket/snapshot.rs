//! A bucket as a storage.

use std::borrow::Cow;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use parking_lot::Mutex;
use quarrel_engine::storage::{
    LabelsRequest, Matcher, SelectRequest, Selected, Snapshot, Storage, StorageError, TimeRange,
};

use super::again::Again;
use super::bucket::{Bucket, Inner};
use super::failure::{OnFailure, is_vanished};
use super::group;
use super::select::Reader;
use super::source::BucketSource;
use super::view::{Group, View};
use crate::fanout::{Fanout, Part};
use crate::shard::Shard;
use crate::sorted::merge_texts;

/// How a query reads a bucket.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct BucketQuery {
    /// Whether the answer of some blocks is enough: a block that cannot be read is a
    /// warning, else, which is the default, the query's error.
    pub partial_response: bool,
    /// Picks blocks by their external labels: any of these has to match; all blocks are
    /// picked if there is none.
    pub store_matchers: Vec<Vec<Matcher>>,
    /// The shard of the series that the query wants.
    pub shard: Option<Shard>,
}

/// The series of a bucket, as one query reads them. It costs nothing to make.
///
/// A view of it pins the blocks that are there. Of blocks of the same time and external
/// labels those of the coarsest resolution are read that the query allows, and finer ones
/// where there are none; those that overlap in time are merged as Prometheus merges its
/// own. A block that was deleted since is looked for once more in a new listing.
#[derive(Clone, Debug)]
pub struct BucketStorage {
    bucket: Arc<Bucket>,
    query: Arc<BucketQuery>,
}

impl BucketStorage {
    /// The blocks of `bucket`, read as `query` says.
    pub fn new(bucket: Arc<Bucket>, query: BucketQuery) -> Self {
        BucketStorage {
            bucket,
            query: Arc::new(query),
        }
    }

    /// The bucket that it reads.
    pub fn bucket(&self) -> &Arc<Bucket> {
        &self.bucket
    }

    fn picks(&self, group: &Group) -> bool {
        let value = |name: &str| {
            let label = group.labels.iter().find(|(label, _)| label == name);
            label.map_or("", |(_, value)| value)
        };
        let selectors = &self.query.store_matchers;
        let matches = |all: &Vec<Matcher>| all.iter().all(|m| m.matches(value(m.name())));
        selectors.is_empty() || selectors.iter().any(matches)
    }

    async fn view(&self, range: TimeRange) -> Result<Arc<dyn Snapshot>, StorageError> {
        let view = self.bucket.inner().view().await?;
        let warnings: Vec<String> = (view.skipped.iter())
            .filter_map(|skipped| skipped.warning(range))
            .collect();
        if let (Some(why), false) = (warnings.first(), self.query.partial_response) {
            return Err(StorageError::Other(why.clone()));
        }
        let groups = view.groups.iter().filter(|group| self.picks(group));
        let parts = groups.map(|group| {
            let storage = GroupStorage {
                bucket: Arc::clone(&self.bucket),
                group: Arc::clone(group),
                partial_response: self.query.partial_response,
            };
            let part = Part::new(Arc::new(storage)).with_range(group.range());
            let part = part.with_labels(group.labels.iter().cloned());
            let part = part.map_err(|error| StorageError::Other(error.to_string()))?;
            Ok(match &self.query.shard {
                Some(shard) => part.with_shard(shard.clone()),
                None => part,
            })
        });
        let parts = parts.collect::<Result<Vec<_>, StorageError>>()?;
        let all = Fanout::new(parts).with_partial_response(self.query.partial_response);
        let inner = all.snapshot(range).await?;
        Ok(Arc::new(BucketSnapshot {
            inner,
            view,
            warnings,
        }))
    }
}

impl Storage for BucketStorage {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        self.view(range).boxed()
    }

    fn name(&self) -> Cow<'_, str> {
        self.bucket.name().into()
    }
}

/// The view of a query: that of its groups, and what was left out.
struct BucketSnapshot {
    inner: Arc<dyn Snapshot>,
    view: Arc<View>,
    warnings: Vec<String>,
}

impl Snapshot for BucketSnapshot {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        self.inner.select(request)
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.inner.label_names(request)
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.inner.label_values(name, request)
    }

    fn warnings(&self) -> Vec<String> {
        let mut all = self.warnings.clone();
        all.extend(self.inner.warnings());
        all
    }

    fn is_fed_by_caller(&self) -> bool {
        true
    }

    fn time_range(&self) -> Option<TimeRange> {
        let ranges = || self.view.groups.iter().map(|group| group.range());
        Some(TimeRange {
            start: ranges().map(|range| range.start).min()?,
            end: ranges().map(|range| range.end).max()?,
        })
    }
}

/// The blocks of the same external labels, without these.
struct GroupStorage {
    bucket: Arc<Bucket>,
    group: Arc<Group>,
    partial_response: bool,
}

impl Storage for GroupStorage {
    fn snapshot(&self, _: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let snapshot: Arc<dyn Snapshot> = Arc::new(GroupSnapshot {
            inner: Arc::clone(self.bucket.inner()),
            group: Arc::clone(&self.group),
            partial_response: self.partial_response,
            warnings: Mutex::default(),
        });
        futures::future::ready(Ok(snapshot)).boxed()
    }

    fn name(&self) -> Cow<'_, str> {
        self.bucket.name().into()
    }
}

/// See [`GroupStorage`].
struct GroupSnapshot {
    inner: Arc<Inner>,
    group: Arc<Group>,
    partial_response: bool,
    /// What the user should know of look-ups of names and values.
    warnings: Mutex<Vec<String>>,
}

impl GroupSnapshot {
    /// What becomes of a block that cannot be read.
    fn on_failure(&self, asks_again: bool) -> OnFailure {
        OnFailure {
            is_warning: self.partial_response,
            asks_again,
        }
    }

    /// The group as it is now; without blocks if there is none any more.
    async fn refreshed(&self) -> Result<Arc<Group>, StorageError> {
        self.inner.refreshed(&self.group).await
    }

    async fn select_now(&self, request: SelectRequest<'_>) -> Result<Selected, StorageError> {
        let shared = &self.inner.shared;
        let once = group::select(shared, &self.group, request, self.on_failure(true));
        let found = match once.await {
            Err(error) if is_vanished(&error) => {
                let now = self.refreshed().await?;
                group::select(shared, &now, request, self.on_failure(false)).await?
            }
            answer => answer?,
        };
        let again = Again::new(
            Arc::clone(&self.inner),
            Arc::clone(&self.group),
            &request,
            self.on_failure(false),
        );
        let source = BucketSource::new(found.selection, again);
        let selected = Selected::new(found.labels, Arc::new(source));
        Ok(match found.projected {
            true => selected.with_projected_labels(),
            false => selected,
        }
        .with_warnings(found.warnings))
    }

    async fn texts_now(
        &self,
        label: Option<&str>,
        request: LabelsRequest<'_>,
    ) -> Result<Vec<String>, StorageError> {
        match self.texts_in(&self.group, label, request, true).await {
            Err(error) if is_vanished(&error) => {
                let now = self.refreshed().await?;
                self.texts_in(&now, label, request, false).await
            }
            answer => answer,
        }
    }

    /// The values of a label, or all names.
    async fn texts_in(
        &self,
        group: &Group,
        label: Option<&str>,
        request: LabelsRequest<'_>,
        again: bool,
    ) -> Result<Vec<String>, StorageError> {
        let TimeRange { start, end } = request.range;
        let blocks = group.all().filter(|block| block.overlaps(start, end));
        let none = [Vec::new()];
        let selectors: &[Vec<Matcher>] = match request.selectors.is_empty() {
            true => &none,
            false => request.selectors,
        };
        let mut reads = Vec::new();
        for block in blocks {
            let reader = Reader {
                block,
                shared: &self.inner.shared,
                control: request.control,
            };
            reads.extend(selectors.iter().map(|of| texts_of(reader, label, of)));
        }
        let mut lists = Vec::new();
        for answer in join_all(reads).await {
            match answer {
                Ok(texts) => lists.push(texts),
                Err(error) => {
                    let warning = self.on_failure(again).of(error)?;
                    self.warnings.lock().push(warning);
                }
            }
        }
        Ok(merge_texts(lists, 0))
    }
}

/// The values of a label, or all names, in a block.
async fn texts_of(
    reader: Reader<'_>,
    label: Option<&str>,
    matchers: &[Matcher],
) -> Result<Vec<String>, StorageError> {
    match label {
        Some(name) => reader.label_values(name, matchers).await,
        None if matchers.is_empty() => reader.all_label_names().await,
        None => reader.label_names(matchers).await,
    }
}

impl Snapshot for GroupSnapshot {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        self.select_now(request).boxed()
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.texts_now(None, request).boxed()
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.texts_now(Some(name), request).boxed()
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.lock().clone()
    }

    fn is_fed_by_caller(&self) -> bool {
        true
    }

    fn time_range(&self) -> Option<TimeRange> {
        Some(self.group.range())
    }
}
