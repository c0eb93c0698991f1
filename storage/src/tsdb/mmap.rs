//! Maps files of blocks into memory.
//!
//! This is the only module that maps files. The files of a block are written
//! under another name, then renamed, and from then on only deleted, so the
//! mapped bytes do not change. Files that Prometheus truncates (head chunks,
//! logs) must not be mapped.
//!
//! Whoever truncates a mapped file all the same makes each access behind its end
//! a SIGBUS. So the file is looked at before each query
//! ([`MappedFile::is_unchanged`]). A truncation after that still kills the
//! process; `docs/decisions/2026-11-29-mapped-files.md` says why that stays.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::SystemTime;

use bytes::Bytes;
use memmap2::{Mmap, MmapOptions};
use quarrel_engine::storage::StorageError;

use super::data_path::{DataPath, FileId, too_large};

/// A file that stays mapped as long as a slice of it exists.
#[derive(Debug)]
pub(crate) struct MappedFile {
    path: DataPath,
    version: Version,
    /// The bytes, several times: each has a count of its slices of its own.
    bytes: [Bytes; OWNERS],
    map: Option<Arc<Mmap>>,
}

/// How many threads slice a file without changing each other's count of slices:
/// two that take turns at one count wait for its cache line at each chunk.
const OWNERS: usize = 16;

/// Which of the owners this thread takes.
fn owner() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: usize = NEXT.fetch_add(1, Relaxed) % OWNERS;
    }
    MINE.try_with(|mine| *mine).unwrap_or(0)
}

/// What changes when a file is written to or replaced.
#[derive(Debug, PartialEq)]
struct Version {
    id: FileId,
    length: u64,
    modified: Option<SystemTime>,
}

impl Version {
    fn of(metadata: &Metadata) -> Version {
        Version {
            id: FileId::of(metadata),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// The owner of a map behind [`Bytes`], with a cache line of its own.
#[repr(align(128))]
struct Owner(Arc<Mmap>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl MappedFile {
    /// Maps a file of at most `limit` bytes.
    ///
    /// # Errors
    /// When the system call fails, and for another kind or size of file.
    pub fn open(path: DataPath, limit: u64) -> Result<Self, StorageError> {
        let (file, metadata) = path.open().map_err(|e| path.io(e))?;
        let map = map(&file, metadata.len(), limit).map_err(|e| path.io(e))?;
        let bytes = std::array::from_fn(|_| {
            map.clone()
                .map_or(Bytes::new(), |map| Bytes::from_owner(Owner(map)))
        });
        Ok(MappedFile {
            path,
            version: Version::of(&metadata),
            bytes,
            map,
        })
    }

    /// Whether the path still leads to the file as it was mapped: one system
    /// call. A file that is gone stays readable and counts as unchanged.
    pub fn is_unchanged(&self) -> bool {
        match self.path.metadata() {
            Ok(metadata) => Version::of(&metadata) == self.version,
            Err(e) => e.kind() == ErrorKind::NotFound,
        }
    }

    /// All bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[0]
    }

    /// A slice that keeps the map.
    pub fn slice(&self, range: Range<usize>) -> Bytes {
        self.bytes[owner()].slice(range)
    }

    /// Advises the system that these bytes will be read soon.
    pub fn will_need(&self, range: Range<usize>) {
        #[cfg(unix)]
        if let Some(map) = &self.map
            && range.end <= map.len()
            && range.start < range.end
        {
            // Failing advice changes no answer.
            let _ = map.advise_range(memmap2::Advice::WillNeed, range.start, range.len());
        }
        #[cfg(not(unix))]
        let _ = range;
    }

    /// The error for corrupt bytes.
    pub fn corrupt(&self, detail: impl Into<String>) -> StorageError {
        self.path.corrupt(detail)
    }
}

/// Maps a file; `None` for an empty one, which cannot be mapped.
fn map(file: &File, length: u64, limit: u64) -> io::Result<Option<Arc<Mmap>>> {
    if length == 0 {
        return Ok(None);
    }
    let length = usize::try_from(length).ok().filter(|_| length <= limit);
    let length = length.ok_or_else(|| too_large(limit))?;
    // SAFETY: the map is read-only and the file is not written to while it is
    // mapped: Prometheus never changes a block's index and segments once they
    // have their name, it only deletes them, and maps outlive their files.
    let map = unsafe { MmapOptions::new().len(length).map(file)? };
    Ok(Some(Arc::new(map)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_has_the_bytes_of_its_file_and_outlives_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = DataPath::root(dir.path()).join("file");
        let content: Vec<u8> = (0..100_000u32)
            .map(|i| (i.wrapping_mul(i) >> 7) as u8)
            .collect();
        std::fs::write(path.full(), &content).unwrap();
        let mapped = MappedFile::open(path.clone(), 100_000).unwrap();
        assert_eq!(mapped.bytes(), std::fs::read(path.full()).unwrap());
        mapped.will_need(0..100_000);
        mapped.will_need(99_999..100_001);
        let view = mapped.slice(70_000..70_010);
        drop(mapped);
        drop(dir);
        assert_eq!(view, content[70_000..70_010]);
    }

    #[test]
    fn an_empty_file_is_not_mapped() {
        let dir = tempfile::tempdir().unwrap();
        let path = DataPath::root(dir.path()).join("file");
        assert!(matches!(
            MappedFile::open(path.clone(), 100_000),
            Err(StorageError::Io { .. })
        ));
        std::fs::write(path.full(), []).unwrap();
        assert!(
            MappedFile::open(path.clone(), 100_000)
                .unwrap()
                .bytes()
                .is_empty()
        );
    }
}
