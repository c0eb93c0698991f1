//! Pages of objects on disk, so that the next process finds what this one has fetched.
//!
//! They are two files of the cache directory. `pages` has slots of the size of a page,
//! `pages.index` says what is in each of them:
//!
//! | part | bytes |
//! | --- | --- |
//! | `QPGS`, version, zeros | 4, 1, 3 |
//! | of each slot: ULID of the block, number of its file, number of the page, length of the page, CRC-32C of the page, CRC-32C of all before in this record, zeros | 26, 4, 4, 4, 4, 4, 2 |
//!
//! Numbers are little-endian. A slot is written before its record, and compared with it
//! when it is read, so that a torn write is a page that is not there. One process writes
//! the files: it has a lock on the index.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::Bytes;
use lru::LruCache;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Bytes of a page, in memory as well. Thanos's cache has the same.
pub(super) const PAGE: u64 = 16 << 10;
const START: [u8; 8] = *b"QPGS\x01\0\0\0";
/// Bytes of a record.
const RECORD: usize = 48;
/// Bytes of pages that wait to be written; what comes beyond is not kept.
const MOST_WAITING: usize = 64 << 20;

/// A page of a file of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DiskKey {
    pub ulid: [u8; 26],
    pub file: u32,
    pub page: u32,
}

/// Pages in a file, of which the least recently used make room.
#[derive(Debug)]
pub(super) struct DiskPages {
    pages: File,
    index: File,
    slots: Mutex<Slots>,
    /// Bytes that may wait.
    waiting: Arc<Semaphore>,
    /// The disk is full, or broken: nothing is written any more.
    is_given_up: AtomicBool,
}

#[derive(Debug)]
struct Slots {
    known: LruCache<DiskKey, Slot>,
    free: Vec<u32>,
    /// Those from here on were never used.
    next: u32,
    /// How many there may be.
    most: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    number: u32,
    length: u32,
    checksum: u32,
}

impl Slot {
    fn at(self) -> u64 {
        u64::from(self.number) * PAGE
    }

    fn record_at(self) -> u64 {
        (START.len() + self.number as usize * RECORD) as u64
    }

    fn record(self, key: &DiskKey) -> [u8; RECORD] {
        let mut record = [0; RECORD];
        record[..26].copy_from_slice(&key.ulid);
        let numbers = [key.file, key.page, self.length, self.checksum];
        for (to, number) in record[26..42].chunks_exact_mut(4).zip(numbers) {
            to.copy_from_slice(&number.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&record[..42]);
        record[42..46].copy_from_slice(&checksum.to_le_bytes());
        record
    }

    /// What a record says of slot `number`; `None` if it says nothing.
    fn read(number: u32, record: &[u8]) -> Option<(DiskKey, Slot)> {
        let at = |start: usize| Some(u32::from_le_bytes(*record.get(start..)?.first_chunk()?));
        let ulid = *record.first_chunk()?;
        let slot = Slot {
            number,
            length: at(34)?,
            checksum: at(38)?,
        };
        let (file, page) = (at(26)?, at(30)?);
        let is_whole = at(42)? == crc32c::crc32c(record.get(..42)?);
        let is_page = (1..=PAGE).contains(&u64::from(slot.length));
        (is_whole && is_page).then_some((DiskKey { ulid, file, page }, slot))
    }
}

impl Slots {
    /// A slot for a page: one that is free, a new one, or the least recently used.
    fn take(&mut self) -> Option<u32> {
        if let Some(number) = self.free.pop() {
            return Some(number);
        }
        if self.next < self.most {
            self.next += 1;
            return Some(self.next - 1);
        }
        self.known.pop_lru().map(|(_, slot)| slot.number)
    }

