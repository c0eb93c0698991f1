//! A chain of one set operator, such as `a or b or c`, is one node with many
//! operands: each operand is matched once, and the chain costs what its rows
//! are, not operands times rows.

use super::{Rule, RuleContext, nothing};
use crate::logical::{Plan, PlanOp, Set};
use crate::with_stack;

/// Joins chains of set operators.
pub(super) struct SetChains;

impl Rule for SetChains {
    fn name(&self) -> &'static str {
        "set chains"
    }

    /// From the topmost node down: a chain is joined before its operands are
    /// looked at.
    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        join_all(plan);
    }
}

fn join_all(plan: &mut Plan) {
    with_stack(|| {
        if let PlanOp::Set(_) = plan.op {
            join(plan);
        }
        plan.inputs_mut().into_iter().for_each(join_all);
    });
}

/// Takes in the nodes of the chain to the left.
fn join(plan: &mut Plan) {
    let (steps, node) = (plan.node.grid.len, plan.node);
    let PlanOp::Set(set) = &mut plan.op else {
        return;
    };
    // The operands from the last one on.
    let mut operands: Vec<Plan> = set.rhs.drain(..).rev().collect();
    while let Some(below) = of_chain(set, steps) {
        let Set { lhs, rhs, .. } = below;
        let lhs = std::mem::replace(&mut **lhs, nothing(node));
        operands.extend(rhs.drain(..).rev());
        *set.lhs = lhs;
    }
    operands.reverse();
    set.rhs = operands;
}

/// The left operand, if it is of the same chain: the same operator with the same
/// matching over the same times, whose rows nobody else reads.
fn of_chain(set: &mut Set, steps: usize) -> Option<&mut Set> {
    let lhs = &mut *set.lhs;
    if lhs.shared.is_some() || lhs.node.grid.len != steps {
        return None;
    }
    match &mut lhs.op {
        PlanOp::Set(below) if below.op == set.op && below.matching == set.matching => Some(below),
        _ => None,
    }
}
