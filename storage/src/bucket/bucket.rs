//! A bucket that keeps itself up to date.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::path::Path;
use quarrel_engine::storage::{StorageError, TimeRange};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, watch};

use super::config::{BucketConfig, BucketConfigError, Opened};
use super::discovery::Discovery;
use super::failure::ObjectError;
use super::metrics::{BucketMetrics, Counters};
use super::objects::Objects;
use super::options::BucketOptions;
use super::shared::Shared;
use super::view::{Group, View};
use crate::tasks::Task;

/// When a bucket that could not be listed is looked at again.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// A bucket with blocks of Thanos. It is listed every few minutes, by a task that ends
/// when this is dropped; [`BucketStorage`](super::BucketStorage) reads it.
#[derive(Debug)]
pub struct Bucket {
    inner: Arc<Inner>,
    _task: Task<()>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub shared: Arc<Shared>,
    discovery: Mutex<Discovery>,
    view: watch::Sender<Option<Result<Arc<View>, ObjectError>>>,
}

/// The blocks of a bucket that have the same external labels.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketDatabase {
    /// The labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// The closed range of its samples, ms.
    pub range: TimeRange,
    /// How many blocks there are.
    pub blocks: usize,
}

impl Bucket {
    /// Begins to read a bucket, on the current tokio runtime, on which the requests of
    /// queries run as well.
    ///
    /// # Errors
    /// When the configuration makes no client. A bucket that does not answer is no error:
    /// see [`Bucket::ready`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn open(config: &BucketConfig, options: BucketOptions) -> Result<Self, BucketConfigError> {
        let Opened {
            store,
            prefix,
            name,
            max_requests,
        } = config.open()?;
        let mut options = options;
        options.max_requests =
            max_requests.map_or(options.max_requests, |most| most.min(options.max_requests));
        Ok(Bucket::start(store, prefix, name, options))
    }

    /// The same of the objects of any store below a prefix, empty for all of them.
    /// Errors and users call it `name`.
    ///
    /// # Errors
    /// When the prefix is no path.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn over(
        store: Arc<dyn ObjectStore>,
        prefix: &str,
        name: &str,
        options: BucketOptions,
    ) -> Result<Self, BucketConfigError> {
        let parsed = Path::parse(prefix.trim_matches('/'));
        let prefix = parsed.map_err(|error| BucketConfigError::Setting {
            key: "prefix",
            why: error.to_string(),
        })?;
        Ok(Bucket::start(store, prefix, name.to_string(), options))
    }

    fn start(
        store: Arc<dyn ObjectStore>,
        prefix: Path,
        name: String,
        options: BucketOptions,
    ) -> Self {
        let counters = Arc::new(Counters::default());
        let places = options.max_requests;
        let objects = Objects::new(store, prefix, name, places, Arc::clone(&counters));
        let inner = Arc::new(Inner {
            shared: Arc::new(Shared::new(objects, counters, options)),
            discovery: Mutex::default(),
            view: watch::Sender::new(None),
        });
        let task = Task::spawn(&Handle::current(), keep_up(Arc::clone(&inner)));
        Bucket { inner, _task: task }
    }

    /// The bucket's name, without anything secret.
    pub fn name(&self) -> &str {
        self.inner.shared.objects.name()
    }

    /// Waits until the bucket was listed once.
    ///
    /// # Errors
    /// When that has failed. It is tried again.
    pub async fn ready(&self) -> Result<(), StorageError> {
        self.inner.view().await.map(|_| ())
    }

    /// Looks at the bucket now.
    ///
    /// # Errors
    /// When it cannot be listed; queries then read what was there before.
    pub async fn refresh(&self) -> Result<(), StorageError> {
        self.inner.refresh().await.map(|_| ())
    }

    /// What there is, by external labels; nothing as long as the bucket was not listed.
    pub fn databases(&self) -> Vec<BucketDatabase> {
        let view = self.inner.view.borrow();
        let Some(Ok(view)) = &*view else {
            return Vec::new();
        };
        let database = |group: &Arc<Group>| BucketDatabase {
            labels: group.labels.clone(),
            range: group.range(),
            blocks: group.all().count(),
        };
        view.groups.iter().map(database).collect()
    }

    /// What was counted.
    pub fn metrics(&self) -> BucketMetrics {
        let Shared {
            objects,
            pages,
            headers,
            counters,
            ..
        } = &*self.inner.shared;
        let (mut blocks, mut skipped_blocks) = (0, 0);
        if let Some(Ok(view)) = &*self.inner.view.borrow() {
            blocks = view.blocks().count() as u64;
            skipped_blocks = view.skipped.len() as u64;
        }
        BucketMetrics {
            bucket: objects.name().to_string(),
            operations: counters.operations(),
            blocks,
            skipped_blocks,
            syncs: counters.syncs.load(Relaxed),
            sync_failures: counters.sync_failures.load(Relaxed),
            page_hits: counters.page_hits.load(Relaxed),
            disk_page_hits: counters.disk_page_hits.load(Relaxed),
            page_misses: counters.page_misses.load(Relaxed),
            page_bytes: pages.bytes() as u64,
            disk_page_bytes: pages.disk().map_or(0, |disk| disk.bytes()),
            header_bytes: headers.bytes() as u64,
            headers_built: counters.headers_built.load(Relaxed),
        }
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }
}

