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
    let mut pieces = Vec::new();
    let mut found = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        sources[part.source as usize].chunks(part.id, range, &mut found)?;
        pieces.extend(found.drain(..).map(|chunk| Piece {
            part: number,
            chunk,
        }));
    }
    pieces.sort_by_key(|p| p.chunk.min_time);
    overlap::resolve(&mut pieces, parts.len(), range)?;
    out.extend(pieces.into_iter().map(|p| p.chunk));
    Ok(())
}
