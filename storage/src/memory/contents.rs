//! The series of a store at one moment.

use std::sync::{Arc, OnceLock};

use quarrel_engine::labels::{Label, SymbolTable};
use quarrel_engine::storage::{Chunk, TimeRange};

use super::columns::FloatColumns;
use super::encoded::EncodedChunks;
use super::index::Index;

/// The series that a snapshot sees.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    pub(super) series: Vec<Arc<Series>>,
    /// Built by the first query after a new series.
    pub(super) index: OnceLock<Arc<Index>>,
}

/// One series.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) labels: Arc<[Label]>,
    pub(super) floats: FloatColumns,
    pub(super) encoded: EncodedChunks,
}

impl Series {
    /// The number of samples.
    pub(super) fn len(&self) -> usize {
        self.floats.len() + self.encoded.len()
    }

    /// The times of the first and the last sample.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        let first = [self.floats.first(), self.encoded.first()];
        let last = [self.floats.last(), self.encoded.last()];
        let first = first.into_iter().flatten().min()?;
        Some((first, last.into_iter().flatten().max()?))
    }

    /// Whether the times of the samples overlap the range.
    pub(super) fn overlaps(&self, range: TimeRange) -> bool {
        let overlaps = |(first, last)| range.overlaps(first, last);
        self.times().is_some_and(overlaps)
    }

    /// Appends the samples in a range as chunks. Of a float and a histogram at
    /// one time the float is kept.
    pub(super) fn chunks(&self, range: TimeRange, out: &mut Vec<Chunk>) {
        let from = out.len();
        self.floats.chunks(range, out);
        let plain = out.len();
        self.encoded.chunks(range, out);
        if from < plain && plain < out.len() {
            out[from..].sort_by_key(|chunk| chunk.min_time);
        }
    }
}

impl Contents {
    pub(super) fn index(&self, symbols: &SymbolTable) -> Arc<Index> {
        let make = || {
            let labels: Vec<&[Label]> = self.series.iter().map(|s| &*s.labels).collect();
            Arc::new(Index::new(&labels, &symbols.read()))
        };
        self.index.get_or_init(make).clone()
    }
}
