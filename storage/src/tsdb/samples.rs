//! The chunks of one series from all sources that have some.
//!
//! Chunks of one source never overlap. Where those of several do, the
//! samples that Prometheus would not give are marked as deleted, so that what
//! is left has no two samples at one time.

use std::ops::Range;
use std::sync::Arc;

use quarrel::storage::{Chunk, ChunkData, StorageError, TimeRange};

use super::block::add_range;
use super::chain::{Start, chain};
use super::merge::Part;
use super::snapshot::Source;

/// A chunk, and which part of the series it is of.
struct Piece {
    part: usize,
    chunk: Chunk,
}

/// Appends the chunks of a series in order of their first sample.
pub(super) fn chunks(
    sources: &[Source],
    parts: &[Part],
    range: TimeRange,
    out: &mut Vec<Chunk>,
) -> Result<(), StorageError> {
    if let [only] = parts {
        return sources[only.source as usize].chunks(only.id, range, out);
    }
    let mut pieces = Vec::new();
    let mut found = Vec::new();
    for (part, place) in parts.iter().enumerate() {
        sources[place.source as usize].chunks(place.id, range, &mut found)?;
        pieces.extend(found.drain(..).map(|chunk| Piece { part, chunk }));
    }
    pieces.sort_by_key(|p| p.chunk.min_time);
    // The part that the last sample before a group is of.
    let mut before = None;
    let mut from = 0;
    while from < pieces.len() {
        let group = group_at(&pieces, from);
        let end = group.end;
        if group.len() > 1 {
            before = resolve(&mut pieces[group], parts.len(), before, range)?;
        } else {
            before = Some(pieces[from].part);
        }
        from = end;
    }
    out.extend(pieces.into_iter().map(|p| p.chunk));
    Ok(())
}

/// The chunks from `from` on of which each overlaps one before it.
fn group_at(pieces: &[Piece], from: usize) -> Range<usize> {
    let mut end_time = pieces[from].chunk.max_time;
    let mut end = from + 1;
    while let Some(next) = pieces.get(end)
        && next.chunk.min_time <= end_time
    {
        end_time = end_time.max(next.chunk.max_time);
        end += 1;
    }
    from..end
}

/// Marks the samples of overlapping chunks that lose against another one at
/// the same time. Gives the part of the last sample.
fn resolve(
    group: &mut [Piece],
    parts: usize,
    before: Option<usize>,
    range: TimeRange,
) -> Result<Option<usize>, StorageError> {
    // Time and piece of each sample, by part.
    let mut runs: Vec<Vec<(i64, usize)>> = vec![Vec::new(); parts];
    for (i, piece) in group.iter().enumerate() {
        let Some(times) = timestamps(&piece.chunk)? else {
            // Histograms: the scan says what is to be said of them.
            return Ok(group.last().map(|p| p.part));
        };
        let deleted = piece.chunk.deleted.as_deref().unwrap_or_default();
        let lives = |t: &i64| range.overlaps(*t, *t) && !deleted.iter().any(|d| d.overlaps(*t, *t));
        runs[piece.part].extend(times.into_iter().filter(lives).map(|t| (t, i)));
    }
    let start = before.map_or(Start::Seek, Start::In);
    let kept = chain(&runs, start, |s| s.0);
    for run in &runs {
        mark_lost(group, run, &kept);
    }
    Ok(kept.last().map(|(_, i)| group[*i].part))
}

/// Marks what one part's run has lost.
fn mark_lost(group: &mut [Piece], run: &[(i64, usize)], kept: &[(i64, usize)]) {
    let mut kept = kept.iter().peekable();
    // The stretch of lost samples of one chunk: nothing that is kept of it
    // lies between.
    let mut lost: Option<(usize, TimeRange)> = None;
    for (t, i) in run {
        while kept.next_if(|k| k.0 < *t).is_some() {}
        let is_kept = kept.peek().is_some_and(|k| **k == (*t, *i));
        match &mut lost {
            Some((piece, range)) if !is_kept && *piece == *i => range.end = *t,
            _ => {
                if let Some((piece, range)) = lost.take() {
                    delete(&mut group[piece].chunk, range);
                }
                lost = (!is_kept).then_some((*i, TimeRange { start: *t, end: *t }));
            }
        }
    }
    if let Some((piece, range)) = lost {
        delete(&mut group[piece].chunk, range);
    }
}

fn delete(chunk: &mut Chunk, range: TimeRange) {
    let mut deleted = chunk.deleted.as_deref().unwrap_or_default().to_vec();
    add_range(&mut deleted, range);
    chunk.deleted = Some(Arc::from(deleted));
}

/// The times of a chunk's samples; `None` if they are histograms.
fn timestamps(chunk: &Chunk) -> Result<Option<Vec<i64>>, StorageError> {
    match &chunk.data {
        ChunkData::Floats { timestamps, .. } => Ok(Some(timestamps.to_vec())),
        ChunkData::Encoded { encoding, .. } if encoding.is_histogram() => Ok(None),
        ChunkData::Encoded { encoding, bytes } => {
            let (mut times, mut values) = (Vec::new(), Vec::new());
            quarrel_chunks::decode_floats(*encoding, bytes, &mut times, &mut values).map_err(
                |e| StorageError::Corrupt {
                    file: format!("a chunk from {} on", chunk.min_time),
                    detail: e.to_string(),
                },
            )?;
            Ok(Some(times))
        }
    }
}
