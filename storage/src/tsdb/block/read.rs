//! Reads the labels of selected series, and a series' chunks.

use std::sync::Arc;

use quarrel_engine::labels::{Label, LabelList, Symbol, SymbolTable, SymbolsMut};
use quarrel_engine::storage::{Chunk, ChunkData, StorageError, TimeRange};
use rustc_hash::FxHashMap;

use super::index::{ChunkMeta, Index};
use super::labels::Trial;
use super::{Block, Candidates, Tombstones};

/// Rows whose labels are interned under one lock.
const BATCH: usize = 256;
/// For so many series or more the system is told which chunks will be read,
/// if on average one comes in so many bytes: a page.
const ADVISE_FROM: usize = 32;
const NEAR: u64 = 4096;
/// The table of a block's symbols is used if at least one in so many is
/// likely to be asked for.
const SPARSE: usize = 16;

/// Series of a block or head, in order of their labels.
#[derive(Debug, Default)]
pub(in crate::tsdb) struct Rows {
    /// Their labels.
    pub labels: LabelList,
    /// Their numbers where they come from.
    pub ids: Vec<u32>,
    /// A guess of how many samples they have in the range.
    pub samples: f64,
}

/// Symbols of a block that are already interned in a query.
enum Memo {
    Table(Vec<u32>),
    Map(FxHashMap<u32, Symbol>),
}

const UNKNOWN: u32 = u32::MAX;

impl Memo {
    fn new(symbols: Option<usize>, series: usize) -> Memo {
        match symbols {
            Some(count) if count <= series.saturating_mul(SPARSE) => {
                Memo::Table(vec![UNKNOWN; count])
            }
            _ => Memo::Map(FxHashMap::default()),
        }
    }

    fn get(
        &mut self,
        index: &Index,
        reference: u32,
        table: &mut SymbolsMut<'_>,
    ) -> Result<Symbol, StorageError> {
        let known = match self {
            Memo::Table(all) => all
                .get(reference as usize)
                .filter(|s| **s != UNKNOWN)
                .map(|s| Symbol(*s)),
            Memo::Map(map) => map.get(&reference).copied(),
        };
        if let Some(symbol) = known {
            return Ok(symbol);
        }
        let symbol = table.intern(index.symbol(reference)?);
        match self {
            Memo::Table(all) => {
                if let Some(slot) = all.get_mut(reference as usize) {
                    *slot = symbol.0;
                }
            }
            Memo::Map(map) => {
                map.insert(reference, symbol);
            }
        }
        Ok(symbol)
    }
}

/// Whether a chunk has a share in the range that is not deleted.
fn is_wanted(meta: &ChunkMeta, range: TimeRange, deleted: Option<&Arc<[TimeRange]>>) -> bool {
    let covers = |d: &TimeRange| d.start <= meta.min_time && meta.max_time <= d.end;
    range.overlaps(meta.min_time, meta.max_time)
        && !deleted.is_some_and(|all| all.iter().any(covers))
}

/// Which share of a chunk is in a range that it overlaps.
fn share(meta: &ChunkMeta, range: TimeRange) -> f64 {
    if range.start <= meta.min_time && meta.max_time <= range.end {
        return 1.0;
    }
    let length = |a: i64, b: i64| b as f64 - a as f64 + 1.0;
    let inside = length(meta.min_time.max(range.start), meta.max_time.min(range.end));
    inside / length(meta.min_time, meta.max_time)
}

/// The chunks that were seen of selected series.
struct Seen {
    count: u64,
    /// As `count`, but a chunk that is partly in the range counts in part.
    shares: f64,
    /// The least and the greatest reference.
    references: (u64, u64),
}

/// Reads the entries of candidates.
struct Reading<'a> {
    block: &'a Block,
    tombstones: &'a Tombstones,
    range: TimeRange,
    trials: Vec<Trial<'a>>,
    /// Labels of the series of a batch.
    labels: Vec<(u32, u32)>,
    /// Where those of each series end.
    ends: Vec<usize>,
    seen: Seen,
}

