//! Questions about the shape of a plan that more than one rule asks.

use quarrel_matchers::{MatchOp, Matcher};

use crate::logical::{Plan, PlanOp, Window};

/// The window at the bottom of a chain of operators that compute row by row,
/// one result row for each of its series.
pub(super) fn row_wise_window(plan: &Plan) -> Option<(&Plan, &Window)> {
    let mut node = plan;
    loop {
        if node.shared.is_some() {
            return None;
        }
        if let PlanOp::Window(window) = &node.op {
            return Some((node, window));
        }
        node = row_wise_input(node)?;
    }
}

/// Whether a node, as if it were no common subtree, computes row by row what a
/// window at the bottom gives.
pub(super) fn is_row_wise(plan: &Plan) -> bool {
    match plan.op {
        PlanOp::Window(_) => true,
        _ => match row_wise_input(plan) {
            Some(input) => row_wise_window(input).is_some(),
            None => false,
        },
    }
}

/// The input of an operator that computes row by row.
fn row_wise_input(plan: &Plan) -> Option<&Plan> {
    match &plan.op {
        PlanOp::Negate(input) => Some(input),
        PlanOp::Elementwise(call) => Some(&call.input),
        PlanOp::VectorScalar(operation) => Some(&operation.vector),
        PlanOp::SubqueryWindow(subquery) => Some(&subquery.input),
        _ => None,
    }
}

/// The one metric name that matchers allow.
pub(super) fn single_name(matchers: &[Matcher]) -> Option<&str> {
    let is_name =
        |m: &&Matcher| m.name() == "__name__" && m.op() == MatchOp::Equal && !m.value().is_empty();
    matchers.iter().find(is_name).map(Matcher::value)
}

/// The windows of a plan, one of those that are computed once.
pub(super) fn windows<'p>(plan: &'p Plan, out: &mut Vec<&'p Plan>) {
    let mut stack = vec![plan];
    while let Some(plan) = stack.pop() {
        if matches!(plan.op, PlanOp::Window(_)) {
            out.push(plan);
        }
        stack.extend(plan.inputs());
    }
    out.sort_by_key(|plan| plan.node.id);
    out.dedup_by_key(|plan| plan.node.id);
}
