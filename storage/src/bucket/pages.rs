//! Parts of objects, in pages that are kept in memory and on disk.
//!
//! What is read of an index or of chunks is read in whole pages. Those that are neither
//! in memory nor on disk are fetched, joined to one request where they lie close
//! together. Pages are those of blocks, which never change.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use futures::future::{join, try_join_all};
use lru::LruCache;
use parking_lot::Mutex;

use super::disk_pages::{DiskPages, PAGE};
use super::downloads::{Brought, Download, Downloads};
use super::failure::ObjectError;
use super::file::{File, PageKey};
use super::metrics::Counters;
use super::objects::Objects;

/// Parts of the cache, each with a lock of its own.
const SHARDS: usize = 16;
/// An estimate of what a page costs beside its bytes.
const OVERHEAD: usize = 160;

/// Pages in memory, of which the least recently used make room, and behind them those on
/// disk.
#[derive(Debug)]
pub(super) struct PageCache {
    shards: Box<[Mutex<Shard>]>,
    /// Most bytes of a shard.
    limit: usize,
    disk: Option<Arc<DiskPages>>,
    downloads: Downloads,
    counters: Arc<Counters>,
}

#[derive(Debug)]
struct Shard {
    pages: LruCache<PageKey, Bytes>,
    bytes: usize,
}

impl PageCache {
    /// A cache with nothing in memory, where at most `limit` bytes are kept.
    pub fn new(limit: usize, disk: Option<DiskPages>, counters: Arc<Counters>) -> Self {
        let shard = || {
            Mutex::new(Shard {
                pages: LruCache::unbounded(),
                bytes: 0,
            })
        };
        PageCache {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            limit: limit / SHARDS,
            disk: disk.map(Arc::new),
            downloads: Downloads::default(),
            counters,
        }
    }

    /// The pages on disk.
    pub fn disk(&self) -> Option<&Arc<DiskPages>> {
        self.disk.as_ref()
    }

    /// Lets go of the pages that have some ranges of a file.
    pub fn forget(&self, file: &File, ranges: impl IntoIterator<Item = Range<u64>>) {
        self.downloads.forget(file);
        for page in file.pages(ranges) {
            let key = file.page_key(page);
            let mut shard = self.shard(&key).lock();
            if let Some(old) = shard.pages.pop(&key) {
                shard.bytes -= old.len() + OVERHEAD;
            }
            drop(shard);
            if let Some(disk) = &self.disk {
                disk.forget(&file.disk_key(page));
            }
        }
    }

    /// Those of some pages that can be read from disk; they come into memory.
    async fn read(&self, objects: &Objects, file: &File, pages: Vec<u32>) -> Vec<(u32, Bytes)> {
        let Some(disk) = self.disk.clone().filter(|_| !pages.is_empty()) else {
            return Vec::new();
        };
        let keys = file.clone();
        let reading = objects.runtime().spawn_blocking(move || {
            let read = |page| Some((page, disk.read(&keys.disk_key(page))?));
            pages.into_iter().filter_map(read).collect::<Vec<_>>()
        });
        // It does not panic, and is not aborted.
        let found = reading.await.unwrap_or_default();
        for (page, bytes) in &found {
            self.put(file.page_key(*page), bytes.clone());
        }
        let hits = &self.counters.disk_page_hits;
        hits.fetch_add(found.len() as u64, Relaxed);
        found
    }

    /// Splits pages into those that are on disk and those that are not.
    fn on_disk(&self, file: &File, pages: Vec<u32>) -> (Vec<u32>, Vec<u32>) {
        match &self.disk {
            Some(disk) => disk.split(pages, |page| file.disk_key(page)),
            None => (Vec::new(), pages),
        }
    }

    /// Waits for pages that are fetched, and keeps them.
    async fn wait(
        &self,
        objects: &Objects,
        file: &File,
        (download, pages): Brought,
    ) -> Result<Vec<(u32, Bytes)>, ObjectError> {
        let fetched = download.pages(&pages).await?;
        let misses = &self.counters.page_misses;
        misses.fetch_add(fetched.len() as u64, Relaxed);
        for (page, bytes) in &fetched {
            self.put(file.page_key(*page), bytes.clone());
        }
        if let Some(disk) = &self.disk {
            let keyed = fetched
                .iter()
                .map(|(page, bytes)| (file.disk_key(*page), bytes.clone()));
            disk.keep(objects.runtime(), keyed.collect());
        }
        Ok(fetched)
    }

