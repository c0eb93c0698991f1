//! Rows that are there already.

use std::sync::Arc;

use crate::batch::SeriesBatch;
use crate::bind::late::LateRows;
use crate::bind::{Bound, RowLabels};
use crate::exec::context::Account;
use crate::exec::operator::{BatchStream, Operator, Run};

#[derive(Debug)]
struct Rows {
    batches: Arc<Vec<SeriesBatch>>,
    /// Held for its drop.
    _account: Arc<Account>,
}

/// A node of rows that a pipeline breaker left.
pub(crate) fn bind(late: &LateRows) -> Bound {
    let rows = Rows {
        batches: Arc::clone(&late.batches),
        _account: Arc::clone(&late.account),
    };
    let labels = RowLabels {
        list: Arc::clone(&late.labels),
        unique: late.unique,
        marks: late.marks.clone(),
    };
    Bound::whole(Arc::new(rows), Vec::new(), labels, late.grid)
}

impl Operator for Rows {
    fn name(&self) -> &'static str {
        "Rows"
    }

    fn describe(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            ": rows={}",
            self.batches.iter().map(SeriesBatch::len).sum::<usize>()
        )
    }

    fn stream(self: Arc<Self>, _: Run) -> BatchStream {
        super::cache::stream_of(Arc::clone(&self.batches))
    }
}
