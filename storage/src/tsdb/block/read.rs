//! Reads the labels of selected series and the chunks of a series.
//!
//! Candidates are read in pieces, on all threads that the query has
//! ([`SelectControl::run_pieces`](quarrel_engine::storage::SelectControl::run_pieces)),
//! some at a time, and appended in order. If they name much of the block's
//! symbols, the symbol table is lent to the query, and nothing is interned.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;
use quarrel_engine::labels::{Adopted, Dictionary, Label, LabelList, Symbol, SymbolsMut};
use quarrel_engine::storage::{Chunk, SelectRequest, StorageError, TimeRange, is_projected};
use quarrel_matchers::Matcher;
use rustc_hash::FxHashMap;

use super::index::{ChunkMeta, SeriesIndex};
use super::labels::LabelMatcher;
use super::{Block, Candidates, Tombstones};

/// Candidates that are read in one go: some 0.2 ms.
const PIECE: usize = 1024;
/// Pieces that stand in memory before their rows are appended.
const PIECES_AT_ONCE: usize = 64;
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
/// Fewest candidates for which the symbol table is lent to the query.
const LEND_FROM: usize = 16 << 10;
/// Most symbols for each of them: strings that the query makes are looked for in
/// the table.
const LENT_PER_SERIES: usize = 4;

/// Series of a block or the head, in label order.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The labels of the series.
    pub labels: LabelList,
    /// The numbers of the series in their source.
    pub ids: Vec<u32>,
    /// An estimate of the samples in the range.
    pub samples: f64,
}

/// Counts room for `count` rows against the query's memory before it is made.
///
/// # Errors
/// The end of the query.
pub(crate) fn reserve_rows(count: usize, request: SelectRequest<'_>) -> Result<(), StorageError> {
    let labels = request
        .projection
        .map_or(LABELS_A_ROW, |names| names.len() + 1);
    let row = labels * size_of::<Label>() + 2 * size_of::<u32>();
    request.control.reserve(count * row)
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
        index: &impl SeriesIndex,
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
pub(crate) fn is_selected(
    meta: &ChunkMeta,
    range: TimeRange,
    deleted: Option<&Arc<[TimeRange]>>,
) -> bool {
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
pub(crate) struct SelectedChunks {
    /// Their number.
    pub count: u64,
    /// The sum of the fractions of chunks in the range.
    fractions: f64,
    /// The least and the greatest reference.
    references: (u64, u64),
}

impl Default for SelectedChunks {
    fn default() -> Self {
        SelectedChunks {
            count: 0,
            fractions: 0.0,
            references: (u64::MAX, 0),
        }
    }
}

impl SelectedChunks {
    /// An estimate of their samples in the range.
    pub fn samples(&self, per_chunk: f64) -> f64 {
        self.fractions * per_chunk
    }

    fn add(&mut self, other: &SelectedChunks) {
        self.count += other.count;
        self.fractions += other.fractions;
        self.references.0 = self.references.0.min(other.references.0);
        self.references.1 = self.references.1.max(other.references.1);
    }
}

/// The rows of some candidates.
#[derive(Default)]
struct Piece {
    ids: Vec<u32>,
    /// Their labels; by the block's symbols if these are not lent.
    labels: LabelList,
    chunks: SelectedChunks,
}

/// What all pieces of a select read.
struct Reading<I> {
    index: Arc<I>,
    tombstones: Arc<Tombstones>,
    ids: Vec<u32>,
    matchers: Vec<Matcher>,
    range: TimeRange,
    projection: Option<Box<[String]>>,
    /// The query's symbols, if the block's are lent to it.
    lent: Option<Adopted>,
}

impl<I: SeriesIndex> Reading<I> {
    /// Reads the candidates in a range.
    fn piece(&self, range: Range<usize>) -> Result<Piece, StorageError> {
        let ids = self.ids.get(range).unwrap_or_default();
        let names = self.projection.as_ref();
        let labels = names.map_or(LABELS_A_ROW, |names| names.len() + 1);
        let mut reader = PieceReader {
            reading: self,
            matchers: self.matchers.iter().map(LabelMatcher::new).collect(),
            needed: FxHashMap::default(),
            labels: Vec::new(),
            piece: Piece {
                ids: Vec::with_capacity(ids.len()),
                labels: LabelList::with_capacity(ids.len(), labels),
                chunks: SelectedChunks::default(),
            },
        };
        ids.iter().try_for_each(|&id| reader.visit(id))?;
        Ok(reader.piece)
    }
}

/// Reads the index entries of candidates.
struct PieceReader<'a, I> {
    reading: &'a Reading<I>,
    matchers: Vec<LabelMatcher<'a>>,
    /// Whether the query needs a label, by the symbol of its name.
    needed: FxHashMap<u32, bool>,
    /// Labels of a series.
    labels: Vec<(u32, u32)>,
    piece: Piece,
}

impl<I: SeriesIndex> PieceReader<'_, I> {
    /// Reads the labels and the chunk metadata of a series, which becomes a row if
    /// it is selected.
    fn visit(&mut self, id: u32) -> Result<(), StorageError> {
        let Reading {
            index,
            tombstones,
            range,
            ..
        } = self.reading;
        self.labels.clear();
        let error = |e| index.series_error(id, e);
        let chunks = index.series(id)?.labels(&mut self.labels).map_err(error)?;
        for matcher in &mut self.matchers {
            if !matcher.matches(&**index, &self.labels)? {
                return Ok(());
            }
        }
        let deleted = tombstones.get(u64::from(id));
        let mut any = false;
        for meta in chunks {
            let meta = meta.map_err(error)?;
            if meta.min_time > range.end {
                break;
            }
            if is_selected(&meta, *range, deleted) {
                any = true;
                self.piece.chunks.add(&SelectedChunks {
                    count: 1,
                    fractions: fraction(&meta, *range),
                    references: (meta.reference, meta.reference),
                });
            }
        }
        if any {
            self.piece.ids.push(id);
            self.push_labels()?;
        }
        Ok(())
    }

    /// Makes a row of the labels that the query needs.
    fn push_labels(&mut self) -> Result<(), StorageError> {
        if let Some(names) = &self.reading.projection {
            let mut failed = None;
            let (index, needed) = (&*self.reading.index, &mut self.needed);
            self.labels.retain(|(name, _)| {
                *needed.entry(*name).or_insert_with(|| {
                    let name = index.symbol(*name);
                    name.map(|name| is_projected(names, name))
                        .unwrap_or_else(|error| {
                            failed = Some(error);
                            false
                        })
                })
            });
            if let Some(error) = failed {
                return Err(error);
            }
        }
        let lent = self.reading.lent.as_ref();
        let symbol = |of: u32| lent.map_or(Symbol(of), |lent| lent.symbol(of));
        let labels = self.labels.iter().map(|&(name, value)| Label {
            name: symbol(name),
            value: symbol(value),
        });
        self.piece.labels.push(labels);
        Ok(())
    }
}