    fn put(&mut self, key: DiskKey, slot: Slot) {
        if let Some(old) = self.known.put(key, slot) {
            self.free.push(old.number);
        }
    }
}

impl DiskPages {
    /// The pages in a directory, at most `limit` bytes of them.
    ///
    /// # Errors
    /// When the files cannot be read or written, or another process has them.
    pub fn open(dir: &Path, limit: u64) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let open = |name| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            options.open(dir.join(name))
        };
        let (index, pages) = (open("pages.index")?, open("pages")?);
        index.try_lock()?;
        let most = u32::try_from(limit / PAGE).unwrap_or(u32::MAX);
        let slots = read_index(&index, &pages, most)?;
        Ok(DiskPages {
            pages,
            index,
            slots: Mutex::new(slots),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            is_given_up: AtomicBool::new(false),
        })
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.slots.lock().known.len() as u64 * PAGE
    }

    /// Splits pages into those that are there and those that are not.
    pub fn split(&self, pages: Vec<u32>, key: impl Fn(u32) -> DiskKey) -> (Vec<u32>, Vec<u32>) {
        let slots = self.slots.lock();
        let is_known = |page: &u32| slots.known.contains(&key(*page));
        pages.into_iter().partition(is_known)
    }

    /// Reads a page; `None` if it is not there, or damaged.
    pub fn read(&self, key: &DiskKey) -> Option<Bytes> {
        let slot = *self.slots.lock().known.get(key)?;
        let mut page = vec![0; slot.length as usize];
        let read = self.pages.read_exact_at(&mut page, slot.at());
        if read.is_ok() && crc32c::crc32c(&page) == slot.checksum {
            return Some(page.into());
        }
        self.forget_slot(key, |known| known == slot);
        None
    }

    /// Writes pages, some time later.
    pub fn keep(self: &Arc<Self>, runtime: &Handle, pages: Vec<(DiskKey, Bytes)>) {
        let bytes: usize = pages.iter().map(|(_, page)| page.len()).sum();
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let Ok(place) = Arc::clone(&self.waiting).try_acquire_many_owned(bytes) else {
            return;
        };
        let this = Arc::clone(self);
        runtime.spawn_blocking(move || {
            for (key, page) in pages {
                this.write(key, &page);
            }
            drop(place);
        });
    }

    /// Writes a page. That it cannot be written costs requests later.
    pub fn write(&self, key: DiskKey, page: &[u8]) {
        if self.is_given_up.load(Relaxed) || self.slots.lock().known.contains(&key) {
            return;
        }
        let Some(number) = self.slots.lock().take() else {
            return;
        };
        let slot = Slot {
            number,
            length: page.len() as u32,
            checksum: crc32c::crc32c(page),
        };
        let record = slot.record(&key);
        let written = self.pages.write_all_at(page, slot.at());
        match written.and_then(|()| self.index.write_all_at(&record, slot.record_at())) {
            Ok(()) => self.slots.lock().put(key, slot),
            Err(error) => {
                self.slots.lock().free.push(number);
                if !self.is_given_up.swap(true, Relaxed) {
                    tracing::warn!(%error, "Cannot write pages to the cache directory; no more are kept");
                }
            }
        }
    }

    /// Lets go of a page.
    pub fn forget(&self, key: &DiskKey) {
        self.forget_slot(key, |_| true);
    }

    fn forget_slot(&self, key: &DiskKey, is_it: impl Fn(Slot) -> bool) {
        let mut slots = self.slots.lock();
        let Some(slot) = slots.known.peek(key).copied().filter(|slot| is_it(*slot)) else {
            return;
        };
        slots.known.pop(key);
        slots.free.push(slot.number);
        // Under the lock, so that it is not the record of the slot's next page. If it
        // stays, the page is found damaged once more.
        let _ = self.index.write_all_at(&[0; RECORD], slot.record_at());
    }

    /// Keeps the pages of some blocks.
    pub fn retain(&self, keeps: impl Fn(&str) -> bool) {
        let mut slots = self.slots.lock();
        let is_gone = |key: &DiskKey| std::str::from_utf8(&key.ulid).map_or(true, |u| !keeps(u));
        let all = slots.known.iter().map(|(key, _)| *key);
        let gone: Vec<DiskKey> = all.filter(is_gone).collect();
        for key in gone {
            if let Some(slot) = slots.known.pop(&key) {
                slots.free.push(slot.number);
            }
        }
    }

    /// Waits until all is written.
    #[cfg(test)]
    pub async fn settle(&self) {
        let _ = self.waiting.acquire_many(MOST_WAITING as u32).await;
    }
}

