//! The connector: each query sees the current state of the directory.
//!
//! A few system calls tell whether the directory has changed. If not, a query
//! shares the last view. Otherwise a thread of its own refreshes the view, since
//! reading a log may take long; queries that arrive meanwhile wait for the next
//! refresh.
//!
//! Before a query gets a view, the files of the blocks in its range are compared
//! with what is mapped. A block whose files were truncated or replaced is opened
//! anew, as at the start; as long as that fails, so do the queries in its range.

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use quarrel_engine::storage::{Snapshot, Storage, StorageError, TimeRange};

use super::cache::Cache;
use super::data_path::DataPath;
use super::directory::{self, Listing, LiveBlock, Skipped};
use super::head::{Head, HeadOptions, HeadReader, Watch};
use super::head_source;
use super::snapshot::{TsdbSnapshot, View};

/// Options of reading a data directory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TsdbOptions {
    /// Most bytes of the cache of label values and matched series.
    pub cache_bytes: usize,
    /// How often the tombstones of blocks are checked for changes: a deletion
    /// takes effect at most this much later.
    pub tombstones_interval: Duration,
    /// Whether the symbols and the postings offset tables of blocks are read when
    /// these are opened, as Prometheus does, and not by the first query that needs
    /// them: some 30 ms for each million of series.
    pub reads_tables: bool,
}

impl Default for TsdbOptions {
    fn default() -> Self {
        TsdbOptions {
            cache_bytes: 256 << 20,
            tombstones_interval: Duration::from_secs(1),
            reads_tables: false,
        }
    }
}

/// The storage of a Prometheus data directory.
#[derive(Debug)]
pub struct Tsdb {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: DataPath,
    options: TsdbOptions,
    cache: Arc<Cache>,
    state: Mutex<State>,
    waiting: Mutex<Waiting>,
}

/// The directory as it was read last.
#[derive(Debug)]
struct State {
    watch: Watch,
    head: HeadReader,
    tombstones_read: Instant,
    view: Arc<View>,
}

type Answer = Result<Arc<View>, StorageError>;

/// A query that waits for a new view.
#[derive(Debug)]
struct Request {
    /// The range in which blocks are to be opened anew if their files changed.
    reopen: Option<TimeRange>,
    sender: oneshot::Sender<Answer>,
}

/// Queries that wait for a new view.
#[derive(Debug, Default)]
struct Waiting {
    requests: Vec<Request>,
    /// Whether a thread will answer them.
    has_thread: bool,
}

/// How often reading starts again because the directory changed meanwhile.
/// Prometheus truncates or compacts about twice in two hours.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(20);

impl Tsdb {
    /// Opens the data directory `path`: reads the headers of all blocks and the
    /// whole head.
    ///
    /// # Errors
    /// When it cannot be read, or where Prometheus would not start either: a
    /// corrupt block, a corrupt checkpoint.
    pub fn open(path: impl AsRef<Path>, options: TsdbOptions) -> Result<Tsdb, StorageError> {
        let dir = DataPath::root(path.as_ref());
        let cache = Arc::new(Cache::new(options.cache_bytes));
        let state = State::open(&dir, &cache)?;
        if options.reads_tables {
            directory::read_tables(&state.view.blocks);
        }
        let state = Mutex::new(state);
        let inner = Inner {
            dir,
            options,
            cache,
            state,
            waiting: Mutex::default(),
        };
        Ok(Tsdb {
            inner: Arc::new(inner),
        })
    }

    /// The head as it is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn head(&self) -> Result<Arc<Head>, StorageError> {
        let view = match self.inner.current() {
            Some(view) => view,
            None => self.inner.new_view(None).await?,
        };
        Ok(Arc::clone(&view.head))
    }

    /// Whether a directory looks like that of a Prometheus: it has a block, or a
    /// part of a head.
    pub fn is_data_dir(path: impl AsRef<Path>) -> bool {
        directory::has_data(&DataPath::root(path.as_ref()))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.inner.dir.root_path()
    }
}

