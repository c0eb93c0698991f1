//! The chunks of selected series: fetched piece by piece, some ahead of who reads them.
//!
//! A piece is some consecutive rows with at most some megabytes of chunks. When one is
//! asked for, the next one is fetched, too; one that was read is let go when the next one
//! is asked for. Requests are longer than pieces where chunks are in many blocks: those
//! of a window, which is some consecutive pieces, begin together, one a segment, and a
//! piece waits for its own part of them.

use std::ops::Range;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use parking_lot::Mutex;
use quarrel_engine::storage::{Chunk, SeriesSource, StorageError};
use rustc_hash::FxHashMap;
use tokio::sync::OnceCell;

use super::again::{Again, Replacement};
use super::failure::is_vanished;
use super::selection::{Fetched, Selection};
use super::windows::Windows;
use crate::tasks::Task;

/// Bits that bytes below are less in tests, so that there are several pieces and windows.
const SMALLER: u32 = if cfg!(test) { 6 } else { 0 };
/// Bytes of chunks of a piece: it is read while the next one comes.
const PIECE_BYTES: u64 = 16 << 20 >> SMALLER;
/// Bytes of a window for each block, whose chunks are requests of their own: so many that
/// a request does not wait longer than its bytes take.
const BLOCK_BYTES: u64 = 8 << 20 >> SMALLER;
/// Most bytes of a window.
const MOST_BYTES: u64 = 128 << 20 >> SMALLER;
/// Most rows of a piece.
const PIECE_ROWS: u64 = 8192;
/// Pieces that are fetched before they are asked for.
const AHEAD: usize = 1;

/// The chunks of a select.
pub(super) struct BucketSource {
    rows: Arc<Rows>,
    rows_a_piece: u32,
    /// Most bytes of chunks that are held, guessed.
    most_bytes: u64,
    pieces: Mutex<FxHashMap<u32, Piece>>,
}

/// The rows that were selected, and what takes their place once a block is gone.
struct Rows {
    first: Selection,
    again: Again,
    replacement: OnceCell<Replacement>,
    /// What the user should know of the rows that were fetched.
    warnings: Mutex<Vec<String>>,
    windows: Windows,
}

/// What was fetched of a piece.
struct Brought {
    fetched: Fetched,
    /// Whether it is of the rows' replacement.
    is_replaced: bool,
}

/// A piece that is there, or on its way.
#[derive(Default)]
struct Piece {
    brought: Arc<OnceCell<Brought>>,
    /// Who has asked for it and not let it go.
    users: u32,
    was_used: bool,
    /// What fetches it ahead.
    _ahead: Option<Task<()>>,
}

impl BucketSource {
    /// The chunks of `selection`; `again` selects once more where a block was deleted.
    pub fn new(selection: Selection, again: Again) -> Self {
        let rows = u64::from(selection.rows.max(1));
        let row = (selection.chunk_bytes / rows).max(1);
        let blocks = selection.blocks.len() as u64;
        let window_bytes = (blocks * BLOCK_BYTES).clamp(PIECE_BYTES, MOST_BYTES);
        let rows_a_piece = (PIECE_BYTES / row).clamp(1, PIECE_ROWS);
        let pieces = window_bytes / PIECE_BYTES;
        let selection_bytes = 2 * selection.chunk_bytes;
        BucketSource {
            rows: Arc::new(Rows {
                first: selection,
                again,
                replacement: OnceCell::new(),
                warnings: Mutex::default(),
                windows: Windows::new((rows_a_piece * pieces) as u32),
            }),
            rows_a_piece: rows_a_piece as u32,
            // Two windows, and what is read of the one before.
            most_bytes: selection_bytes.min(2 * window_bytes + PIECE_BYTES),
            pieces: Mutex::default(),
        }
    }

    /// The pieces that have some rows.
    fn pieces_of(&self, rows: Range<u32>) -> Range<u32> {
        let last = rows.end.min(self.rows.first.rows);
        match rows.start < last {
            true => rows.start / self.rows_a_piece..(last - 1) / self.rows_a_piece + 1,
            false => 0..0,
        }
    }

    fn rows_of(&self, piece: u32) -> Range<u32> {
        let start = piece * self.rows_a_piece;
        start
            ..start
                .saturating_add(self.rows_a_piece)
                .min(self.rows.first.rows)
    }

    /// Fetches the piece behind `last` ahead, if there is room.
    fn fetch_ahead(&self, pieces: &mut FxHashMap<u32, Piece>, last: u32) {
        let next = last + 1;
        let unused = pieces.values().filter(|piece| !piece.was_used).count();
        let rows = self.rows_of(next.min(self.rows.first.rows));
        if rows.is_empty() || pieces.contains_key(&next) || unused >= AHEAD {
            return;
        }
        let piece = Piece::default();
        let (brought, all) = (Arc::clone(&piece.brought), Arc::clone(&self.rows));
        let runtime = self.rows.first.shared.objects.runtime();
        let ahead = Task::spawn(runtime, async move {
            // Who asks for it tries once more, and gets the error.
            let _ = brought.get_or_try_init(|| all.fetch(rows)).await;
        });
        let piece = Piece {
            _ahead: Some(ahead),
            ..piece
        };
        pieces.insert(next, piece);
    }
}