/// What is in the slots; nothing, if the files are of another version.
fn read_index(index: &File, pages: &File, most: u32) -> io::Result<Slots> {
    let mut start = START;
    let length = index.metadata()?.len();
    let is_ours = length >= START.len() as u64
        && index.read_exact_at(&mut start, 0).is_ok()
        && start == START;
    if !is_ours {
        index.set_len(0)?;
        pages.set_len(0)?;
        index.write_all_at(&START, 0)?;
    }
    let length = index.metadata()?.len() - START.len() as u64;
    let count = u32::try_from(length / RECORD as u64).unwrap_or(u32::MAX);
    let next = count.min(most);
    let mut records = vec![0; next as usize * RECORD];
    index.read_exact_at(&mut records, START.len() as u64)?;
    if count > most {
        // The limit was a larger one.
        index.set_len((START.len() + records.len()) as u64)?;
        pages.set_len(u64::from(most) * PAGE)?;
    }
    let mut slots = Slots {
        known: LruCache::unbounded(),
        free: Vec::new(),
        next,
        most,
    };
    for (number, record) in (0..next).zip(records.chunks_exact(RECORD)) {
        match Slot::read(number, record) {
            Some((key, slot)) => slots.put(key, slot),
            None => slots.free.push(number),
        }
    }
    Ok(slots)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn key(page: u32) -> DiskKey {
        DiskKey {
            ulid: *b"01M85E79XRE5Y0GPF7ZGGT2A8W",
            file: 1,
            page,
        }
    }

    fn page(number: u32) -> Vec<u8> {
        vec![number as u8 + 1; PAGE as usize - (number as usize % 3) * 100]
    }

    #[test]
    fn pages_are_found_by_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        let open = || DiskPages::open(dir.path(), 8 * PAGE);
        let first = open().unwrap();
        for number in 0..6 {
            first.write(key(number), &page(number));
        }
        assert!(open().is_err(), "one writes");
        first.forget(&key(3));
        drop(first);
        let second = open().unwrap();
        assert_eq!(second.bytes(), 5 * PAGE);
        for number in [0, 1, 2, 4, 5] {
            assert_eq!(second.read(&key(number)).unwrap(), page(number));
        }
        assert!(second.read(&key(3)).is_none());
        second.retain(|ulid| ulid.ends_with('X'));
        assert_eq!(second.bytes(), 0);
    }

    #[test]
    fn the_least_recently_used_make_room() {
        let dir = tempfile::tempdir().unwrap();
        let pages = DiskPages::open(dir.path(), 4 * PAGE).unwrap();
        for number in 0..9 {
            pages.write(key(number), &page(number));
            assert_eq!(pages.read(&key(0)).unwrap(), page(0), "used repeatedly");
        }
        assert!(pages.read(&key(1)).is_none());
        assert_eq!(pages.read(&key(8)).unwrap(), page(8));
        let length = fs::metadata(dir.path().join("pages")).unwrap().len();
        assert!(length <= 4 * PAGE);
        drop(pages);
        let smaller = DiskPages::open(dir.path(), 2 * PAGE).unwrap();
        assert!(smaller.bytes() <= 2 * PAGE);
        let length = fs::metadata(dir.path().join("pages")).unwrap().len();
        assert!(length <= 2 * PAGE);
    }

    #[test]
    fn damage_is_a_page_that_is_not_there() {
        let whole = tempfile::tempdir().unwrap();
        let pages = DiskPages::open(whole.path(), 8 * PAGE).unwrap();
        for number in 0..4 {
            pages.write(key(number), &page(number));
        }
        drop(pages);
        let files = ["pages", "pages.index"].map(|f| (f, fs::read(whole.path().join(f)).unwrap()));
        let mut lost = 0;
        for (name, bytes) in &files {
            let bits = (0..bytes.len() * 8).step_by(bytes.len() / 9);
            let cuts = (0..bytes.len()).step_by(bytes.len() / 7);
            let flipped = bits.map(|bit| {
                let mut bytes = bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                bytes
            });
            let cut = cuts.map(|length| bytes[..length].to_vec());
            for damaged in flipped.chain(cut) {
                let dir = tempfile::tempdir().unwrap();
                for (other, bytes) in &files {
                    let bytes = if other == name { &damaged } else { bytes };
                    fs::write(dir.path().join(other), bytes).unwrap();
                }
                let pages = DiskPages::open(dir.path(), 8 * PAGE).unwrap();
                for number in 0..4 {
                    match pages.read(&key(number)) {
                        Some(bytes) => assert_eq!(bytes, page(number)),
                        None => lost += 1,
                    }
                    pages.write(key(number), &page(number));
                    assert_eq!(pages.read(&key(number)).unwrap(), page(number));
                }
            }
        }
        assert!(lost > 20, "{lost}");
    }
}