impl Storage for Tsdb {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        Box::pin(async move {
            let mut view = match self.inner.current() {
                Some(view) => view,
                None => self.inner.new_view(None).await?,
            };
            if !view.is_unchanged(range) {
                view = self.inner.new_view(Some(range)).await?;
            }
            Ok(Arc::new(TsdbSnapshot(view, range)) as Arc<dyn Snapshot>)
        })
    }

    fn name(&self) -> Cow<'_, str> {
        let name = self.inner.dir.name();
        name.map_or("tsdb".into(), |name| name.to_string_lossy())
    }
}

impl Inner {
    /// The last view, if nothing has changed since.
    fn current(&self) -> Option<Arc<View>> {
        let state = self.state.try_lock()?;
        let is_current = state.watch.is_unchanged()
            && (state.head.has_no_logs() || state.head.is_current())
            && state.tombstones_read.elapsed() < self.options.tombstones_interval;
        is_current.then(|| state.view.clone())
    }

    /// A view that is not older than this call.
    async fn new_view(self: &Arc<Self>, reopen: Option<TimeRange>) -> Answer {
        let lost = |_| StorageError::Other("the thread that reads the head is gone".into());
        self.request_view(reopen)?.await.map_err(lost)?
    }

    fn request_view(
        self: &Arc<Self>,
        reopen: Option<TimeRange>,
    ) -> Result<oneshot::Receiver<Answer>, StorageError> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        waiting.requests.push(Request { reopen, sender });
        if !waiting.has_thread {
            let inner = self.clone();
            let thread = thread::Builder::new().name("quarrel-tsdb".into());
            thread
                .spawn(move || inner.serve())
                .map_err(|e| self.dir.io(e))?;
            waiting.has_thread = true;
        }
        Ok(receiver)
    }

    /// Refreshes the view until no query waits.
    fn serve(&self) {
        loop {
            let requests = {
                let mut waiting = self.waiting.lock();
                if waiting.requests.is_empty() {
                    waiting.has_thread = false;
                    return;
                }
                std::mem::take(&mut waiting.requests)
            };
            let answer = self.answer(None);
            for Request { reopen, sender } in requests {
                let answer = match reopen {
                    Some(range) => self.answer(Some(range)),
                    None => copy(&answer),
                };
                // A cancelled query needs no answer.
                let _ = sender.send(answer);
            }
        }
    }

    fn answer(&self, reopen: Option<TimeRange>) -> Answer {
        let refresh = || self.state.lock().refresh(self, reopen);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(refresh))
            .unwrap_or_else(|_| Err(StorageError::Other("reading the head panicked".into())))
    }
}

/// Copies an answer for a further query.
fn copy(answer: &Answer) -> Answer {
    match answer {
        Ok(view) => Ok(view.clone()),
        Err(StorageError::Corrupt { file, detail }) => Err(StorageError::Corrupt {
            file: file.clone(),
            detail: detail.clone(),
        }),
        Err(StorageError::Io { path, error }) => Err(StorageError::Io {
            path: path.clone(),
            error: io::Error::new(error.kind(), error.to_string()),
        }),
        Err(other) => Err(StorageError::Other(other.to_string())),
    }
}

/// The time (ms) before which in-order samples of the head are in blocks.
fn min_valid_time(blocks: &[LiveBlock]) -> i64 {
    let in_order = blocks
        .iter()
        .map(|b| b.block.meta())
        .filter(|m| m.is_in_order());
    in_order.map(|m| m.max_time).max().unwrap_or(i64::MIN)
}

/// Runs `read` until the directory does not change meanwhile.
fn read_unchanged<T>(
    dir: &DataPath,
    mut read: impl FnMut() -> Result<Option<T>, StorageError>,
) -> Result<T, StorageError> {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            thread::sleep(PAUSE);
        }
        if let Some(value) = read()? {
            return Ok(value);
        }
    }
    Err(StorageError::Other(format!(
        "{dir} changed during each attempt to read it"
    )))
}

fn same(a: &[LiveBlock], b: &[LiveBlock]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| Arc::ptr_eq(&a.block, &b.block))
}

