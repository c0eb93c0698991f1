//! Materialized rows.

use std::sync::Arc;

use crate::batch::SeriesBatch;
use crate::bound::MaterializedRows;
use crate::bound::{Bound, RowLabels};
use crate::exec::context::Account;
use crate::exec::operator::{BatchStream, Operator, Run};

#[derive(Debug)]
struct Rows {
    batches: Arc<Vec<SeriesBatch>>,
    /// Held for its drop.
    _account: Arc<Account>,
}

/// A node of rows that a pipeline breaker left.
pub(crate) fn bind(rows: MaterializedRows) -> Bound {
    let labels = RowLabels {
        list: rows.labels,
        unique: rows.unique,
        drop_names: rows.drop_names,
    };
    let operator = Rows {
        batches: rows.batches,
        _account: rows.account,
    };
    Bound::whole(Arc::new(operator), Vec::new(), labels, rows.grid)
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
