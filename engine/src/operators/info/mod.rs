//! `info`: rows with the labels of info metrics that have the same `instance`
//! and `job`. Of several series of one info metric the one with the latest
//! sample counts, so labels depend on samples, and this is a pipeline breaker
//! that runs while binding.
//!
//! Prometheus asks its store for the info metrics of the collected rows; here
//! the store is asked for all of them along with the other selectors, and
//! those that no row can have are not decoded ([`identity`]).

mod combine;
mod identity;

use std::sync::Arc;

use quarrel_planner::logical::{Info, NodeInfo};

use super::{broadcast, rows};
use crate::batch::Rows;
use crate::bound::{Bound, materialize};
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::labels::{Label, Symbol, find_label};

/// The holder of the memory, which the limit's error names.
const WHAT: &str = "info";

/// Binds `info`: computes its rows, the info metrics that these can have, and
/// then the combined rows.
///
/// # Errors
/// When info metrics contradict each other or are histograms, when rows become
/// equal, and the query's limits.
pub(crate) async fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    plan: &Info,
    input: Bound,
    series: Bound,
) -> Result<Bound, QueryError> {
    let base = Collected::of(broadcast::bind(input, node.grid), context).await?;
    let series = broadcast::bind(series, node.grid);
    let keep = identity::wanted(context, plan, &base, &series);
    series.prune(&keep);
    let info = Collected::of(series, context).await?;
    let rows = info.rows.iter().filter(|row| keep[row.series as usize]);
    let info_rows: Vec<_> = rows.collect();
    if let Some(row) = info_rows.iter().find(|row| row.has_histograms()) {
        let symbols = context.symbols.read();
        let series = symbols.display_braces(info.bound.labels.get(row.series as usize));
        let message = format!("this should be an info metric, with float samples: {series}");
        return Err(QueryError::execution(message, node.span));
    }
    let info = (&*info.bound.labels, &*info_rows);
    let combined = combine::combine(context, node, plan, base, info)?;
    Ok(rows::bind(combined))
}

/// Whether a row is an info metric itself, which stays as it is.
fn is_info(plan: &Info, labels: &[Label], context: &QueryContext) -> bool {
    let symbols = context.symbols.read();
    let name = find_label(labels, Symbol::NAME).unwrap_or(Symbol::EMPTY);
    let name = symbols.get(name);
    plan.names.iter().all(|matcher| matcher.matches(name))
}

/// The rows of a node, and the labels that they have.
struct Collected {
    bound: Bound,
    rows: Rows,
    /// What the rows hold of the query's memory.
    _account: Account,
}

impl Collected {
    async fn of(bound: Bound, context: &Arc<QueryContext>) -> Result<Self, QueryError> {
        let (rows, account) = materialize(&bound, context, WHAT).await?;
        Ok(Collected {
            bound,
            rows,
            _account: account,
        })
    }
}