impl State {
    fn open(dir: &DataPath, cache: &Arc<Cache>) -> Result<State, StorageError> {
        read_unchanged(dir, || {
            let mut watch = Watch::new(dir);
            watch.may_have_changed();
            let tombstones_read = Instant::now();
            let Listing { blocks, skipped } = directory::list(dir, &[])?;
            let options = HeadOptions {
                min_valid_time_ms: min_valid_time(&blocks),
            };
            let head = match HeadReader::open(dir.root_path(), options) {
                Ok(head) => head,
                Err(e) if e.is_changed() => return Ok(None),
                Err(e) => return Err(head_source::error(e)),
            };
            // Samples that left the head meanwhile are in a new block.
            if watch.may_have_changed() && !same(&directory::list(dir, &blocks)?.blocks, &blocks) {
                return Ok(None);
            }
            Skipped::log(&skipped, &[]);
            let view = View {
                blocks,
                skipped,
                head: head.head(),
                cache: cache.clone(),
            };
            Ok(Some(State {
                watch,
                head,
                tombstones_read,
                view: Arc::new(view),
            }))
        })
    }

    /// Reads the changes of the directory and returns the current view. Opens
    /// blocks in the range `reopen` anew if their files changed.
    fn refresh(&mut self, of: &Inner, reopen: Option<TimeRange>) -> Answer {
        let answer = self.try_refresh(of, reopen);
        if answer.is_err() {
            // The next query must see the cause again.
            self.watch = Watch::new(&of.dir);
        }
        answer
    }

    fn try_refresh(&mut self, of: &Inner, reopen: Option<TimeRange>) -> Answer {
        let dir = &of.dir;
        read_unchanged(dir, || {
            let mut blocks = self.view.blocks.clone();
            let mut skipped = self.view.skipped.clone();
            // A block that is left out may be mended where it is.
            if self.watch.may_have_changed() || !skipped.is_empty() {
                let listing = directory::list(dir, &blocks)?;
                Skipped::log(&listing.skipped, &skipped);
                Listing { blocks, skipped } = listing;
            }
            if self.tombstones_read.elapsed() >= of.options.tombstones_interval {
                blocks
                    .iter_mut()
                    .try_for_each(LiveBlock::update_tombstones)?;
                self.tombstones_read = Instant::now();
            }
            if let Some(range) = reopen {
                let overlaps = |b: &LiveBlock| b.block.meta().overlaps(range.start, range.end);
                for block in blocks.iter_mut().filter(|b| overlaps(b)) {
                    if !block.block.is_unchanged() {
                        *block = block.reopened()?;
                    }
                }
            }
            let head = match self.head.refresh(min_valid_time(&blocks)) {
                Ok(head) => head,
                Err(e) if e.is_changed() => return Ok(None),
                Err(e) => return Err(head_source::error(e)),
            };
            if self.watch.may_have_changed()
                && !same(&directory::list(dir, &blocks)?.blocks, &blocks)
            {
                // The new list is dropped, so the next attempt must list again.
                self.watch = Watch::new(dir);
                return Ok(None);
            }
            if of.options.reads_tables {
                directory::read_tables(&blocks);
            }
            let listing = Listing { blocks, skipped };
            Ok(Some(self.publish(listing, head, &of.cache)))
        })
    }

    fn publish(
        &mut self,
        listing: Listing,
        head: Arc<super::head::Head>,
        cache: &Arc<Cache>,
    ) -> Arc<View> {
        let Listing { blocks, skipped } = listing;
        let old = &self.view;
        let same_blocks = same(&old.blocks, &blocks);
        if same_blocks
            && old.blocks.iter().zip(&blocks).all(|(a, b)| a.is_same(b))
            && old.skipped == skipped
            && Arc::ptr_eq(&old.head, &head)
        {
            return old.clone();
        }
        if !same_blocks {
            let numbers: Vec<u64> = blocks.iter().map(|b| b.block.number()).collect();
            cache.retain(|number| numbers.contains(&number));
        }
        self.view = Arc::new(View {
            blocks,
            skipped,
            head,
            cache: cache.clone(),
        });
        self.view.clone()
    }
}

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod tests;
