//! A source of series: a block or the head.

use std::sync::Arc;

use quarrel_engine::storage::{Chunk, SelectRequest, StorageError, TimeRange};

use super::block::Rows;
use super::cache::Cache;
use super::directory::LiveBlock;
use super::head::Head;
use super::head_source;

/// A source of series.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Block(LiveBlock),
    Head(Arc<Head>),
}

impl Source {
    /// The series that satisfy the matchers and have samples in the range.
    pub fn rows(&self, request: SelectRequest<'_>, cache: &Cache) -> Result<Rows, StorageError> {
        match self {
            Source::Block(live) => {
                let SelectRequest {
                    matchers, control, ..
                } = request;
                let candidates = live.block.candidates(matchers, cache, control)?;
                live.block.rows(candidates, &live.tombstones, request)
            }
            Source::Head(head) => head_source::rows(head, request),
        }
    }

    /// Appends the chunks of a series that overlap the range, in order of time.
    pub fn chunks(
        &self,
        id: u32,
        range: TimeRange,
        out: &mut Vec<Chunk>,
    ) -> Result<(), StorageError> {
        match self {
            Source::Block(live) => live.block.chunks(id, &live.tombstones, range, out),
            Source::Head(head) => head_source::chunks(head, id, range, out),
        }
    }
}