/// Puts the rows of pieces together.
struct Assembly<'a, I> {
    index: &'a I,
    /// How the labels of pieces become the query's; `None` if they are.
    interned: Option<Interned>,
    request: SelectRequest<'a>,
    /// The number of candidates.
    candidates: usize,
    rows: Rows,
    chunks: SelectedChunks,
}

impl<I: SeriesIndex> Assembly<'_, I> {
    fn append(&mut self, piece: &Piece) -> Result<(), StorageError> {
        self.chunks.add(&piece.chunks);
        if self.rows.ids.is_empty() {
            let labels = piece.labels.labels_a_row();
            self.rows.ids = Vec::with_capacity(self.candidates);
            self.rows.labels = LabelList::with_capacity(self.candidates, labels);
        }
        self.rows.ids.extend_from_slice(&piece.ids);
        let Some(interned) = &mut self.interned else {
            self.rows.labels.append(&piece.labels);
            return Ok(());
        };
        let mut symbols = self.request.symbols.write();
        let mut labels = Vec::with_capacity(16);
        for row in piece.labels.iter() {
            labels.clear();
            for label in row {
                let name = interned.get(self.index, label.name.0, &mut symbols)?;
                let value = interned.get(self.index, label.value.0, &mut symbols)?;
                labels.push(Label { name, value });
            }
            self.rows.labels.push(labels.iter().copied());
        }
        Ok(())
    }
}

/// Reads `count` pieces of the candidates from `start` on.
async fn read<I: SeriesIndex>(
    reading: &Arc<Reading<I>>,
    start: usize,
    count: usize,
    request: SelectRequest<'_>,
) -> Result<Vec<Piece>, StorageError> {
    if count == 1 {
        return Ok(vec![reading.piece(start..reading.ids.len())?]);
    }
    let read: Arc<Vec<Mutex<Piece>>> = Arc::new((0..count).map(|_| Mutex::default()).collect());
    let pieces = {
        let (reading, read) = (Arc::clone(reading), Arc::clone(&read));
        move |number: usize| {
            let from = start + number * PIECE;
            let piece = reading.piece(from..reading.ids.len().min(from + PIECE))?;
            *read[number].lock() = piece;
            Ok(())
        }
    };
    request.control.run_pieces(count, Arc::new(pieces)).await?;
    let read = read.iter();
    Ok(read
        .map(|piece| std::mem::take(&mut *piece.lock()))
        .collect())
}