    /// Bytes of all pages in memory.
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().bytes).sum()
    }

    /// Lets go of all pages in memory.
    #[cfg(test)]
    pub fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.pages.clear();
            shard.bytes = 0;
        }
    }

    fn shard(&self, key: &PageKey) -> &Mutex<Shard> {
        // Neighbours are in different shards.
        let mixed = key.0.wrapping_mul(31) ^ u64::from(key.1).wrapping_mul(7) ^ u64::from(key.2);
        &self.shards[mixed as usize % SHARDS]
    }

    fn get(&self, key: &PageKey) -> Option<Bytes> {
        self.shard(key).lock().pages.get(key).cloned()
    }

    fn has(&self, key: &PageKey) -> bool {
        self.shard(key).lock().pages.contains(key)
    }

    fn put(&self, key: PageKey, page: Bytes) {
        let cost = page.len() + OVERHEAD;
        if cost > self.limit {
            return;
        }
        let mut shard = self.shard(&key).lock();
        shard.bytes += cost;
        if let Some(old) = shard.pages.put(key, page) {
            shard.bytes -= old.len() + OVERHEAD;
        }
        while shard.bytes > self.limit
            && let Some((_, old)) = shard.pages.pop_lru()
        {
            shard.bytes -= old.len() + OVERHEAD;
        }
    }
}

/// Some pages of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    /// By number.
    pages: Vec<(u32, Bytes)>,
}

impl Pages {
    /// Fetches the pages that have some ranges of a file, which are clipped to it. The
    /// ranges need not be sorted.
    ///
    /// # Errors
    /// When they cannot be fetched.
    pub async fn fetch(
        objects: &Objects,
        cache: &PageCache,
        file: &File,
        ranges: impl IntoIterator<Item = Range<u64>>,
    ) -> Result<Pages, ObjectError> {
        let mut pages: Vec<(u32, Bytes)> = Vec::new();
        let mut missing = file.pages(ranges);
        missing.retain(|&page| match cache.get(&file.page_key(page)) {
            Some(bytes) => {
                pages.push((page, bytes));
                false
            }
            None => true,
        });
        let hits = &cache.counters.page_hits;
        hits.fetch_add(pages.len() as u64, Relaxed);
        if missing.is_empty() {
            return Ok(Pages { pages });
        }
        let mut brought = cache.downloads.running(file, &mut missing);
        let (on_disk, absent) = cache.on_disk(file, missing);
        brought.extend(cache.downloads.ask(objects, file, absent));
        let waits = brought.into_iter().map(|b| cache.wait(objects, file, b));
        let reading = async {
            let found = cache.read(objects, file, on_disk.clone()).await;
            // What is damaged on disk is fetched, too.
            let is_damaged = |page: &u32| found.binary_search_by_key(page, |(p, _)| *p).is_err();
            let damaged = on_disk.iter().copied().filter(is_damaged).collect();
            let brought = cache.downloads.ask(objects, file, damaged).into_iter();
            let fetched = try_join_all(brought.map(|b| cache.wait(objects, file, b))).await;
            pages.extend(found);
            fetched
        };
        let (fetched, read) = join(try_join_all(waits), reading).await;
        pages.extend(fetched?.into_iter().chain(read?).flatten());
        pages.sort_unstable_by_key(|(page, _)| *page);
        Ok(Pages { pages })
    }

    /// Begins to fetch the pages that have some ranges of a file, and are neither in
    /// memory nor on disk. Who fetches them as long as the downloads are held waits for
    /// these.
    pub fn begin(
        objects: &Objects,
        cache: &PageCache,
        file: &File,
        ranges: impl IntoIterator<Item = Range<u64>>,
    ) -> Vec<Arc<Download>> {
        let mut missing = file.pages(ranges);
        missing.retain(|&page| !cache.has(&file.page_key(page)));
        let (_, absent) = cache.on_disk(file, missing);
        let brought = cache.downloads.ask(objects, file, absent);
        brought.into_iter().map(|(download, _)| download).collect()
    }

    /// Adds the pages of another one of the same file.
    pub fn add(&mut self, more: Pages) {
        // Those that came last stay.
        let old = std::mem::replace(&mut self.pages, more.pages);
        self.pages.extend(old);
        self.pages.sort_by_key(|(page, _)| *page);
        self.pages.dedup_by_key(|(page, _)| *page);
    }

    /// The bytes of a range, as far as they are there from its beginning on: fewer, or
    /// none, if a page is missing. Those of one page are not copied.
    pub fn slice(&self, range: Range<u64>) -> Bytes {
        match self.in_one(&range) {
            Some((page, part)) => page.slice(part),
            None => self.copied(range).into(),
        }
    }

