//! `info`: rows with the labels of info metrics that have the same `instance`
//! and `job`. Of several series of one info metric the one with the latest
//! sample counts, so labels depend on samples, and this is a pipeline breaker
//! that runs while binding.
//!
//! The reference asks its store for the info metrics of the rows at hand; here
//! the store is asked for all of them along with the other selectors, and
//! those that no row can have are not decoded ([`identity`]).

mod combine;
mod identity;

use std::sync::Arc;

use quarrel_planner::logical::{Plan, PlanOp};

pub(crate) use self::identity::wanted;
use crate::batch::Rows;
use crate::bind::Bound;
use crate::bind::late::LateRows;
use crate::error::QueryError;
use crate::exec::context::{Account, QueryContext};
use crate::labels::{Label, Symbol, find_label};
use crate::storage::Matcher;

/// Who holds the memory.
const WHAT: &str = "info";

/// An `info` node's parts.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'p> {
    /// The rows.
    pub input: &'p Plan,
    /// The info metrics' samples.
    pub series: &'p Plan,
    /// Rows whose name matches all of these stay as they are.
    names: &'p [Matcher],
    /// The labels that are wanted.
    data: &'p [Matcher],
}

/// The parts of an `info` node.
///
/// # Errors
/// When it is another node.
pub(crate) fn parts(plan: &Plan) -> Result<Parts<'_>, QueryError> {
    match &plan.op {
        PlanOp::Info {
            input,
            series,
            names,
            data,
        } => Ok(Parts {
            input,
            series,
            names,
            data,
        }),
        _ => Err(QueryError::Internal("not info".into())),
    }
}

impl Parts<'_> {
    /// Whether a row is an info metric itself, which stays as it is.
    fn is_info(&self, labels: &[Label], context: &QueryContext) -> bool {
        let symbols = context.symbols.read();
        let name = find_label(labels, Symbol::NAME).unwrap_or(Symbol::EMPTY);
        let name = symbols.get(name);
        self.names.iter().all(|matcher| matcher.matches(name))
    }
}

/// The rows of a node, and the labels that they have.
pub(crate) struct Collected {
    pub bound: Bound,
    pub rows: Rows,
    pub account: Account,
}

/// Combines rows with info metrics, of which `keep` counts.
///
/// # Errors
/// When info metrics contradict each other or are histograms, when rows become
/// equal, and the memory limit.
pub(crate) fn evaluate(
    context: &Arc<QueryContext>,
    plan: &Plan,
    base: Collected,
    info: Collected,
    keep: &[bool],
) -> Result<LateRows, QueryError> {
    let parts = parts(plan)?;
    let rows = info.rows.iter().filter(|row| keep[row.series as usize]);
    let info_rows: Vec<_> = rows.collect();
    if let Some(row) = info_rows.iter().find(|row| row.has_histograms()) {
        let symbols = context.symbols.read();
        let series = symbols.display_braces(info.bound.labels.get(row.series as usize));
        let message = format!("this should be an info metric, with float samples: {series}");
        return Err(QueryError::execution(message, plan.span));
    }
    combine::combine(context, plan, parts, base, (&info.bound.labels, &info_rows))
}
