//! A sort whose order nobody sees is left out; one by value still takes out
//! histograms. In range queries sorts stay: they cost nothing there, and the
//! user is warned of them.

use quarrel_functions::table::{Kind, SortFunction};

use super::{Rule, RuleContext, each_mut};
use crate::ast::AggregateOp;
use crate::logical::{Plan, PlanOp, SortOrder};

/// See the module's words.
pub(super) struct NeedlessSorts;

impl Rule for NeedlessSorts {
    fn name(&self) -> &'static str {
        "needless sorts"
    }

    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        each_mut(plan, &mut |node| {
            if let Some(input) = unordered_input(node)
                && input.grid.len == 1
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
        PlanOp::Absent { input, .. } | PlanOp::ScalarOf(input) => Some(input),
        // Not another sort: what compares as equal, or not at all, as rows
        // without the label do, keeps its order.
        PlanOp::Aggregate { op, input, .. } => {
            // Not `min` and `max`: of 0 and -0 they give the first one.
            matches!(op, AggregateOp::Count | AggregateOp::Group).then_some(&mut **input)
        }
        _ => None,
    }
}

fn drop_sorts(mut plan: &mut Plan) {
    while let PlanOp::Sort {
        function,
        input,
        order: order @ (SortOrder::Wanted | SortOrder::Needless),
        ..
    } = &mut plan.op
    {
        *order = SortOrder::Needless;
        let by_label = matches!(
            function.kind,
            Kind::Sort(SortFunction::Label | SortFunction::LabelDescending)
        );
        if by_label {
            let below = std::mem::replace(&mut **input, nothing(plan.id, plan.span, plan.grid));
            *plan = below;
            continue;
        }
        let PlanOp::Sort { input, .. } = &mut plan.op else {
            return;
        };
        plan = input;
    }
}

/// What stands in a node's place while it is taken out.
fn nothing(id: u32, span: crate::ast::Span, grid: crate::logical::Grid) -> Plan {
    Plan {
        id,
        span,
        argument_span: span,
        grid,
        range_query: false,
        value_type: quarrel_functions::table::ValueType::Scalar,
        shared: None,
        op: PlanOp::Number(0.0),
    }
}
