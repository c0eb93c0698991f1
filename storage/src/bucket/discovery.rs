//! Finds the blocks of a bucket.
//!
//! One listing of all objects says which blocks there are, whether they are whole, how
//! large their files are, and which are marked. Beside it a `meta.json` is read of each
//! new block, and the mark of each marked one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use futures::stream;
use rustc_hash::FxHashMap;

use super::block::{BucketBlock, Sizes};
use super::disk;
use super::failure::ObjectError;
use super::meta::{DELETION_MARK, INDEX, META, ThanosMeta, deletion_time_ms, split};
use super::objects::Listed;
use super::shared::Shared;
use super::view::{Skipped, View};
use crate::tsdb::block::meta::MAX_FILE;

/// Small objects that are read at a time.
const AT_ONCE: usize = 64;
/// Most bytes of a mark.
const MAX_MARK: u64 = 1 << 20;

/// What is known of the blocks of a bucket.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    blocks: FxHashMap<String, Known>,
}

/// What is known of a block.
#[derive(Debug)]
struct Known {
    sizes: Sizes,
    block: Result<Arc<BucketBlock>, Skipped>,
    /// Whether another look may have another outcome.
    is_final: bool,
    /// When it was marked for deletion, ms.
    marked_ms: Option<i64>,
}

/// A block in a listing.
#[derive(Clone, Debug, Default)]
struct Seen {
    has_meta: bool,
    is_marked: bool,
    sizes: Sizes,
}

fn seen(objects: &[Listed]) -> BTreeMap<String, Seen> {
    let mut blocks: BTreeMap<String, Seen> = BTreeMap::new();
    for object in objects {
        let Some((ulid, name)) = split(&object.name) else {
            continue;
        };
        let block = blocks.entry(ulid.to_string()).or_default();
        match name {
            META => block.has_meta = true,
            DELETION_MARK => block.is_marked = true,
            name => block.sizes.add(name, object.size),
        }
    }
    // What is uploaded or deleted has no meta.json: it is written last, and deleted
    // first.
    blocks.retain(|_, block| block.has_meta);
    blocks
}

impl Discovery {
    /// Looks at the bucket.
    ///
    /// # Errors
    /// When the bucket cannot be listed. A block that cannot be read is left out of the
    /// view, which says so.
    pub async fn look(&mut self, shared: &Shared) -> Result<View, ObjectError> {
        let seen = seen(&shared.objects.list().await?);
        self.blocks.retain(|ulid, known| match seen.get(ulid) {
            Some(seen) => known.is_final && known.sizes == seen.sizes,
            None => false,
        });
        let mut reads = Vec::new();
        for (ulid, seen) in &seen {
            if !self.blocks.contains_key(ulid) {
                reads.push(Known::read(shared, ulid.clone(), seen.clone()));
            }
        }
        let read = stream::iter(reads).buffer_unordered(AT_ONCE);
        let read: Vec<(String, Option<Known>)> = read.collect().await;
        for (ulid, known) in read {
            // One that has just been deleted is not there.
            if let Some(known) = known {
                self.blocks.insert(ulid, known);
            }
        }
        self.read_marks(shared, &seen).await;
        self.forget(shared, &seen);
        Ok(self.view(shared.options.ignore_deletion_marks_delay))
    }

    /// Reads the marks of those blocks that were not known to be marked.
    async fn read_marks(&mut self, shared: &Shared, seen: &BTreeMap<String, Seen>) {
        let is_marked = |ulid: &str| seen.get(ulid).is_some_and(|seen| seen.is_marked);
        let mut unread = Vec::new();
        for (ulid, known) in &mut self.blocks {
            match (is_marked(ulid), known.marked_ms) {
                (true, None) => unread.push(ulid.clone()),
                // A mark may be taken back.
                (false, Some(_)) => known.marked_ms = None,
                _ => {}
            }
        }
        let mut reads = Vec::new();
        for ulid in unread {
            reads.push(read_mark(shared, ulid));
        }
        let read = stream::iter(reads).buffer_unordered(AT_ONCE);
        let read: Vec<(String, Result<i64, String>)> = read.collect().await;
        for (ulid, marked) in read {
            match marked {
                Ok(marked_ms) => {
                    if let Some(known) = self.blocks.get_mut(&ulid) {
                        known.marked_ms = Some(marked_ms);
                    }
                }
                // The block is read on, as in Thanos, and the mark at the next look.
                Err(why) => tracing::warn!(why, "Cannot read a deletion mark"),
            }
        }
    }

