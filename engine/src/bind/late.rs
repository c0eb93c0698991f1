//! Nodes whose labels depend on evaluated samples. Their inputs are run while
//! binding; what comes out is rows at hand, with labels.

use std::collections::HashMap;
use std::sync::Arc;

use quarrel_functions::grid::Grid;
use quarrel_planner::ast::AggregateOp;
use quarrel_planner::logical::{Plan, PlanOp};

use super::selections::Selections;
use super::{Binder, QueryTimes, lower_root};
use crate::batch::SeriesBatch;
use crate::error::QueryError;
use crate::exec::context::{Account, QueryContext};
use crate::exec::operator::Input;
use crate::labels::LabelList;
use crate::operators;

/// Rows that are there already.
#[derive(Debug, Clone)]
pub(crate) struct LateRows {
    /// Their labels, no two equal.
    pub labels: Arc<LabelList>,
    /// Their evaluation times.
    pub grid: Grid,
    /// The rows.
    pub batches: Arc<Vec<SeriesBatch>>,
    /// What they hold of the query's memory.
    pub account: Arc<Account>,
}

fn is_late(plan: &Plan) -> bool {
    matches!(
        &plan.op,
        PlanOp::Aggregate {
            op: AggregateOp::CountValues,
            ..
        }
    )
}

/// The late nodes of a plan, inner ones first.
fn late_nodes(plan: &Plan) -> Vec<&Plan> {
    let mut out = Vec::new();
    let mut stack = vec![plan];
    while let Some(plan) = stack.pop() {
        if is_late(plan) {
            out.push(plan);
        }
        stack.extend(plan.inputs());
    }
    out.sort_by_key(|plan| plan.id);
    out
}

/// Evaluates all late nodes of a plan.
///
/// # Errors
/// Those of the nodes' inputs, and the query's limits.
pub(crate) async fn evaluate(
    plan: &Plan,
    context: &Arc<QueryContext>,
    times: QueryTimes,
    selections: &Selections,
) -> Result<HashMap<u32, LateRows>, QueryError> {
    let mut done = HashMap::new();
    for node in late_nodes(plan) {
        let PlanOp::Aggregate { input, .. } = &node.op else {
            continue;
        };
        let (lowered, labels, grid) = {
            let bound = Binder::new(context, times, selections, &done).bind(input)?;
            (
                lower_root(&bound, context),
                Arc::clone(&bound.labels),
                bound.grid,
            )
        };
        let collecting = Input::root(lowered).collect(labels.len(), context, "count_values");
        let rows = context.run(collecting).await?;
        let late = operators::count_values::evaluate(context, node, &labels, grid, rows)?;
        done.insert(node.id, late);
    }
    Ok(done)
}
