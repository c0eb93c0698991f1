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
    /// `alone` tells that there is no other source of this select.
    pub async fn rows(
        &self,
        request: SelectRequest<'_>,
        cache: &Cache,
        alone: bool,
    ) -> Result<Rows, StorageError> {
        match self {
            Source::Block(live) => {
                let SelectRequest {
                    matchers, control, ..
                } = request;
                live.block.index().load(control).await?;
                let candidates = live.block.candidates(matchers, cache, control)?;
                let reading = live
                    .block
                    .rows(candidates, &live.tombstones, request, alone);
                reading.await
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
