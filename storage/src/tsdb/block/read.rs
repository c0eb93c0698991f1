//! Reads the labels of selected series and the chunks of a series.

use std::sync::Arc;

use quarrel_engine::labels::{Label, LabelList, Symbol, SymbolsMut};
use quarrel_engine::storage::{Chunk, SelectRequest, StorageError, TimeRange};
use rustc_hash::FxHashMap;

use super::index::{ChunkMeta, Index};
use super::labels::LabelMatcher;
use super::{Block, Candidates, Tombstones};

/// Number of rows whose labels are interned under one lock.
const BATCH: usize = 256;
/// Labels of a row for which room is made at first.
const LABELS_A_ROW: usize = 8;
/// Fewest selected series for which the system is advised to read their chunks
/// ahead.
const ADVISE_FROM: usize = 32;
/// Most bytes in the file for each selected chunk, on average, for such advice:
/// one page.
const ADVISE_DENSITY: u64 = 4096;
/// A table of a block's symbols replaces a map if the selected series are at
/// least one for this number of symbols.
const SYMBOLS_PER_SERIES: usize = 16;

/// Series of a block or the head, in label order.
#[derive(Debug, Default)]
pub(in crate::tsdb) struct Rows {
    /// The labels of the series.
    pub labels: LabelList,
    /// The numbers of the series in their source.
    pub ids: Vec<u32>,
    /// An estimate of the samples in the range.
    pub samples: f64,
}

impl Rows {
    /// Room for `count` rows, counted against the query's memory before it is
    /// made.
    ///
    /// # Errors
    /// The end of the query.
    pub fn with_capacity(count: usize, request: SelectRequest<'_>) -> Result<Self, StorageError> {
        let labels = request
            .projection
            .map_or(LABELS_A_ROW, |names| names.len() + 1);
        let row = labels * size_of::<Label>() + 2 * size_of::<u32>();
        request.control.reserve(count * row)?;
        Ok(Rows {
            labels: LabelList::with_capacity(count, labels),
            ..Rows::default()
        })
    }
}

/// Maps symbols of a block to interned symbols of a query.
enum Interned {
    Table(Vec<u32>),
    Map(FxHashMap<u32, Symbol>),
}

const UNKNOWN: u32 = u32::MAX;

impl Interned {
    fn new(symbols: Option<usize>, series: usize) -> Interned {
        match symbols {
            Some(count) if count <= series.saturating_mul(SYMBOLS_PER_SERIES) => {
                Interned::Table(vec![UNKNOWN; count])
            }
            _ => Interned::Map(FxHashMap::default()),
        }
    }

    fn get(
        &mut self,
        index: &Index,
        reference: u32,
        table: &mut SymbolsMut<'_>,
    ) -> Result<Symbol, StorageError> {
        let known = match self {
            Interned::Table(all) => all
                .get(reference as usize)
                .filter(|s| **s != UNKNOWN)
                .map(|s| Symbol(*s)),
            Interned::Map(map) => map.get(&reference).copied(),
        };
        if let Some(symbol) = known {
            return Ok(symbol);
        }
        let symbol = table.intern(index.symbol(reference)?);
        match self {
            Interned::Table(all) => {
                if let Some(slot) = all.get_mut(reference as usize) {
                    *slot = symbol.0;
                }
            }
            Interned::Map(map) => {
                map.insert(reference, symbol);
            }
        }
        Ok(symbol)
    }
}

/// Whether a chunk overlaps the range and is not deleted as a whole.
fn is_selected(meta: &ChunkMeta, range: TimeRange, deleted: Option<&Arc<[TimeRange]>>) -> bool {
    let covers = |d: &TimeRange| d.start <= meta.min_time && meta.max_time <= d.end;
    range.overlaps(meta.min_time, meta.max_time)
        && !deleted.is_some_and(|all| all.iter().any(covers))
}

/// The fraction of a chunk that is in a range that it overlaps.
fn fraction(meta: &ChunkMeta, range: TimeRange) -> f64 {
    if range.start <= meta.min_time && meta.max_time <= range.end {
        return 1.0;
    }
    let length = |a: i64, b: i64| b as f64 - a as f64 + 1.0;
    let inside = length(meta.min_time.max(range.start), meta.max_time.min(range.end));
    inside / length(meta.min_time, meta.max_time)
}

/// Totals of the selected chunks.
struct SelectedChunks {
    count: u64,
    /// The sum of the fractions of chunks in the range.
    fractions: f64,
    /// The least and the greatest reference.
    references: (u64, u64),
}

/// Reads the index entries of candidates.
struct CandidateReader<'a> {
    block: &'a Block,
    tombstones: &'a Tombstones,
    request: SelectRequest<'a>,
    matchers: Vec<LabelMatcher<'a>>,
    /// Whether the query needs a label, by the symbol of its name.
    needed: FxHashMap<u32, bool>,
    /// Labels of the series of a batch.
    labels: Vec<(u32, u32)>,
    /// Where the labels of each series end.
    ends: Vec<usize>,
    chunks: SelectedChunks,
}