    /// The same, to look at.
    pub fn bytes(&self, range: Range<u64>) -> Cow<'_, [u8]> {
        match self.in_one(&range) {
            Some((page, part)) => Cow::Borrowed(&page[part]),
            None => Cow::Owned(self.copied(range)),
        }
    }

    /// The page that has all of a range, and where it is there.
    fn in_one(&self, range: &Range<u64>) -> Option<(&Bytes, Range<usize>)> {
        let number = (range.start / PAGE) as u32;
        let at = self.pages.binary_search_by_key(&number, |(page, _)| *page);
        let (_, page) = &self.pages[at.ok()?];
        let start = (range.start % PAGE) as usize;
        let end = start + usize::try_from(range.end - range.start).ok()?;
        (end <= page.len()).then_some((page, start..end))
    }

    fn copied(&self, range: Range<u64>) -> Vec<u8> {
        let first = (range.start / PAGE) as u32;
        let from = self.pages.partition_point(|(page, _)| *page < first);
        let mut out: Vec<u8> = Vec::new();
        let mut at = range.start;
        for (number, (page, bytes)) in (first..).zip(&self.pages[from..]) {
            if *page != number || at >= range.end {
                break;
            }
            let offset = (at - u64::from(*page) * PAGE) as usize;
            let length = ((range.end - at) as usize).min(bytes.len().saturating_sub(offset));
            if length == 0 {
                break;
            }
            out.extend_from_slice(&bytes[offset..offset + length]);
            at += length as u64;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use std::iter::once;

    use futures::FutureExt as _;

    use super::*;
    use crate::bucket::testing::{Gated, RUNTIME};

    fn page(number: u32) -> (u32, Bytes) {
        (number, vec![number as u8; PAGE as usize].into())
    }

    #[test]
    fn slices_end_at_a_missing_page() {
        let pages = Pages {
            pages: vec![page(1), page(2), page(4)],
        };
        assert_eq!(pages.slice(PAGE..PAGE + 3), vec![1; 3]);
        assert!(
            matches!(pages.bytes(PAGE..2 * PAGE), Cow::Borrowed(all) if all.len() == PAGE as usize)
        );
        assert_eq!(*pages.bytes(2 * PAGE - 1..2 * PAGE + 1), [1, 2]);
        assert_eq!(pages.slice(2 * PAGE - 1..2 * PAGE + 1), vec![1, 2]);
        assert_eq!(pages.slice(3 * PAGE - 2..3 * PAGE + 9), vec![2; 2]);
        assert!(pages.slice(0..9).is_empty());
        assert!(pages.slice(5 * PAGE..5 * PAGE + 1).is_empty());
    }

    #[test]
    fn the_least_recently_used_pages_make_room() {
        let cache = PageCache::new(
            SHARDS * 4 * (PAGE as usize + OVERHEAD),
            None,
            Arc::default(),
        );
        let key = |n: u32| (0, 0, n * SHARDS as u32);
        for n in 0..9 {
            cache.put(key(n), page(n).1);
            assert!(cache.get(&key(0)).is_some(), "used repeatedly");
        }
        assert!(cache.get(&key(1)).is_none() && cache.get(&key(8)).is_some());
        assert!(cache.bytes() <= 4 * (PAGE as usize + OVERHEAD));
    }

    #[test]
    fn pages_that_come_again_take_the_place_of_others() {
        let mut pages = Pages {
            pages: vec![page(1), page(2)],
        };
        pages.add(Pages {
            pages: vec![(2, vec![9; PAGE as usize].into()), page(3)],
        });
        assert_eq!(pages.slice(2 * PAGE - 1..2 * PAGE + 1), vec![1, 9]);
        assert_eq!(pages.slice(3 * PAGE - 1..3 * PAGE + 1), vec![9, 3]);
    }

    #[test]
    fn pages_on_their_way_are_not_asked_for_again() {
        let gated = Gated::new();
        let cache = PageCache::new(1 << 20, None, Arc::default());
        let fetch = |pages: Range<u64>| {
            Pages::fetch(
                &gated.objects,
                &cache,
                &gated.file,
                once(pages.start * PAGE..pages.end * PAGE),
            )
        };
        let begun = Pages::begin(
            &gated.objects,
            &cache,
            &gated.file,
            once(2 * PAGE..6 * PAGE),
        );
        assert_eq!(begun.len(), 1);
        RUNTIME.block_on(async {
            let mut both = Box::pin(async { tokio::join!(fetch(2..4), fetch(0..7)) });
            assert!(both.as_mut().now_or_never().is_none());
            // Of the second one only what is before and behind is asked for.
            gated.gate.add_permits(11);
            let (first, second) = both.await;
            assert_eq!(first.unwrap().slice(4 * PAGE - 1..4 * PAGE), vec![3]);
            let second = second.unwrap();
            let all = second.slice(0..7 * PAGE);
            assert!((0..7).all(|page| all[(page * PAGE) as usize] == page as u8));
        });
        let asked = gated.store.asked();
        assert_eq!((asked.ranges, asked.bytes), (2, (4 + 7) * PAGE));
        drop(begun);
        RUNTIME.block_on(fetch(0..7)).unwrap();
        assert_eq!(gated.store.asked().ranges, 0, "in memory");
    }

    #[test]
    fn a_request_that_was_given_up_has_no_pages() {
        let gated = Gated::new();
        let cache = PageCache::new(1 << 20, None, Arc::default());
        drop(Pages::begin(
            &gated.objects,
            &cache,
            &gated.file,
            once(0..PAGE),
        ));
        gated.gate.add_permits(2);
        let fetched = Pages::fetch(&gated.objects, &cache, &gated.file, once(0..PAGE));
        let fetched = RUNTIME.block_on(fetched).unwrap();
        assert_eq!(fetched.slice(0..1), vec![0]);
        assert!((1..=2).contains(&gated.store.asked().ranges));
    }
}
