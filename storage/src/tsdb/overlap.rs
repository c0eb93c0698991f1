//! Which samples count where chunks of one series overlap.
//!
//! The samples that Prometheus would not give are marked as deleted, so that
//! what is left has no two samples at one time. Nothing is encoded anew, and
//! it is the same for floats and histograms.

use std::ops::Range;
use std::sync::Arc;

use quarrel_chunks::{ChunkError, HistogramColumns, decode_floats, decode_histograms};
use quarrel_engine::storage::{Chunk, ChunkData, StorageError, TimeRange};

use super::block::add_range;
use super::chain::{Start, chain};

/// A chunk, and which part of the series it is of.
#[derive(Debug)]
pub(super) struct Piece {
    /// The part's number.
    pub part: usize,
    /// The chunk.
    pub chunk: Chunk,
}

/// Settles all overlaps of chunks that are sorted by their first sample and
/// come from `parts` parts. Samples outside of `range` do not matter.
///
/// # Errors
/// When a chunk that overlaps another is corrupt.
pub(super) fn settle(
    pieces: &mut [Piece],
    parts: usize,
    range: TimeRange,
) -> Result<(), StorageError> {
    // The part that the last sample before a group is of.
    let mut start = Start::Seek;
    let mut from = 0;
    while from < pieces.len() {
        let group = group_at(pieces, from);
        from = group.end;
        let last = settle_group(&mut pieces[group], parts, start, range)?;
        start = last.map_or(start, Start::In);
    }
    Ok(())
}

/// The chunks from `from` on of which each overlaps one before it.
pub(super) fn group_at(pieces: &[Piece], from: usize) -> Range<usize> {
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

/// Settles one group of overlapping chunks. Gives the part of its last sample.
///
/// # Errors
/// As [`settle`].
pub(super) fn settle_group(
    group: &mut [Piece],
    parts: usize,
    start: Start,
    range: TimeRange,
) -> Result<Option<usize>, StorageError> {
    if let [only] = group {
        return Ok(Some(only.part));
    }
    // Time and piece of each sample, by part.
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
    // Chunks of one part may lie in another, too, if that was settled before.
    runs.iter_mut().for_each(|run| run.sort_by_key(|s| s.0));
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

/// The times of a chunk's samples.
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(part: usize, times: &[i64]) -> Piece {
        let chunk = Chunk {
            min_time: times[0],
            max_time: times[times.len() - 1],
            data: ChunkData::Floats {
                timestamps: times.to_vec().into(),
                values: vec![0.0; times.len()].into(),
            },
            deleted: None,
        };
        Piece { part, chunk }
    }

    /// What is left of each piece.
    fn left(mut pieces: Vec<Piece>, parts: usize) -> Vec<Vec<i64>> {
        settle(&mut pieces, parts, TimeRange::ALL).unwrap();
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
    fn of_twins_the_first_is_kept() {
        let pieces = vec![piece(0, &[1, 2, 3]), piece(1, &[1, 2, 3])];
        assert_eq!(left(pieces, 2), [vec![1, 2, 3], vec![]]);
    }

    #[test]
    fn after_a_chunk_alone_the_other_part_is_kept() {
        let pieces = vec![piece(0, &[1, 2]), piece(0, &[5, 6]), piece(1, &[5, 6])];
        assert_eq!(left(pieces, 2), [vec![1, 2], vec![], vec![5, 6]]);
    }

    #[test]
    fn what_is_apart_stays() {
        let pieces = vec![piece(0, &[1, 5]), piece(1, &[2, 3]), piece(0, &[6, 7])];
        assert_eq!(left(pieces, 2), [vec![1, 5], vec![2, 3], vec![6, 7]]);
    }

    #[test]
    fn a_deleted_sample_gives_way() {
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
            assert!(settle(&mut pieces, 2, TimeRange::ALL).is_err());
        }
    }
}