/// The candidates of an index that satisfy the remaining matchers and have samples in
/// the range, and what their chunks are together. `lends` says whether the query may
/// take the symbol table. Of [`Rows::samples`] nothing is known here.
///
/// # Errors
/// When the index is corrupt, and the end of the query.
pub(crate) async fn rows_of<I: SeriesIndex>(
    index: &Arc<I>,
    candidates: Candidates<'_>,
    tombstones: &Arc<Tombstones>,
    request: SelectRequest<'_>,
    lends: bool,
) -> Result<(Rows, SelectedChunks), StorageError> {
    let Candidates { ids, remaining } = candidates;
    let candidates = ids.len();
    reserve_rows(candidates, request)?;
    if ids.is_empty() {
        return Ok(Default::default());
    }
    let lent = match lends {
        true => lend(index, candidates, request)?,
        false => None,
    };
    let mut assembly = Assembly {
        index: &**index,
        interned: match &lent {
            Some(_) => None,
            None => Some(Interned::new(index.symbol_count()?, candidates)),
        },
        request,
        candidates,
        rows: Rows::default(),
        chunks: SelectedChunks::default(),
    };
    let reading = Arc::new(Reading {
        index: Arc::clone(index),
        tombstones: Arc::clone(tombstones),
        ids,
        matchers: remaining.into_iter().cloned().collect(),
        range: request.range,
        projection: request.projection.map(Into::into),
        lent,
    });
    for start in (0..candidates).step_by(PIECE * PIECES_AT_ONCE) {
        let pieces = (candidates - start).div_ceil(PIECE).min(PIECES_AT_ONCE);
        for piece in read(&reading, start, pieces, request).await? {
            assembly.append(&piece)?;
        }
        request.control.check()?;
    }
    let Assembly { rows, chunks, .. } = assembly;
    Ok((rows, chunks))
}

/// Lends the symbol table to the query, if so many candidates are worth it.
fn lend<I: SeriesIndex>(
    index: &Arc<I>,
    candidates: usize,
    request: SelectRequest<'_>,
) -> Result<Option<Adopted>, StorageError> {
    let most = candidates.saturating_mul(LENT_PER_SERIES);
    let few = index.symbol_count()?.is_some_and(|n| n <= most);
    if candidates < LEND_FROM || !few || !index.is_dictionary()? {
        return Ok(None);
    }
    let dictionary: Arc<dyn Dictionary> = Arc::clone(index) as _;
    Ok(request.symbols.adopt(&dictionary))
}

impl Block {
    /// As [`rows_of`] this block.
    ///
    /// # Errors
    /// When the index is corrupt, and the end of the query.
    pub(crate) async fn rows(
        &self,
        candidates: Candidates<'_>,
        tombstones: &Arc<Tombstones>,
        request: SelectRequest<'_>,
        lends: bool,
    ) -> Result<Rows, StorageError> {
        let reading = rows_of(&self.index, candidates, tombstones, request, lends);
        let (rows, chunks) = reading.await?;
        self.advise(&chunks, rows.ids.len());
        Ok(Rows {
            samples: chunks.samples(self.meta.stats.samples_per_chunk()),
            ..rows
        })
    }

    /// Advises the system to read the chunks of many series ahead, if they lie
    /// close together.
    fn advise(&self, chunks: &SelectedChunks, series: usize) {
        let (first, last) = chunks.references;
        if series >= ADVISE_FROM
            && last.saturating_sub(first) <= chunks.count.saturating_mul(ADVISE_DENSITY)
        {
            self.segments.will_need(first, last);
        }
    }

    /// Appends the chunks of a series that overlap the range, in order of time.
    ///
    /// # Errors
    /// When index or chunks are corrupt.
    pub(crate) fn chunks(
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
            let data = self.segments.chunk(meta.reference)?;
            let touches = |d: &TimeRange| d.overlaps(meta.min_time, meta.max_time);
            let times = TimeRange {
                start: meta.min_time,
                end: meta.max_time,
            };
            let mut chunk = Chunk::new(data, times);
            chunk.deleted = deleted.filter(|all| all.iter().any(touches)).cloned();
            out.push(chunk);
        }
        Ok(())
    }
}
