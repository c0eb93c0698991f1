//! Selects once more, where a block was deleted after its rows had been selected.

use std::sync::Arc;

use quarrel_engine::labels::{Label, SymbolTable};
use quarrel_engine::storage::{Matcher, SelectHints, SelectRequest, StorageError, TimeRange};
use rustc_hash::FxHashMap;

use super::bucket::Inner;
use super::failure::OnFailure;
use super::group;
use super::selection::Selection;
use super::view::Group;
use crate::tsdb::block::index::SeriesIndex as _;

/// Stands for a row that is not there any more.
const GONE: u32 = u32::MAX;

/// What was asked, to be asked again.
#[derive(Debug)]
pub(super) struct Again {
    inner: Arc<Inner>,
    group: Arc<Group>,
    matchers: Vec<Matcher>,
    range: TimeRange,
    hints: SelectHints,
    on_failure: OnFailure,
}

/// The rows that take the place of others.
#[derive(Debug)]
pub(super) struct Replacement {
    pub selection: Selection,
    /// What the user should know of it.
    pub warnings: Vec<String>,
    /// For each of the others its row here, or [`GONE`].
    rows: Vec<u32>,
}

impl Replacement {
    /// The row that takes the place of another one, if it is there.
    pub fn row(&self, of: u32) -> Option<u32> {
        let row = self.rows.get(of as usize).copied();
        row.filter(|&row| row != GONE)
    }
}

impl Again {
    /// What a request has asked of a group.
    pub fn new(
        inner: Arc<Inner>,
        group: Arc<Group>,
        request: &SelectRequest<'_>,
        on_failure: OnFailure,
    ) -> Self {
        Again {
            inner,
            group,
            matchers: request.matchers.to_vec(),
            range: request.range,
            hints: request.hints.clone(),
            on_failure,
        }
    }

    /// Lists the bucket and selects in what is there then. Rows are told by their labels.
    ///
    /// # Errors
    /// Those of the bucket and of blocks. The first select has counted the memory of as
    /// many rows.
    pub async fn select(&self, first: &Selection) -> Result<Replacement, StorageError> {
        let group = self.inner.refreshed(&self.group).await?;
        let symbols = SymbolTable::new();
        let request = SelectRequest::new(&self.matchers, self.range, &self.hints, &symbols);
        let found = group::select(&self.inner.shared, &group, request, self.on_failure).await?;
        let labels = found.labels.iter().zip(0..);
        let by_labels: FxHashMap<&[Label], u32> = labels.collect();
        let mut rows = Vec::with_capacity(first.rows as usize);
        let (mut references, mut own) = (Vec::new(), Vec::new());
        for row in 0..first.rows {
            let Some(part) = first.parts(row).first().copied() else {
                rows.push(GONE);
                continue;
            };
            let index = &first.blocks[part.source as usize].1;
            references.clear();
            own.clear();
            let entry = index.series(part.id)?.labels(&mut references);
            entry.map_err(|e| index.series_error(part.id, e))?;
            let mut table = symbols.write();
            for &(name, value) in &references {
                own.push(Label {
                    name: table.intern(index.symbol(name)?),
                    value: table.intern(index.symbol(value)?),
                });
            }
            rows.push(by_labels.get(&own[..]).copied().unwrap_or(GONE));
        }
        Ok(Replacement {
            selection: found.selection,
            warnings: found.warnings,
            rows,
        })
    }
}
