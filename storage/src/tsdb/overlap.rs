//! Resolves overlaps between chunks of one series.
//!
//! Samples that Prometheus would not return are marked as deleted, so that at
//! most one sample remains at a time. No chunk is encoded again; floats and
//! histograms are handled alike.

use std::ops::Range;
use std::sync::Arc;

use quarrel_chunks::{ChunkError, HistogramColumns, decode_floats, decode_histograms};
use quarrel_engine::storage::{Chunk, ChunkData, StorageError, TimeRange};

use super::block::add_range;
use super::chain::{Start, chain};

/// A chunk and its part of the series.
#[derive(Debug)]
pub(crate) struct Piece {
    /// The number of the part.
    pub part: usize,
    /// The chunk.
    pub chunk: Chunk,
}

/// Resolves all overlaps of chunks of `parts` parts, sorted by their first
/// sample. Samples outside of `range` do not matter.
///
/// # Errors
/// When a chunk that overlaps another is corrupt.
pub(crate) fn resolve(
    pieces: &mut [Piece],
    parts: usize,
    range: TimeRange,
) -> Result<(), StorageError> {
    // The part of the last sample before a group.
    let mut start = Start::Seek;
    let mut from = 0;
    while from < pieces.len() {
        let group = group_at(pieces, from);
        from = group.end;
        let last = resolve_group(&mut pieces[group], parts, start, range)?;
        start = last.map_or(start, Start::In);
    }
    Ok(())
}

