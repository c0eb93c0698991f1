//! Materialized rows.

use std::sync::Arc;

use futures::StreamExt;

use crate::batch::SeriesBatch;
use crate::bound::MaterializedRows;
use crate::bound::{Bound, RowLabels};
use crate::exec::account::Account;
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
        let batches = Arc::clone(&self.batches);
        let record = move |i: usize| Ok(batches[i].clone().into());
        futures::stream::iter((0..self.batches.len()).map(record)).boxed()
    }
}
