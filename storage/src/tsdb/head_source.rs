//! Selects in the head.

use std::sync::Arc;

use quarrel_engine::labels::{Label, LabelList, Symbol};
use quarrel_engine::storage::{Chunk, SelectRequest, StorageError, TimeRange};
use rustc_hash::FxHashMap;

use super::block::{Rows, add_range, reserve_rows};
use super::chain::Start;
use super::head::{Head, HeadChunk, HeadChunkData, HeadError, merge_overlapping};
use super::head_histograms::{self, BadHistogram};
use super::overlap::{self, Piece};

/// Number of series whose labels are interned under one lock.
const BATCH: usize = 256;
/// Labels of a row for which room is made at first.
const LABELS_A_ROW: usize = 8;

/// The series of the head that satisfy the matchers and have samples in the
/// range, in label order.
///
/// # Errors
/// The end of the query.
pub(super) fn rows(head: &Head, request: SelectRequest<'_>) -> Result<Rows, StorageError> {
    let SelectRequest {
        range,
        symbols: table,
        control,
        ..
    } = request;
    let mut samples = 0;
    let mut ids = head.select(request.matchers, control)?;
    ids.retain(|id| {
        let in_range = head.series(*id).samples_in(range.start, range.end);
        samples += in_range.unwrap_or(0);
        in_range.is_some()
    });
    reserve_rows(ids.len(), request)?;
    let mut rows = Rows {
        labels: LabelList::with_capacity(ids.len(), LABELS_A_ROW),
        samples: samples as f64,
        ..Rows::default()
    };
    let mut memo: FxHashMap<u32, Symbol> = FxHashMap::default();
    let mut labels = Vec::with_capacity(16);
    for batch in ids.chunks(BATCH) {
        control.check()?;
        let mut symbols = table.write();
        for id in batch {
            labels.clear();
            for (name, value) in head.series(*id).label_symbols() {
                let [name, value] = [name, value].map(|s| {
                    *memo
                        .entry(s.0)
                        .or_insert_with(|| symbols.intern(head.symbols().get(*s)))
                });
                labels.push(Label { name, value });
            }
            rows.labels.push(labels.iter().copied());
        }
    }
    rows.ids = ids;
    Ok(rows)
}

/// Appends the chunks of a series in order of time, at most one sample at a
/// time.
pub(super) fn chunks(
    head: &Head,
    id: u32,
    range: TimeRange,
    out: &mut Vec<Chunk>,
) -> Result<(), StorageError> {
    let series = head.series(id);
    let mut found = Vec::new();
    series.chunks(range.start, range.end, &mut found);
    let corrupt = |detail: String| {
        let labels: Vec<String> = series.labels().map(|(n, v)| format!("{n}={v:?}")).collect();
        let file = "the head".to_owned();
        StorageError::Corrupt {
            file,
            detail: format!("{{{}}}: {detail}", labels.join(", ")),
        }
    };
    let found = merge_overlapping(found).map_err(|e| corrupt(e.to_string()))?;
    let from = out.len();
    for chunk in found {
        push(chunk, out).map_err(|e| corrupt(e.to_string()))?;
    }
    resolve_overlaps(&mut out[from..])?;
    if !series.tombstones().is_empty() {
        out[from..]
            .iter_mut()
            .for_each(|chunk| delete(chunk, series.tombstones()));
    }
    Ok(())
}

/// Converts a chunk of the head and appends it; histograms may need several.
fn push(chunk: HeadChunk, out: &mut Vec<Chunk>) -> Result<(), BadHistogram> {
    let HeadChunk {
        min_time,
        max_time,
        data,
        ..
    } = chunk;
    match data {
        HeadChunkData::Encoded { encoding, bytes } => {
            let times = TimeRange {
                start: min_time,
                end: max_time,
            };
            out.push(Chunk::encoded(encoding, bytes, times));
        }
        HeadChunkData::Samples { timestamps, values } => {
            out.push(Chunk::floats(timestamps, values));
        }
        HeadChunkData::Histograms(samples) => out.extend(head_histograms::chunks(&samples)?),
    }
    Ok(())
}

/// Resolves the remaining overlaps, those of groups with histograms. There each
/// chunk is a part, and Prometheus begins in the first one.
fn resolve_overlaps(chunks: &mut [Chunk]) -> Result<(), StorageError> {
    if chunks.windows(2).all(|w| w[0].max_time < w[1].min_time) {
        return Ok(());
    }
    let pieces = chunks.iter().cloned().enumerate();
    let mut pieces: Vec<Piece> = pieces.map(|(part, chunk)| Piece { part, chunk }).collect();
    pieces.sort_by_key(|p| p.chunk.min_time);
    let mut from = 0;
    while from < pieces.len() {
        let group = overlap::group_at(&pieces, from);
        let start = Start::In(pieces[from].part);
        let parts = pieces.len();
        from = group.end;
        overlap::resolve_group(&mut pieces[group], parts, start, TimeRange::ALL)?;
    }
    for (slot, piece) in chunks.iter_mut().zip(pieces) {
        *slot = piece.chunk;
    }
    Ok(())
}

/// Adds tombstones to a chunk.
fn delete(chunk: &mut Chunk, tombstones: &[(i64, i64)]) {
    let mut all = chunk.deleted.as_deref().unwrap_or_default().to_vec();
    for (start, end) in tombstones {
        let range = TimeRange {
            start: *start,
            end: *end,
        };
        if range.overlaps(chunk.min_time, chunk.max_time) {
            add_range(&mut all, range);
        }
    }
    chunk.deleted = (!all.is_empty()).then(|| Arc::from(all));
}

/// Converts an error of the head.
pub(super) fn error(e: HeadError) -> StorageError {
    match e {
        HeadError::Io { path, error } => StorageError::Io { path, error },
        HeadError::Corrupt {
            path,
            offset,
            detail,
        } => StorageError::Corrupt {
            file: path.display().to_string(),
            detail: format!("at byte {offset}: {detail}"),
        },
        HeadError::MissingSegment { dir, missing } => StorageError::Corrupt {
            file: dir.display().to_string(),
            detail: format!("segments are not sequential: {missing} is missing"),
        },
        other => StorageError::Other(other.to_string()),
    }
}
