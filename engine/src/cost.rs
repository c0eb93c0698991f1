//! What a query costs, by its plan and the series that it selects: whether it
//! runs where it is polled, and whether it waits in the line of heavy ones.

use quarrel_planner::logical::{LogicalPlan, Plan, PlanOp};

use crate::selections::Selections;

/// Items of rows up to which a query runs on the caller's thread; an operator
/// takes about a nanosecond for each.
const INLINE_ITEMS: usize = 100_000;

/// Labels of rows up to which a query is bound on the caller's thread, summed
/// over the plan's nodes and their parameters; each takes some nanoseconds.
const INLINE_LABELS: usize = 100_000;

/// Calls of `label_replace` and `label_join` in a query that runs on the caller's
/// thread: where one feeds another, strings may double with each.
const INLINE_RELABELS: usize = 2;

/// What a light query reads and computes, in samples, steps of rows and labels
/// of rows; some 10 ms of one core.
const LIGHT_ITEMS: u64 = 1 << 20;

/// Series that a light query selects.
const LIGHT_SERIES: usize = 20_000;

/// Whether a query is computed where it is polled; `inline_samples` is the most
/// that it may read then.
pub(crate) fn is_small(plan: &LogicalPlan, selections: &Selections, inline_samples: u64) -> bool {
    let steps = longest_grid(plan);
    let items = steps.saturating_mul(selections.series().max(1));
    let limit = inline_samples;
    limit > 0
        && selections.estimated_samples() <= limit
        && steps as u64 <= limit
        && items <= INLINE_ITEMS
        && bound_labels(plan, selections) <= INLINE_LABELS
        && relabels(plan) <= INLINE_RELABELS
}

/// Whether a query is none of those that wait in a line of their own.
pub(crate) fn is_light(plan: &LogicalPlan, selections: &Selections) -> bool {
    let series = selections.series();
    let items = longest_grid(plan).saturating_mul(series);
    let work = selections
        .estimated_samples()
        .saturating_add(items as u64)
        .saturating_add(bound_labels(plan, selections) as u64);
    work <= LIGHT_ITEMS && series <= LIGHT_SERIES
}

/// The most steps that any node of a plan has.
pub(crate) fn longest_grid(plan: &LogicalPlan) -> usize {
    let root = match plan {
        LogicalPlan::Rows(plan) => plan.node.grid.len,
        LogicalPlan::RawSelect(raw) => raw.node.grid.len,
        LogicalPlan::RawSubquery(raw) => raw.inner.len.max(raw.node.grid.len),
        LogicalPlan::Text(text) => text.node.grid.len,
    };
    let steps = plan.nodes().into_iter().map(steps_of);
    steps.fold(root, usize::max)
}

/// The steps of a node, or of the rows that it asks its input for.
fn steps_of(plan: &Plan) -> usize {
    match &plan.op {
        PlanOp::SubqueryWindow(subquery) => subquery.inner.len.max(plan.node.grid.len),
        _ => plan.node.grid.len,
    }
}

/// How many labels of rows binding looks at, roughly: each node at those of all
/// selected series, and once more for each of its parameters.
fn bound_labels(plan: &LogicalPlan, selections: &Selections) -> usize {
    let params = |plan: &Plan| match &plan.op {
        PlanOp::Relabel(relabel) => relabel.params.len(),
        _ => 0,
    };
    let nodes = plan.nodes().into_iter();
    let looks: usize = nodes.map(|plan| 1 + params(plan)).sum();
    looks.saturating_mul(selections.series())
}

/// How many nodes of a plan make label strings.
fn relabels(plan: &LogicalPlan) -> usize {
    let nodes = plan.nodes().into_iter();
    nodes
        .filter(|plan| matches!(plan.op, PlanOp::Relabel(_)))
        .count()
}
