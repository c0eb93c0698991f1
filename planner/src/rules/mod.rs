//! Optimizer rules, one file each. A rule changes how an answer is computed,
//! never the answer: errors, warnings and infos included.
//!
//! What `@` pins, and what is made of numbers, is evaluated once: that is
//! settled when the plan is built (`logical/invariant.rs`), since the reference
//! settles it there and some answers depend on it. A rule adds what the
//! reference evaluates again and again, with the same result.
//!
//! To add one: a file with a type that implements [`Rule`], and a line in
//! [`RULES`].

mod common_subtrees;
mod constant_folding;
mod label_projection;
mod matcher_propagation;
mod needless_sorts;
mod shape;
mod shared_selects;
mod shared_windows;
mod split_aggregates;
mod step_invariant;
mod time_narrowing;

#[cfg(test)]
mod tests;

use crate::logical::Plan;
use crate::with_stack;

/// What rules may know beside the plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuleContext<'a> {
    /// The query's text, which the plan's spans point into.
    pub query: &'a str,
    /// Whether the samples of each step are counted as the reference counts
    /// them: no rule may change which are looked at then.
    pub counts_samples: bool,
}

/// A rule.
pub trait Rule: Sync {
    /// Its name, for `explain`.
    fn name(&self) -> &'static str;

    /// Whether it may change which samples are looked at.
    fn spares_samples(&self) -> bool {
        false
    }

    /// Changes a whole plan.
    fn apply(&self, plan: &mut Plan, context: RuleContext<'_>);
}

/// All rules in the order in which they are applied.
pub const RULES: &[&dyn Rule] = &[
    &constant_folding::ConstantFolding,
    &step_invariant::StepInvariant,
    &time_narrowing::TimeNarrowing,
    &needless_sorts::NeedlessSorts,
    &matcher_propagation::MatcherPropagation,
    &label_projection::LabelProjection,
    &common_subtrees::CommonSubtrees,
    &shared_selects::SharedSelects,
    &shared_windows::SharedWindows,
    &split_aggregates::SplitAggregates,
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
pub fn optimize(plan: &mut Plan, context: RuleContext<'_>) {
    for rule in allowed(context) {
        rule.apply(plan, context);
    }
}

/// Applies all rules and tells what each did.
pub fn optimize_traced(plan: &mut Plan, context: RuleContext<'_>) -> Vec<Trace> {
    let mut before = plan.to_string();
    let trace = |rule: &&dyn Rule| {
        rule.apply(plan, context);
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

/// Visits a plan from the leaves up.
fn each_mut(plan: &mut Plan, visit: &mut impl FnMut(&mut Plan)) {
    with_stack(|| {
        for input in plan.inputs_mut() {
            each_mut(input, visit);
        }
        visit(plan);
    });
}
