//! Combines the chunks of one series from all its sources.

use quarrel_engine::storage::{Chunk, StorageError, TimeRange};

use super::merge::Part;
use super::overlap::{self, Piece};
use super::source::Source;

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
    combine(parts.len(), range, out, |number, found| {
        let part = parts[number];
        sources[part.source as usize].chunks(part.id, range, found)
    })
}

/// Appends the chunks of `parts` parts of a series in order of their first sample;
/// `chunks` appends those of a part.
pub(crate) fn combine(
    parts: usize,
    range: TimeRange,
    out: &mut Vec<Chunk>,
    mut chunks: impl FnMut(usize, &mut Vec<Chunk>) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let first = out.len();
    let mut ends = Vec::with_capacity(parts);
    for part in 0..parts {
        chunks(part, out)?;
        ends.push(out.len() - first);
    }
    if out[first..].is_sorted_by(|a, b| a.max_time < b.min_time) {
        // Parts one after the other, as blocks mostly are.
        return Ok(());
    }
    let mut part = 0;
    let of_parts = out.drain(first..).enumerate().map(|(number, chunk)| {
        part += ends[part..]
            .iter()
            .take_while(|end| **end <= number)
            .count();
        Piece { part, chunk }
    });
    let mut pieces: Vec<Piece> = of_parts.collect();
    pieces.sort_by_key(|p| p.chunk.min_time);
    overlap::resolve(&mut pieces, parts, range)?;
    out.extend(pieces.into_iter().map(|p| p.chunk));
    Ok(())
}
