//! Rows that are computed while binding goes on: what pipeline breakers read
//! and what they leave.

use std::sync::Arc;

use quarrel_functions::grid::Grid;

use super::{Bound, DropNames, lower_root};
use crate::batch::{Rows, SeriesBatch};
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::operator::Input;
use crate::labels::LabelList;

/// Rows in memory, with labels.
#[derive(Debug, Clone)]
pub(crate) struct MaterializedRows {
    /// Their labels.
    pub labels: Arc<LabelList>,
    /// Whether no two are equal.
    pub unique: bool,
    /// Which lose their name in the answer.
    pub drop_names: DropNames,
    /// Their evaluation times.
    pub grid: Grid,
    /// The rows.
    pub batches: Arc<Vec<SeriesBatch>>,
    /// What they hold of the query's memory.
    pub account: Arc<Account>,
}

/// Computes the rows of a bound node; `what` names their holder, for the memory
/// limit.
///
/// # Errors
/// Those of the node, and the query's limits.
pub(crate) async fn materialize(
    bound: &Bound,
    context: &Arc<QueryContext>,
    what: &'static str,
) -> Result<(Rows, Account), QueryError> {
    let plan = lower_root(bound, context);
    let collecting = Input::new(plan as _).collect(bound.labels.len(), context, what);
    context.run(collecting).await
}

impl MaterializedRows {
    /// Computes a bound node and keeps the rows that have samples.
    ///
    /// # Errors
    /// As [`materialize`].
    pub async fn of(
        bound: &Bound,
        context: &Arc<QueryContext>,
        what: &'static str,
    ) -> Result<Self, QueryError> {
        let (rows, account) = materialize(bound, context, what).await?;
        let order: Vec<u32> = rows.arrived().map(|row| row.series).collect();
        let mut number = vec![0; rows.capacity()];
        for (i, &row) in order.iter().enumerate() {
            number[row as usize] = i as u32;
        }
        let renumbered = rows
            .into_batches()
            .into_iter()
            .map(|batch| batch.renumber(|row| number[row as usize]));
        Ok(MaterializedRows {
            labels: Arc::new(bound.labels.take(&order)),
            unique: bound.unique,
            drop_names: bound.drop_names.take(&order),
            grid: bound.grid,
            batches: Arc::new(renumbered.collect()),
            account: Arc::new(account),
        })
    }

    /// All rows, found by number.
    pub fn rows(&self) -> Rows {
        let mut rows = Rows::new(self.labels.len());
        for batch in self.batches.iter() {
            rows.add(batch.clone());
        }
        rows
    }
}
