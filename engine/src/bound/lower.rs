//! Lower: from bound nodes to a physical plan. Cannot fail.

use std::sync::Arc;

use quarrel_planner::with_stack;

use super::Bound;
use crate::exec::context::QueryContext;
use crate::exec::gather::Gather;
use crate::exec::morsels::Morsels;
use crate::exec::plan_node::PlanNode;

/// The physical plan of a node and all below it, with one partition at the
/// root.
pub(crate) fn lower_root(bound: &Bound, context: &Arc<QueryContext>) -> Arc<PlanNode> {
    let plan = lower(bound, context);
    match &bound.morsels {
        Some(morsels) if morsels.partitions() > 1 => gather(morsels, plan, context),
        _ => plan,
    }
}

fn lower(bound: &Bound, context: &Arc<QueryContext>) -> Arc<PlanNode> {
    with_stack(|| {
        let inputs = bound.inputs.iter().enumerate().map(|(i, input)| {
            let plan = lower(input, context);
            match &input.morsels {
                Some(morsels)
                    if morsels.partitions() > 1 && !bound.operator.takes_partitions(i) =>
                {
                    gather(morsels, plan, context)
                }
                _ => plan,
            }
        });
        PlanNode::new(Arc::clone(&bound.operator), inputs.collect(), context)
    })
}

fn gather(
    morsels: &Arc<Morsels>,
    plan: Arc<PlanNode>,
    context: &Arc<QueryContext>,
) -> Arc<PlanNode> {
    let gather = Arc::new(Gather::new(Arc::clone(morsels)));
    PlanNode::new(gather, vec![plan], context)
}
