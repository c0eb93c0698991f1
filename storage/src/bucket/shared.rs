//! What all that reads a bucket shares.

use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use super::disk_pages::{DiskPages, PAGE};
use super::header::IndexHeader;
use super::metrics::Counters;
use super::objects::Objects;
use super::options::BucketOptions;
use super::pages::PageCache;

#[derive(Debug)]
pub(super) struct Shared {
    pub objects: Objects,
    pub pages: PageCache,
    pub headers: HeaderCache,
    pub counters: Arc<Counters>,
    pub options: BucketOptions,
}

impl Shared {
    pub fn new(objects: Objects, counters: Arc<Counters>, options: BucketOptions) -> Self {
        let disk = open_disk(&options);
        Shared {
            pages: PageCache::new(options.page_cache_bytes, disk, Arc::clone(&counters)),
            headers: HeaderCache::new(options.header_cache_bytes),
            objects,
            counters,
            options,
        }
    }
}

/// The pages on disk. Without them more is fetched.
fn open_disk(options: &BucketOptions) -> Option<DiskPages> {
    let dir = options.cache_dir.as_ref()?;
    if options.disk_cache_bytes < PAGE {
        return None;
    }
    DiskPages::open(dir, options.disk_cache_bytes)
        .inspect_err(|error| {
            let dir = dir.display();
            tracing::warn!(%dir, %error, "Keeping no pages in the cache directory");
        })
        .ok()
}

/// Tables of indexes in memory, by the numbers of their blocks. The least recently used
/// make room; those that a query reads live on with it.
#[derive(Debug)]
pub(super) struct HeaderCache {
    inner: Mutex<Headers>,
    limit: usize,
}

#[derive(Debug)]
struct Headers {
    all: LruCache<u64, Arc<IndexHeader>>,
    bytes: usize,
}

impl HeaderCache {
    /// An empty cache of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        let all = LruCache::unbounded();
        HeaderCache {
            inner: Mutex::new(Headers { all, bytes: 0 }),
            limit,
        }
    }

    pub fn get(&self, block: u64) -> Option<Arc<IndexHeader>> {
        self.inner.lock().all.get(&block).cloned()
    }

    pub fn put(&self, block: u64, header: Arc<IndexHeader>) {
        let mut inner = self.inner.lock();
        inner.bytes += header.bytes();
        if let Some(old) = inner.all.put(block, header) {
            inner.bytes -= old.bytes();
        }
        while inner.bytes > self.limit
            && let Some((_, old)) = inner.all.pop_lru()
        {
            inner.bytes -= old.bytes();
        }
    }

    /// Keeps those of some blocks.
    pub fn retain(&self, keeps: impl Fn(u64) -> bool) {
        let mut inner = self.inner.lock();
        let gone = inner.all.iter().map(|(block, _)| *block);
        let gone: Vec<u64> = gone.filter(|block| !keeps(*block)).collect();
        for block in gone {
            if let Some(old) = inner.all.pop(&block) {
                inner.bytes -= old.bytes();
            }
        }
    }

    pub fn bytes(&self) -> usize {
        self.inner.lock().bytes
    }
}