impl CandidateReader<'_> {
    /// Reads the labels and the chunk metadata of a series. Returns whether it is
    /// selected.
    fn visit(&mut self, id: u32) -> Result<bool, StorageError> {
        let index = &self.block.index;
        let from = self.labels.len();
        let error = |e| index.series_error(id, e);
        let chunks = index.series(id)?.labels(&mut self.labels).map_err(error)?;
        for matcher in &mut self.matchers {
            if !matcher.matches(index, &self.labels[from..])? {
                return Ok(false);
            }
        }
        if self.request.projection.is_some() {
            self.project(from)?;
        }
        let range = self.request.range;
        let deleted = self.tombstones.get(u64::from(id));
        let mut any = false;
        for meta in chunks {
            let meta = meta.map_err(error)?;
            if meta.min_time > range.end {
                break;
            }
            if is_selected(&meta, range, deleted) {
                any = true;
                let SelectedChunks {
                    count,
                    fractions,
                    references,
                } = &mut self.chunks;
                *count += 1;
                *fractions += fraction(&meta, range);
                references.0 = references.0.min(meta.reference);
                references.1 = references.1.max(meta.reference);
            }
        }
        Ok(any)
    }

    /// Leaves out of the labels from `from` on what the query does not need.
    fn project(&mut self, from: usize) -> Result<(), StorageError> {
        let mut kept = from;
        for at in from..self.labels.len() {
            let name = self.labels[at].0;
            let needed = match self.needed.get(&name) {
                Some(needed) => *needed,
                None => {
                    let needed = self.request.needs(self.block.index.symbol(name)?);
                    self.needed.insert(name, needed);
                    needed
                }
            };
            if needed {
                self.labels[kept] = self.labels[at];
                kept += 1;
            }
        }
        self.labels.truncate(kept);
        Ok(())
    }

    /// Reads some candidates and adds the selected ones to `rows`.
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
        interned: &mut Interned,
        symbols: &mut SymbolsMut<'_>,
        rows: &mut Rows,
    ) -> Result<(), StorageError> {
        let index = &self.block.index;
        let mut from = 0;
        let mut labels = Vec::with_capacity(16);
        for end in &self.ends {
            labels.clear();
            for (name, value) in &self.labels[from..*end] {
                let name = interned.get(index, *name, symbols)?;
                let value = interned.get(index, *value, symbols)?;
                labels.push(Label { name, value });
            }
            from = *end;
            rows.labels.push(labels.iter().copied());
        }
        Ok(())
    }
}

impl Block {
    /// The candidates that satisfy the remaining matchers and have samples in
    /// the range.
    ///
    /// # Errors
    /// When the index is corrupt, and the end of the query.
    pub(in crate::tsdb) fn rows(
        &self,
        candidates: Candidates<'_>,
        tombstones: &Tombstones,
        request: SelectRequest<'_>,
    ) -> Result<Rows, StorageError> {
        let Candidates { ids, remaining } = candidates;
        let SelectRequest {
            symbols, control, ..
        } = request;
        let mut rows = Rows::with_capacity(ids.len(), request)?;
        if ids.is_empty() {
            return Ok(rows);
        }
        let mut reader = CandidateReader {
            block: self,
            tombstones,
            request,
            matchers: remaining.into_iter().map(LabelMatcher::new).collect(),
            needed: FxHashMap::default(),
            labels: Vec::new(),
            ends: Vec::new(),
            chunks: SelectedChunks {
                count: 0,
                fractions: 0.0,
                references: (u64::MAX, 0),
            },
        };
        let mut interned = Interned::new(self.index.symbol_count()?, ids.len());
        for batch in ids.chunks(BATCH) {
            reader.batch(batch, &mut rows)?;
            reader.intern(&mut interned, &mut symbols.write(), &mut rows)?;
            control.check()?;
        }
        let chunks = reader.chunks;
        let (first, last) = chunks.references;
        if rows.ids.len() >= ADVISE_FROM
            && last.saturating_sub(first) <= chunks.count.saturating_mul(ADVISE_DENSITY)
        {
            self.segments.will_need(first, last);
        }
        rows.samples = chunks.fractions * self.meta.stats.samples_per_chunk();
        Ok(rows)
    }

    /// Appends the chunks of a series that overlap the range, in order of time.
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
            if !is_selected(&meta, range, deleted) {
                continue;
            }
            let (encoding, bytes) = self.segments.chunk(meta.reference)?;
            let touches = |d: &TimeRange| d.overlaps(meta.min_time, meta.max_time);
            let times = TimeRange {
                start: meta.min_time,
                end: meta.max_time,
            };
            let mut chunk = Chunk::encoded(encoding, bytes, times);
            chunk.deleted = deleted.filter(|all| all.iter().any(touches)).cloned();
            out.push(chunk);
        }
        Ok(())
    }
}