impl Reading<'_> {
    /// Reads a series' labels and looks at its chunks; whether it is selected.
    fn visit(&mut self, id: u32) -> Result<bool, StorageError> {
        let index = &self.block.index;
        let from = self.labels.len();
        let error = |e| index.series_error(id, e);
        let chunks = index.series(id)?.labels(&mut self.labels).map_err(error)?;
        for trial in &mut self.trials {
            if !trial.passes(index, &self.labels[from..])? {
                return Ok(false);
            }
        }
        let deleted = self.tombstones.get(u64::from(id));
        let mut any = false;
        for meta in chunks {
            let meta = meta.map_err(error)?;
            if meta.min_time > self.range.end {
                break;
            }
            if is_wanted(&meta, self.range, deleted) {
                any = true;
                let Seen {
                    count,
                    shares,
                    references,
                } = &mut self.seen;
                *count += 1;
                *shares += share(&meta, self.range);
                references.0 = references.0.min(meta.reference);
                references.1 = references.1.max(meta.reference);
            }
        }
        Ok(any)
    }

    /// Reads some candidates and takes in those that are selected.
    fn batch(&mut self, ids: &[u32], rows: &mut Rows) -> Result<(), StorageError> {
        self.labels.clear();
        self.ends.clear();
        for id in ids {
            let from = self.labels.len();
            if self.visit(*id)? {
                self.ends.push(self.labels.len());
                rows.ids.push(*id);
            } else {
                self.labels.truncate(from);
            }
        }
        Ok(())
    }

    /// Interns the labels of a batch.
    fn intern(
        &self,
        memo: &mut Memo,
        symbols: &mut SymbolsMut<'_>,
        rows: &mut Rows,
    ) -> Result<(), StorageError> {
        let index = &self.block.index;
        let mut from = 0;
        let mut labels = Vec::with_capacity(16);
        for end in &self.ends {
            labels.clear();
            for (name, value) in &self.labels[from..*end] {
                let name = memo.get(index, *name, symbols)?;
                let value = memo.get(index, *value, symbols)?;
                labels.push(Label { name, value });
            }
            from = *end;
            rows.labels.push(labels.iter().copied());
        }
        Ok(())
    }
}

impl Block {
    /// The labels of those candidates that satisfy the untried matchers and
    /// have samples in the range.
    ///
    /// # Errors
    /// When the index is corrupt.
    pub(in crate::tsdb) fn rows(
        &self,
        candidates: Candidates<'_>,
        tombstones: &Tombstones,
        range: TimeRange,
        table: &SymbolTable,
    ) -> Result<Rows, StorageError> {
        let Candidates { ids, untried } = candidates;
        let labels = LabelList::with_capacity(ids.len(), 8);
        let mut rows = Rows {
            labels,
            ..Rows::default()
        };
        if ids.is_empty() {
            return Ok(rows);
        }
        let mut reading = Reading {
            block: self,
            tombstones,
            range,
            trials: untried.into_iter().map(Trial::new).collect(),
            labels: Vec::new(),
            ends: Vec::new(),
            seen: Seen {
                count: 0,
                shares: 0.0,
                references: (u64::MAX, 0),
            },
        };
        let mut memo = Memo::new(self.index.symbol_count()?, ids.len());
        for batch in ids.chunks(BATCH) {
            reading.batch(batch, &mut rows)?;
            reading.intern(&mut memo, &mut table.write(), &mut rows)?;
        }
        let seen = reading.seen;
        let (first, last) = seen.references;
        if rows.ids.len() >= ADVISE_FROM
            && last.saturating_sub(first) <= seen.count.saturating_mul(NEAR)
        {
            self.segments.will_need(first, last);
        }
        rows.samples = seen.shares * self.meta.stats.samples_of_a_chunk();
        Ok(rows)
    }

    /// Appends the chunks of a series that have a share in the range, in
    /// order of time.
    ///
    /// # Errors
    /// When index or chunks are corrupt.
    pub(in crate::tsdb) fn chunks(
        &self,
        id: u32,
        tombstones: &Tombstones,
        range: TimeRange,
        out: &mut Vec<Chunk>,
    ) -> Result<(), StorageError> {
        let error = |e| self.index.series_error(id, e);
        let deleted = tombstones.get(u64::from(id));
        for meta in self.index.series(id)?.chunks().map_err(error)? {
            let meta = meta.map_err(error)?;
            if meta.min_time > range.end {
                break;
            }
            if !is_wanted(&meta, range, deleted) {
                continue;
            }
            let (encoding, bytes) = self.segments.chunk(meta.reference)?;
            let touches = |d: &TimeRange| d.overlaps(meta.min_time, meta.max_time);
            out.push(Chunk {
                min_time: meta.min_time,
                max_time: meta.max_time,
                data: ChunkData::Encoded { encoding, bytes },
                deleted: deleted.filter(|all| all.iter().any(touches)).cloned(),
            });
        }
        Ok(())
    }
}