/// The chunks from `from` on that each overlap a previous one.
pub(crate) fn group_at(pieces: &[Piece], from: usize) -> Range<usize> {
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

/// Resolves the overlaps of one group of chunks. Returns the part of its last
/// sample.
///
/// # Errors
/// As [`resolve`].
pub(crate) fn resolve_group(
    group: &mut [Piece],
    parts: usize,
    start: Start,
    range: TimeRange,
) -> Result<Option<usize>, StorageError> {
    if let [only] = group {
        return Ok(Some(only.part));
    }
    // Who reads downsampled chunks knows what counts where they overlap others.
    let is_downsampled = |piece: &Piece| matches!(piece.chunk.data, ChunkData::Aggregates(_));
    if group.iter().any(is_downsampled) {
        return Ok(group.last().map(|piece| piece.part));
    }
    // For each part, the timestamp and piece of each sample.
    let mut runs: Vec<Vec<(i64, usize)>> = vec![Vec::new(); parts];
    for (i, piece) in group.iter().enumerate() {
        let times = timestamps(&piece.chunk).map_err(|e| StorageError::Corrupt {
            file: format!("a chunk from {} on", piece.chunk.min_time),
            detail: e.to_string(),
        })?;
        let deleted = piece.chunk.deleted.as_deref().unwrap_or_default();
        let lives = |t: &i64| range.overlaps(*t, *t) && !deleted.iter().any(|d| d.overlaps(*t, *t));
        runs[piece.part].extend(times.into_iter().filter(lives).map(|t| (t, i)));
    }
    // Chunks of one part may overlap each other, if they were resolved before.
    runs.iter_mut().for_each(|run| run.sort_by_key(|s| s.0));
    let kept = chain(&runs, start, |s| s.0);
    for run in &runs {
        delete_dropped(group, run, &kept);
    }
    Ok(kept.last().map(|(_, i)| group[*i].part))
}

/// Marks the dropped samples of one part as deleted.
fn delete_dropped(group: &mut [Piece], run: &[(i64, usize)], kept: &[(i64, usize)]) {
    let mut kept = kept.iter().peekable();
    // A range of dropped samples of one chunk without a kept one between.
    let mut dropped: Option<(usize, TimeRange)> = None;
    for (t, i) in run {
        while kept.next_if(|k| k.0 < *t).is_some() {}
        let is_kept = kept.peek().is_some_and(|k| **k == (*t, *i));
        match &mut dropped {
            Some((piece, range)) if !is_kept && *piece == *i => range.end = *t,
            _ => {
                if let Some((piece, range)) = dropped.take() {
                    delete(&mut group[piece].chunk, range);
                }
                dropped = (!is_kept).then_some((*i, TimeRange { start: *t, end: *t }));
            }
        }
    }
    if let Some((piece, range)) = dropped {
        delete(&mut group[piece].chunk, range);
    }
}

fn delete(chunk: &mut Chunk, range: TimeRange) {
    let mut deleted = chunk.deleted.as_deref().unwrap_or_default().to_vec();
    add_range(&mut deleted, range);
    chunk.deleted = Some(Arc::from(deleted));
}

/// The timestamps of a chunk.
fn timestamps(chunk: &Chunk) -> Result<Vec<i64>, ChunkError> {
    match &chunk.data {
        ChunkData::Floats { timestamps, .. } => Ok(timestamps.to_vec()),
        ChunkData::Encoded { encoding, bytes } if encoding.is_histogram() => {
            let mut columns = HistogramColumns::default();
            decode_histograms(*encoding, bytes, &mut columns)?;
            Ok(columns.timestamps)
        }
        ChunkData::Encoded { encoding, bytes } => {
            let (mut times, mut values) = (Vec::new(), Vec::new());
            decode_floats(*encoding, bytes, &mut times, &mut values)?;
            Ok(times)
        }
        // Such chunks are not here, or not resolved.
        _ => Err(ChunkError::NotFloats),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(part: usize, times: &[i64]) -> Piece {
        let chunk = Chunk::floats(times.to_vec(), vec![0.0; times.len()]);
        Piece { part, chunk }
    }

    /// The samples that remain in each piece.
    fn left(mut pieces: Vec<Piece>, parts: usize) -> Vec<Vec<i64>> {
        resolve(&mut pieces, parts, TimeRange::ALL).unwrap();
        let left = pieces.iter().map(|p| {
            let deleted = p.chunk.deleted.as_deref().unwrap_or_default();
            let lives = |t: &i64| !deleted.iter().any(|d| d.overlaps(*t, *t));
            timestamps(&p.chunk)
                .unwrap()
                .into_iter()
                .filter(lives)
                .collect()
        });
        left.collect()
    }

    #[test]
    fn of_equal_chunks_the_first_is_kept() {
        let pieces = vec![piece(0, &[1, 2, 3]), piece(1, &[1, 2, 3])];
        assert_eq!(left(pieces, 2), [vec![1, 2, 3], vec![]]);
    }

    #[test]
    fn after_a_chunk_alone_the_other_part_is_kept() {
        let pieces = vec![piece(0, &[1, 2]), piece(0, &[5, 6]), piece(1, &[5, 6])];
        assert_eq!(left(pieces, 2), [vec![1, 2], vec![], vec![5, 6]]);
    }

    #[test]
    fn chunks_without_overlap_are_unchanged() {
        let pieces = vec![piece(0, &[1, 5]), piece(1, &[2, 3]), piece(0, &[6, 7])];
        assert_eq!(left(pieces, 2), [vec![1, 5], vec![2, 3], vec![6, 7]]);
    }

    #[test]
    fn a_deleted_sample_does_not_replace_another() {
        let mut pieces = vec![piece(0, &[1, 2, 3]), piece(1, &[1, 2, 3])];
        pieces[0].chunk.deleted = Some(vec![TimeRange { start: 2, end: 2 }].into());
        assert_eq!(left(pieces, 2), [vec![1, 3], vec![2]]);
    }

    #[test]
    fn corrupt_chunks_that_overlap_are_errors() {
        let mut pieces = vec![piece(0, &[1, 2]), piece(1, &[1, 2])];
        for encoding in [
            quarrel_chunks::Encoding::Xor,
            quarrel_chunks::Encoding::Histogram,
        ] {
            let bytes = bytes::Bytes::from_static(&[0, 9, 1]);
            pieces[1].chunk.data = ChunkData::Encoded { encoding, bytes };
            assert!(resolve(&mut pieces, 2, TimeRange::ALL).is_err());
        }
    }
}
