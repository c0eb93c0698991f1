//! Lists the blocks of a data directory as Prometheus does.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use quarrel_engine::storage::StorageError;
use rustc_hash::{FxHashMap, FxHashSet};

use super::block::{self, Block, BlockMeta, Tombstones};

/// An open block with its tombstones at one moment.
#[derive(Clone, Debug)]
pub(super) struct LiveBlock {
    pub block: Arc<Block>,
    pub tombstones: Arc<Tombstones>,
    /// Modification time and size of the tombstones file.
    tombstones_stamp: Option<(SystemTime, u64)>,
}

impl LiveBlock {
    fn open(dir: &Path, meta: BlockMeta) -> Result<LiveBlock, StorageError> {
        let block = Arc::new(Block::open(dir, meta)?);
        let tombstones_stamp = stamp(dir);
        let tombstones = Arc::new(Tombstones::read(dir)?);
        Ok(LiveBlock {
            block,
            tombstones,
            tombstones_stamp,
        })
    }

    /// The block with its current tombstones, if they have changed.
    pub fn with_new_tombstones(&self) -> Result<Option<LiveBlock>, StorageError> {
        let dir = self.block.dir();
        let tombstones_stamp = stamp(dir);
        // A deleted block keeps its tombstones.
        if tombstones_stamp == self.tombstones_stamp || tombstones_stamp.is_none() {
            return Ok(None);
        }
        let tombstones = Arc::new(Tombstones::read(dir)?);
        Ok(Some(LiveBlock {
            block: self.block.clone(),
            tombstones,
            tombstones_stamp,
        }))
    }
}

fn stamp(dir: &Path) -> Option<(SystemTime, u64)> {
    let metadata = fs::metadata(dir.join(block::TOMBSTONES)).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The block directories in `dir`, sorted by name.
fn block_dirs(dir: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let io = |error| StorageError::Io {
        path: dir.into(),
        error,
    };
    let mut dirs = Vec::new();
    for entry in fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        let is_block = entry.file_name().to_str().is_some_and(block::is_ulid);
        // Directories that are being created or deleted have a suffix.
        if is_block && entry.file_type().is_ok_and(|t| t.is_dir()) {
            dirs.push(entry.path());
        }
    }
    dirs.sort_unstable();
    Ok(dirs)
}

/// The blocks in `dir`, sorted by min time; those in `known` are not opened
/// again. As in Prometheus, a directory whose `meta.json` cannot be read is
/// skipped, a block that another one replaces counts as deleted, and any other
/// block that cannot be opened is an error.
pub(super) fn list(dir: &Path, known: &[LiveBlock]) -> Result<Vec<LiveBlock>, StorageError> {
    let by_dir: FxHashMap<&Path, &LiveBlock> = known.iter().map(|b| (b.block.dir(), b)).collect();
    let mut found = Vec::new();
    for dir in block_dirs(dir)? {
        if let Some(known) = by_dir.get(dir.as_path()) {
            found.push((known.block.meta().clone(), Ok((*known).clone())));
            continue;
        }
        match BlockMeta::read(&dir) {
            Ok(meta) => found.push((meta.clone(), Err((dir, meta)))),
            Err(e) => tracing::debug!("block skipped: {e}"),
        }
    }
    let replaced: FxHashSet<String> = found
        .iter()
        .flat_map(|(meta, _)| meta.compaction.parents.iter().map(|p| p.ulid.clone()))
        .collect();
    let mut live = Vec::new();
    for (meta, block) in found {
        if meta.compaction.deletable || replaced.contains(&meta.ulid) {
            continue;
        }
        live.push(match block {
            Ok(known) => known,
            Err((dir, meta)) => match LiveBlock::open(&dir, meta) {
                Ok(block) => block,
                // It has just been deleted.
                Err(StorageError::Io { error, .. })
                    if error.kind() == ErrorKind::NotFound && !dir.exists() =>
                {
                    continue;
                }
                Err(e) => return Err(e),
            },
        });
    }
    live.sort_by_key(|b| b.block.meta().min_time);
    Ok(live)
}