impl Rows {
    /// Fetches the chunks of some rows; if a block of theirs was deleted, those of the
    /// rows that take their place.
    async fn fetch(&self, rows: Range<u32>) -> Result<Brought, StorageError> {
        if self.replacement.get().is_none() {
            self.windows.begin(&self.first, rows.start);
            match self.first.fetch(rows.clone()).await {
                Ok(fetched) => {
                    self.windows.begin_next(&self.first, rows);
                    return Ok(self.brought(fetched, false));
                }
                Err(error) if !is_vanished(&error) => return Err(error),
                Err(error) => tracing::warn!(%error, "Selecting once more"),
            }
        }
        let replacing = self.replacement.get_or_try_init(async || {
            let replacement = self.again.select(&self.first).await?;
            let mut warnings = self.warnings.lock();
            warnings.extend(replacement.warnings.iter().cloned());
            Ok::<_, StorageError>(replacement)
        });
        let replacement = replacing.await?;
        let rows = rows.filter_map(|row| replacement.row(row));
        let fetched = replacement.selection.fetch(rows).await?;
        Ok(self.brought(fetched, true))
    }

    fn brought(&self, mut fetched: Fetched, is_replaced: bool) -> Brought {
        self.warnings.lock().append(&mut fetched.warnings);
        Brought {
            fetched,
            is_replaced,
        }
    }

    fn chunks(
        &self,
        row: u32,
        brought: &Brought,
        out: &mut Vec<Chunk>,
    ) -> Result<(), StorageError> {
        let fetched = &brought.fetched;
        match self.replacement.get().filter(|_| brought.is_replaced) {
            None => self.first.chunks(row, fetched, out),
            // What is not there any more is past its retention.
            Some(replacement) => match replacement.row(row) {
                Some(row) => replacement.selection.chunks(row, fetched, out),
                None => Ok(()),
            },
        }
    }
}

impl SeriesSource for BucketSource {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let rows = self.rows.first.rows;
        if row >= rows {
            let what = format!("row {row} of {rows} selected series");
            return Err(StorageError::Other(what));
        }
        let piece = row / self.rows_a_piece;
        let piece = self
            .pieces
            .lock()
            .get(&piece)
            .map(|p| Arc::clone(&p.brought));
        match piece.as_ref().and_then(|piece| piece.get()) {
            Some(brought) => self.rows.chunks(row, brought, out),
            None => {
                let what = format!("the chunks of row {row} were not fetched");
                Err(StorageError::Other(what))
            }
        }
    }

    fn prefetch(&self, rows: Range<u32>) -> Option<BoxFuture<'static, Result<(), StorageError>>> {
        let asked = self.pieces_of(rows);
        let last = asked.end.checked_sub(1)?;
        let mut pieces = self.pieces.lock();
        let mut waits = Vec::with_capacity(asked.len());
        for number in asked.clone() {
            let piece = pieces.entry(number).or_default();
            piece.users += 1;
            piece.was_used = true;
            let (brought, rows) = (Arc::clone(&piece.brought), self.rows_of(number));
            let all = Arc::clone(&self.rows);
            waits.push(async move {
                let fetching = brought.get_or_try_init(|| all.fetch(rows));
                fetching.await.map(|_| ())
            });
        }
        pieces.retain(|&number, piece| {
            piece.users > 0 || !piece.was_used || number + 1 >= asked.start
        });
        self.fetch_ahead(&mut pieces, last);
        drop(pieces);
        let oldest = asked.start.saturating_sub(1) * self.rows_a_piece;
        self.rows.windows.release_before(oldest);
        Some(try_join_all(waits).map(|done| done.map(|_| ())).boxed())
    }

    fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.rows.warnings.lock())
    }

    fn release(&self, rows: Range<u32>) {
        let mut pieces = self.pieces.lock();
        for number in self.pieces_of(rows) {
            if let Some(piece) = pieces.get_mut(&number) {
                piece.users = piece.users.saturating_sub(1);
            }
        }
    }

    fn held_bytes(&self) -> usize {
        let selection = &self.rows.first;
        let entries = selection.blocks.iter();
        let entries: usize = entries.map(|(_, index)| index.entries.held()).sum();
        entries + selection.rows as usize * 12 + self.most_bytes as usize
    }

    fn origin(&self, row: u32) -> Option<String> {
        if row >= self.rows.first.rows {
            return None;
        }
        let parts = self.rows.first.parts(row);
        let blocks = parts
            .iter()
            .map(|part| &*self.rows.first.blocks[part.source as usize].0.ulid);
        let blocks: Vec<&str> = blocks.collect();
        let bucket = self.rows.first.shared.objects.name();
        Some(format!("{bucket}: {}", blocks.join(", ")))
    }

    fn estimated_samples(&self) -> Option<u64> {
        Some(self.rows.first.samples as u64)
    }
}