async fn keep_up(inner: Arc<Inner>) {
    let interval = inner.shared.options.sync_interval;
    loop {
        // What has failed is logged, and told to who waits.
        let pause = match inner.look().await {
            Ok(_) => interval,
            Err(_) => interval.min(AFTER_FAILURE),
        };
        tokio::time::sleep(pause).await;
    }
}

impl Inner {
    /// What there is now. Waits for the first listing.
    ///
    /// # Errors
    /// When the bucket could never be listed.
    pub async fn view(&self) -> Result<Arc<View>, StorageError> {
        let mut known = self.view.subscribe();
        let view = known.wait_for(Option::is_some).await;
        // The sender is in `self`.
        match view.ok().and_then(|view| view.clone()) {
            Some(Ok(view)) => Ok(view),
            Some(Err(error)) => Err(error.into()),
            None => Err(StorageError::Other("the bucket is closed".to_string())),
        }
    }

    /// Lists the bucket, and gives what is there then.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub async fn refresh(self: &Arc<Self>) -> Result<Arc<View>, StorageError> {
        let inner = Arc::clone(self);
        let looking = Task::spawn(
            self.shared.objects.runtime(),
            async move { inner.look().await },
        );
        match looking.await {
            Ok(view) => Ok(view?),
            Err(error) => Err(StorageError::Other(format!(
                "the bucket is closed: {error}"
            ))),
        }
    }

    /// A group as it is now; without blocks if there is none of its labels any more.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn refreshed(self: &Arc<Self>, group: &Group) -> Result<Arc<Group>, StorageError> {
        let view = self.refresh().await?;
        let now = view.group(&group.labels).cloned();
        Ok(now.unwrap_or_else(|| Arc::new(group.emptied())))
    }

    async fn look(&self) -> Result<Arc<View>, ObjectError> {
        // Who waits here has a newer view than he needs.
        let mut discovery = self.discovery.lock().await;
        let counters = &self.shared.counters;
        match discovery.look(&self.shared).await {
            Ok(view) => {
                counters.syncs.fetch_add(1, Relaxed);
                let view = Arc::new(view);
                self.view.send_replace(Some(Ok(Arc::clone(&view))));
                Ok(view)
            }
            Err(error) => {
                counters.sync_failures.fetch_add(1, Relaxed);
                tracing::error!(%error, "Cannot list the bucket");
                self.view.send_if_modified(|view| match view {
                    // Queries go on with what was there.
                    Some(Ok(_)) => false,
                    view => {
                        *view = Some(Err(error.clone()));
                        true
                    }
                });
                Err(error)
            }
        }
    }
}
