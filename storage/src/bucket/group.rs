//! Selects in the blocks of the same external labels.

use std::sync::Arc;

use futures::future::join_all;
use parking_lot::Mutex;
use quarrel_engine::labels::LabelList;
use quarrel_engine::storage::{SelectRequest, StorageError};

use super::failure::OnFailure;
use super::select::{BlockRows, Reader};
use super::selection::Selection;
use super::shared::Shared;
use super::view::Group;
use crate::tsdb::merge::merge;

/// The function that the engine's hints name where series are looked up, of which no
/// samples are read.
const SERIES_LOOKUP: &str = "series";

/// The rows of a select in a group.
#[derive(Debug)]
pub(super) struct GroupRows {
    pub labels: LabelList,
    pub selection: Selection,
    /// Whether labels that the query does not look at are left out.
    pub projected: bool,
    pub warnings: Vec<String>,
}

/// Selects in the blocks of a group that are read for the request.
///
/// # Errors
/// The end of the query, and those of blocks, as `on_failure` says.
pub(super) async fn select(
    shared: &Arc<Shared>,
    group: &Group,
    mut request: SelectRequest<'_>,
    on_failure: OnFailure,
) -> Result<GroupRows, StorageError> {
    let resolution = match request.hints.function == SERIES_LOOKUP {
        true => i64::MAX,
        false => request.hints.max_resolution_ms,
    };
    let blocks = group.blocks_for(request.range, resolution);
    let alone = blocks.len() == 1;
    if !alone {
        // Several blocks are merged by their whole label sets.
        request.projection = None;
    }
    let mut reads = Vec::with_capacity(blocks.len());
    for block in &blocks {
        let reader = Reader {
            block,
            shared,
            control: request.control,
        };
        reads.push(reader.rows(request, alone));
    }
    let (mut found, mut warnings) = (Vec::with_capacity(blocks.len()), Vec::new());
    for answer in join_all(reads).await {
        match answer {
            Ok(rows) => found.extend(rows),
            Err(error) => warnings.push(on_failure.of(error)?),
        }
    }
    let (labels, selection) = merged(shared, found, request, on_failure);
    Ok(GroupRows {
        labels,
        selection,
        projected: request.projection.is_some(),
        warnings,
    })
}

fn merged(
    shared: &Arc<Shared>,
    found: Vec<BlockRows>,
    request: SelectRequest<'_>,
    on_failure: OnFailure,
) -> (LabelList, Selection) {
    let mut blocks = Vec::with_capacity(found.len());
    let (mut lists, mut samples, mut chunk_bytes) = (Vec::with_capacity(found.len()), 0.0, 0);
    for (number, of_block) in found.into_iter().enumerate() {
        samples += of_block.rows.samples;
        chunk_bytes += of_block.chunks * of_block.block.chunk_bytes();
        lists.push((number as u32, of_block.rows));
        blocks.push((of_block.block, of_block.index));
    }
    let mut merged = merge(lists, &request.symbols.read());
    let labels = std::mem::take(&mut merged.labels);
    let selection = Selection {
        shared: Arc::clone(shared),
        blocks,
        merged,
        rows: labels.len() as u32,
        range: request.range,
        samples,
        chunk_bytes,
        on_failure,
        given_up: Mutex::default(),
    };
    (labels, selection)
}
