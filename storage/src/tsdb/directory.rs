//! Lists the blocks of a data directory as Prometheus does.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::SystemTime;

use quarrel_engine::storage::{StorageError, TimeRange};
use rustc_hash::{FxHashMap, FxHashSet};

use super::block::{self, Block, BlockMeta, TABLES, Tombstones, Unreadable};
use super::data_path::DataPath;

/// An open block with its tombstones at one moment.
#[derive(Clone, Debug)]
pub(super) struct LiveBlock {
    pub block: Arc<Block>,
    pub tombstones: Arc<Tombstones>,
    /// Modification time and size of the tombstones file.
    tombstones_stamp: Option<(SystemTime, u64)>,
}

impl LiveBlock {
    fn open(dir: &DataPath, meta: BlockMeta) -> Result<LiveBlock, StorageError> {
        let block = Arc::new(Block::open_in(dir, meta)?);
        let tombstones_stamp = stamp(dir);
        let tombstones = Arc::new(Tombstones::read_in(dir)?);
        Ok(LiveBlock {
            block,
            tombstones,
            tombstones_stamp,
        })
    }

    /// Reads the tombstones, if they have changed.
    pub fn update_tombstones(&mut self) -> Result<(), StorageError> {
        let dir = self.block.path();
        let stamp = stamp(dir);
        // A deleted block keeps its tombstones.
        if stamp != self.tombstones_stamp && stamp.is_some() {
            self.tombstones = Arc::new(Tombstones::read_in(dir)?);
            self.tombstones_stamp = stamp;
        }
        Ok(())
    }

    /// The block as its files are now.
    pub fn reopened(&self) -> Result<LiveBlock, StorageError> {
        let dir = self.block.path();
        LiveBlock::open(dir, BlockMeta::read_in(dir)?)
    }

    /// Whether a query gets the same from both.
    pub fn is_same(&self, other: &LiveBlock) -> bool {
        Arc::ptr_eq(&self.block, &other.block) && Arc::ptr_eq(&self.tombstones, &other.tombstones)
    }
}

fn stamp(dir: &DataPath) -> Option<(SystemTime, u64)> {
    let metadata = dir.join(block::TOMBSTONES).metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The block directories in `dir`, sorted by name.
fn block_dirs(dir: &DataPath) -> Result<Vec<DataPath>, StorageError> {
    let io = |e| dir.io(e);
    let mut dirs = Vec::new();
    for entry in dir.entries().map_err(io)? {
        let entry = entry.map_err(io)?;
        let is_block = entry.file_name().to_str().is_some_and(block::is_ulid);
        // Directories that are being created or deleted have a suffix.
        if is_block && entry.file_type().is_ok_and(|t| t.is_dir()) {
            dirs.push(dir.join(entry.file_name()));
        }
    }
    dirs.sort_unstable_by(|a, b| a.name().cmp(&b.name()));
    Ok(dirs)
}

/// Whether anything in `dir` is of a Prometheus: a block, or a part of the head.
pub(super) fn has_data(dir: &DataPath) -> bool {
    let of_head = ["wal", "wbl", "chunks_head"];
    of_head.iter().any(|name| dir.join(name).metadata().is_ok())
        || block_dirs(dir).is_ok_and(|blocks| !blocks.is_empty())
}

/// A block directory that is left out, since its `meta.json` cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Skipped {
    /// Why, with the file's path.
    why: String,
    /// The time range that the block has; `None` if nobody knows.
    range: Option<(i64, i64)>,
}

impl Skipped {
    /// The warning for a query of this range, if the block may have samples in it.
    pub fn warning(&self, range: TimeRange) -> Option<String> {
        let overlaps = |(min, max): (i64, i64)| min <= range.end && range.start < max;
        let touches = self.range.is_none_or(overlaps);
        touches.then(|| format!("a block was left out: {}", self.why))
    }

    /// Logs the blocks that were not left out before.
    pub fn log(skipped: &[Skipped], before: &[Skipped]) {
        for new in skipped.iter().filter(|new| !before.contains(new)) {
            tracing::error!(
                err = new.why,
                "Failed to read meta.json for a block. Skipping"
            );
        }
    }
}

/// The blocks of a directory.
#[derive(Debug)]
pub(super) struct Listing {
    /// Sorted by min time.
    pub blocks: Vec<LiveBlock>,
    pub skipped: Vec<Skipped>,
}

/// The blocks in `dir`; those in `known` are not opened again. As in Prometheus, a
/// directory whose `meta.json` cannot be read is skipped, a block that another one
/// replaces counts as deleted, and any other block that cannot be opened is an
/// error.
pub(super) fn list(dir: &DataPath, known: &[LiveBlock]) -> Result<Listing, StorageError> {
    let by_dir: FxHashMap<&DataPath, &LiveBlock> =
        known.iter().map(|b| (b.block.path(), b)).collect();
    let (mut found, mut skipped) = (Vec::new(), Vec::new());
    for dir in block_dirs(dir)? {
        if let Some(known) = by_dir.get(&dir) {
            found.push((known.block.meta().clone(), Ok((*known).clone())));
            continue;
        }
        match BlockMeta::try_read(&dir) {
            Ok(meta) => found.push((meta.clone(), Err((dir, meta)))),
            // It has just been deleted.
            Err(_) if dir.metadata().is_err() => {}
            Err(Unreadable { range, error }) => {
                let why = error.to_string();
                skipped.push(Skipped { why, range });
            }
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
                    if error.kind() == ErrorKind::NotFound && dir.metadata().is_err() =>
                {
                    continue;
                }
                Err(e) => return Err(e),
            },
        });
    }
    live.sort_by_key(|b| b.block.meta().min_time);
    Ok(Listing {
        blocks: live,
        skipped,
    })
}

/// Reads the tables of blocks that have not been read yet, on all cores. What is
/// corrupt is reported by the select that needs it.
pub(super) fn read_tables(blocks: &[LiveBlock]) {
    let unread = blocks.iter().map(|live| live.block.index());
    let unread: Vec<_> = unread.filter(|index| !index.is_loaded()).collect();
    let pieces = unread.len() * TABLES;
    let next = AtomicUsize::new(0);
    let read = || {
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            let Some(index) = unread.get(piece / TABLES) else {
                return;
            };
            let _ = index.load_table(piece % TABLES);
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 1..cores.min(pieces) {
            // This thread reads what no other does.
            let _ = thread::Builder::new().spawn_scoped(scope, read);
        }
        read();
    });
}
