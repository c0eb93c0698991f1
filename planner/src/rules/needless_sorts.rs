//! A sort whose order has no effect is left out; one by value still removes
//! histograms. In range queries sorts stay: they cost nothing there, and give an
//! annotation.

use quarrel_functions::table::SortFunction;

use super::{Rule, RuleContext, each_mut, nothing};
use crate::logical::{Plan, PlanOp, SortOrder};

/// Leaves out sorts whose order has no effect.
pub(super) struct NeedlessSorts;

impl Rule for NeedlessSorts {
    fn name(&self) -> &'static str {
        "needless sorts"
    }

    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        each_mut(plan, &mut |node| {
            if let Some(input) = unordered_input(node)
                && input.node.grid.len == 1
            {
                drop_sorts(input);
            }
        });
    }
}

/// The input of a node whose answer does not depend on its order, not in the
/// last bit either.
fn unordered_input(plan: &mut Plan) -> Option<&mut Plan> {
    match &mut plan.op {
        PlanOp::Absent(absent) => Some(&mut absent.input),
        PlanOp::ScalarOf(input) => Some(input),
        // Not another sort: what compares as equal, or not at all, as rows
        // without the label do, keeps its order. Not `min` and `max`: of 0 and
        // -0 they give the first one.
        PlanOp::Aggregate(aggregate) => {
            let any_order = aggregate.op.any_order;
            any_order.then_some(&mut *aggregate.input)
        }
        _ => None,
    }
}

fn drop_sorts(mut plan: &mut Plan) {
    loop {
        let placeholder = plan.node;
        let PlanOp::Sort(sort) = &mut plan.op else {
            return;
        };
        if sort.order == SortOrder::Ineffective {
            return;
        }
        if matches!(
            sort.kind,
            SortFunction::Label | SortFunction::LabelDescending
        ) {
            let below = std::mem::replace(&mut *sort.input, nothing(placeholder));
            *plan = below;
            continue;
        }
        sort.order = SortOrder::Needless;
        let PlanOp::Sort(sort) = &mut plan.op else {
            return;
        };
        plan = &mut sort.input;
    }
}
