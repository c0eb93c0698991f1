//! Persistent blocks: directories of two hours of samples or more. Only their
//! tombstones change.

pub(crate) mod go_json;
pub(crate) mod index;
pub(crate) mod labels;
pub(crate) mod meta;
pub(crate) mod read;
pub(crate) mod segments;
pub(crate) mod select;
mod tombstones;
mod verified;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use quarrel_engine::storage::StorageError;

use self::index::{Index, SeriesIndex as _};
use self::segments::Segments;
use super::data_path::DataPath;
use super::mmap::MappedFile;

pub use meta::{BlockMeta, BlockStats, Compaction, Parent};
pub use tombstones::Tombstones;

pub(crate) use index::TABLES;
pub(crate) use meta::{Unreadable, is_ulid};
pub(crate) use read::{Rows, reserve_rows};
pub(crate) use select::Candidates;
pub(super) use tombstones::{FILE as TOMBSTONES, add as add_range};

/// An open block. It stays readable when its files are deleted.
#[derive(Debug)]
pub struct Block {
    dir: DataPath,
    meta: BlockMeta,
    /// Unique among the blocks that this process has opened.
    number: u64,
    index: Arc<Index>,
    segments: Segments,
    last_time: OnceLock<i64>,
}

impl Block {
    /// Opens the block in `dir` with the content of its `meta.json`. Reads only
    /// the headers of files.
    ///
    /// # Errors
    /// When a file is missing or corrupt.
    pub fn open(dir: &Path, meta: BlockMeta) -> Result<Block, StorageError> {
        Block::open_in(&DataPath::block(dir), meta)
    }

    pub(super) fn open_in(dir: &DataPath, meta: BlockMeta) -> Result<Block, StorageError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let segments = Segments::open(&dir.join("chunks"))?;
        let index = Index::open(dir.join("index"), meta.index_version())?;
        let number = NEXT.fetch_add(1, Relaxed);
        Ok(Block {
            dir: dir.clone(),
            meta,
            number,
            index: Arc::new(index),
            segments,
            last_time: OnceLock::new(),
        })
    }

    /// The content of `meta.json`.
    pub fn meta(&self) -> &BlockMeta {
        &self.meta
    }

    /// The directory of the block.
    pub fn dir(&self) -> PathBuf {
        self.dir.full()
    }

    pub(super) fn path(&self) -> &DataPath {
        &self.dir
    }

    /// Whether neither index nor chunks were truncated, written to or replaced
    /// since they were opened. A system call for each file.
    pub(super) fn is_unchanged(&self) -> bool {
        self.index.file().is_unchanged() && self.segments.files().all(MappedFile::is_unchanged)
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The time of the last sample, deleted or not, ms. The first call reads all
    /// series of the index.
    pub(super) fn last_time(&self) -> i64 {
        *self.last_time.get_or_init(|| {
            // A select reports a corrupt index.
            let bound = self.meta.max_time.saturating_sub(1);
            self.find_last_time().ok().flatten().unwrap_or(bound)
        })
    }

    fn find_last_time(&self) -> Result<Option<i64>, StorageError> {
        let mut last = None;
        for id in self.index.all()?.to_vec() {
            let error = |e| self.index.series_error(id, e);
            for meta in self.index.series(id)?.chunks().map_err(error)? {
                last = last.max(Some(meta.map_err(error)?.max_time));
            }
        }
        Ok(last)
    }

    pub(super) fn index(&self) -> &Arc<Index> {
        &self.index
    }
}

#[cfg(test)]
mod tests;
