//! Maps files of blocks into memory.
//!
//! This is the only module that maps files. The files of a block are written
//! under another name, then renamed, and from then on only deleted, so the
//! mapped bytes do not change. Files that may still be truncated (head chunks,
//! logs) must not be mapped.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use memmap2::Mmap;
use quarrel_engine::storage::StorageError;

/// A file that stays mapped as long as a slice of it exists.
#[derive(Debug)]
pub(crate) struct MappedFile {
    path: PathBuf,
    bytes: Bytes,
    map: Option<Arc<Mmap>>,
}

/// The owner of a map behind [`Bytes`].
struct Owner(Arc<Mmap>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl MappedFile {
    /// Maps a file.
    ///
    /// # Errors
    /// When the system call fails.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let map = map(path).map_err(|error| StorageError::Io {
            path: path.into(),
            error,
        })?;
        let bytes = map
            .clone()
            .map_or(Bytes::new(), |map| Bytes::from_owner(Owner(map)));
        Ok(MappedFile {
            path: path.into(),
            bytes,
            map,
        })
    }

    /// All bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A slice that keeps the map.
    pub fn slice(&self, range: Range<usize>) -> Bytes {
        self.bytes.slice(range)
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
        StorageError::Corrupt {
            file: self.path.display().to_string(),
            detail: detail.into(),
        }
    }
}

/// Maps a file; `None` for an empty one, which cannot be mapped.
fn map(path: &Path) -> io::Result<Option<Arc<Mmap>>> {
    let file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(None);
    }
    // SAFETY: the map is read-only and the file is not written to while it is
    // mapped: Prometheus never changes a block's index and segments once they
    // have their name, it only deletes them, and maps outlive their files.
    let map = unsafe { Mmap::map(&file)? };
    Ok(Some(Arc::new(map)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_has_the_bytes_of_its_file_and_outlives_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let content: Vec<u8> = (0..100_000u32)
            .map(|i| (i.wrapping_mul(i) >> 7) as u8)
            .collect();
        std::fs::write(&path, &content).unwrap();
        let mapped = MappedFile::open(&path).unwrap();
        assert_eq!(mapped.bytes(), std::fs::read(&path).unwrap());
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
        let path = dir.path().join("file");
        assert!(matches!(
            MappedFile::open(&path),
            Err(StorageError::Io { .. })
        ));
        std::fs::write(&path, []).unwrap();
        assert!(MappedFile::open(&path).unwrap().bytes().is_empty());
    }
}
