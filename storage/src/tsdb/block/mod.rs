//! Persistent blocks: two hours or more of samples in a directory that does
//! not change any more, but for its tombstones.

mod index;
mod labels;
mod meta;
mod read;
mod segments;
mod select;
mod tombstones;
mod verified;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use quarrel_engine::storage::StorageError;

use self::index::Index;
use self::segments::Segments;

pub use meta::{BlockMeta, BlockStats, Compaction, Parent};
pub use tombstones::Tombstones;

pub(super) use index::Values;
pub(super) use meta::is_ulid;
pub(super) use read::Rows;
pub(super) use select::Candidates;
pub(super) use tombstones::{FILE as TOMBSTONES, add as add_range};

/// A block that is open. Its files stay readable when they are deleted.
#[derive(Debug)]
pub struct Block {
    dir: PathBuf,
    meta: BlockMeta,
    /// Differs from that of every other block opened in this process.
    number: u64,
    index: Index,
    segments: Segments,
    last_time: OnceLock<i64>,
}

impl Block {
    /// Opens the block in `dir`, whose `meta.json` says `meta`. Reads headers
    /// alone.
    ///
    /// # Errors
    /// When a file is missing or corrupt.
    pub fn open(dir: &Path, meta: BlockMeta) -> Result<Block, StorageError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let segments = Segments::open(&dir.join("chunks"))?;
        let index = Index::open(&dir.join("index"))?;
        let number = NEXT.fetch_add(1, Relaxed);
        Ok(Block {
            dir: dir.into(),
            meta,
            number,
            index,
            segments,
            last_time: OnceLock::new(),
        })
    }

    /// What the block says of itself.
    pub fn meta(&self) -> &BlockMeta {
        &self.meta
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The time of the last sample, deleted or not, ms. Looks at all series
    /// the first time.
    pub(super) fn last_time(&self) -> i64 {
        *self.last_time.get_or_init(|| {
            // A select will say what is wrong with a corrupt index.
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

    pub(super) fn index(&self) -> &Index {
        &self.index
    }
}

#[cfg(test)]
mod tests;