    /// Lets go of what is kept of blocks that are not there any more.
    fn forget(&self, shared: &Shared, seen: &BTreeMap<String, Seen>) {
        let numbers = self.blocks.values();
        let numbers = numbers.filter_map(|known| known.block.as_ref().ok());
        let numbers: rustc_hash::FxHashSet<u64> = numbers.map(|block| block.number).collect();
        shared.headers.retain(|number| numbers.contains(&number));
        if let Some(dir) = &shared.options.cache_dir {
            disk::retain(dir, |ulid| seen.contains_key(ulid));
        }
        if let Some(disk) = shared.pages.disk() {
            disk.retain(|ulid| seen.contains_key(ulid));
        }
    }

    fn view(&self, delay: Duration) -> View {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
        let delay_ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        let is_read = |known: &&Known| {
            let marked = known.marked_ms;
            marked.is_none_or(|marked| now_ms.saturating_sub(marked) <= delay_ms)
        };
        let (mut blocks, mut skipped) = (Vec::new(), Vec::new());
        for known in self.blocks.values().filter(is_read) {
            match &known.block {
                Ok(block) => blocks.push(Arc::clone(block)),
                Err(why) => skipped.push(why.clone()),
            }
        }
        skipped.sort_by(|a, b| a.why.cmp(&b.why));
        View::new(blocks, skipped)
    }
}

impl Known {
    /// Reads the `meta.json` of a block; `None` if it is gone.
    async fn read(shared: &Shared, ulid: String, seen: Seen) -> (String, Option<Known>) {
        let known = Known::try_read(shared, &ulid, &seen).await;
        (ulid, known)
    }

    async fn try_read(shared: &Shared, ulid: &str, seen: &Seen) -> Option<Known> {
        let name = format!("{ulid}/{META}");
        let shown = shared.objects.shown(&name);
        let known = |block, is_final| {
            Some(Known {
                sizes: seen.sizes.clone(),
                block,
                is_final,
                marked_ms: None,
            })
        };
        let left_out = |why: String, range| Err(Skipped { why, range });
        let meta = match read_meta(shared, ulid, &name).await {
            Ok(Ok(meta)) => meta,
            Ok(Err((why, range))) => {
                let why = format!("{shown}: {why}");
                tracing::error!(why, "Failed to read meta.json for a block. Skipping");
                return known(left_out(why, range), false);
            }
            Err(error) if error.missing => return None,
            Err(error) => {
                let why = error.to_string();
                tracing::error!(why, "Failed to read meta.json for a block. Skipping");
                return known(left_out(why, None), false);
            }
        };
        let range = (meta.block.min_time, meta.block.max_time);
        match BucketBlock::new(ulid, meta, &seen.sizes) {
            Some(block) => known(Ok(Arc::new(block)), true),
            None => {
                let index = shared.objects.shown(&format!("{ulid}/{INDEX}"));
                let why = format!("{index} is missing");
                tracing::error!(why, "A block has no index. Skipping");
                known(left_out(why, Some(range)), true)
            }
        }
    }
}

/// When a block was marked for deletion, ms.
async fn read_mark(shared: &Shared, ulid: String) -> (String, Result<i64, String>) {
    let name = format!("{ulid}/{DELETION_MARK}");
    let text = shared.objects.get(&name, MAX_MARK).await;
    let read = text.map_err(|error| error.to_string()).and_then(|text| {
        let shown = shared.objects.shown(&name);
        deletion_time_ms(&text).map_err(|why| format!("{shown}: {why}"))
    });
    (ulid, read)
}

type Read = Result<ThanosMeta, (String, Option<(i64, i64)>)>;

/// A block's `meta.json`: from the cache directory, else from the bucket.
async fn read_meta(shared: &Shared, ulid: &str, name: &str) -> Result<Read, ObjectError> {
    let dir = shared.options.cache_dir.as_ref();
    let file: Option<PathBuf> = dir.map(|dir| dir.join(ulid).join(META));
    let runtime = shared.objects.runtime();
    if let Some(file) = &file
        && let Some(text) = disk::read(runtime, file.clone()).await
    {
        match ThanosMeta::parse(&text, ulid) {
            Ok(meta) => return Ok(Ok(meta)),
            Err(malformed) => {
                let file = file.display();
                tracing::warn!(%file, why = malformed.why, "Reading a meta.json anew");
            }
        }
    }
    let text = shared.objects.get(name, MAX_FILE).await?;
    match ThanosMeta::parse(&text, ulid) {
        Ok(meta) => {
            if let Some(file) = file {
                disk::write(runtime, file, text).await;
            }
            Ok(Ok(meta))
        }
        Err(malformed) => Ok(Err((malformed.why, malformed.range))),
    }
}
