//! Optimizer rules, one file each. A rule changes how an answer is computed,
//! never the answer: errors, warnings and infos included.
//!
//! What `@` pins and what is made of numbers is evaluated once. That is decided
//! when the plan is built (`logical/invariant.rs`), as in Prometheus, since some
//! answers depend on it. A rule adds what Prometheus evaluates at each step with
//! the same result.
//!
//! To add one: a file with a type that implements [`Rule`], and a line in
//! [`RULES`].

mod common_subtrees;
mod constant_folding;
mod label_projection;
mod matcher_propagation;
mod needless_sorts;
mod set_chains;
mod shape;
mod shared_selects;
mod step_invariant;
mod time_narrowing;

#[cfg(test)]
mod tests;

use quarrel_functions::table::ValueType;

use crate::logical::{LogicalPlan, NodeInfo, Plan, PlanOp, Select};
use crate::with_stack;

/// The context of a rule beside the plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuleContext<'a> {
    /// The query's text, which the plan's spans point into.
    pub query: &'a str,
    /// Whether the samples of each step are counted as Prometheus counts
    /// them: then no rule may change which samples are read.
    pub counts_samples: bool,
}

/// A rule.
pub trait Rule: Sync {
    /// Its name, for `explain`.
    fn name(&self) -> &'static str;

    /// Whether it may change which samples are read.
    fn spares_samples(&self) -> bool {
        false
    }

    /// Changes the nodes that compute rows, from the topmost one.
    fn apply(&self, plan: &mut Plan, context: RuleContext<'_>);

    /// Changes a bare range selector at the root.
    fn apply_raw(&self, select: &mut Select) {
        let _ = select;
    }
}

/// All rules in the order in which they are applied.
pub const RULES: &[&dyn Rule] = &[
    &constant_folding::ConstantFolding,
    &step_invariant::StepInvariant,
    &time_narrowing::TimeNarrowing,
    &needless_sorts::NeedlessSorts,
    &matcher_propagation::MatcherPropagation,
    &common_subtrees::CommonSubtrees,
    &set_chains::SetChains,
    &shared_selects::SharedSelects,
    &label_projection::LabelProjection,
];

/// The plan after a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The rule's name.
    pub rule: &'static str,
    /// The plan as text.
    pub plan: String,
    /// Whether the rule changed anything.
    pub changed: bool,
}

/// Applies all rules.
pub fn optimize(plan: &mut LogicalPlan, context: RuleContext<'_>) {
    for rule in allowed(context) {
        apply(*rule, plan, context);
    }
}

fn apply(rule: &dyn Rule, plan: &mut LogicalPlan, context: RuleContext<'_>) {
    if let Some(rows) = plan.rows_mut() {
        rule.apply(rows, context);
    } else if let LogicalPlan::RawSelect(raw) = plan {
        rule.apply_raw(&mut raw.select);
    }
}

/// Applies all rules and records the plan after each.
pub fn optimize_traced(plan: &mut LogicalPlan, context: RuleContext<'_>) -> Vec<Trace> {
    let mut before = plan.to_string();
    let trace = |rule: &&dyn Rule| {
        apply(*rule, plan, context);
        let after = plan.to_string();
        let changed = after != before;
        before.clone_from(&after);
        Trace {
            rule: rule.name(),
            plan: after,
            changed,
        }
    };
    allowed(context).map(trace).collect()
}

fn allowed(context: RuleContext<'_>) -> impl Iterator<Item = &'static &'static dyn Rule> {
    let rules = RULES.iter();
    rules.filter(move |rule| !(context.counts_samples && rule.spares_samples()))
}

/// A placeholder for a node that is taken out.
fn nothing(node: NodeInfo) -> Plan {
    Plan {
        node,
        value_type: ValueType::Scalar,
        shared: None,
        op: PlanOp::Number(0.0),
    }
}

/// Visits a plan from the leaves up.
fn each_mut(plan: &mut Plan, visit: &mut impl FnMut(&mut Plan)) {
    with_stack(|| {
        for input in plan.inputs_mut() {
            each_mut(input, visit);
        }
        visit(plan);
    });
}
