//! A matcher on one side of a join holds for the other side, too.
//!
//! Rows that cannot match are then never selected. That must not hide an error
//! or an annotation, so a side takes matchers only if
//! - its rows come from a selector of one metric, row by row, perhaps under an
//!   aggregation that groups by the label: no two rows of it can have become
//!   equal, and none repeats in its match group;
//! - no `fill` gives an answer for rows without a match;
//! - its functions and operators cannot annotate, neither the metric's name, nor
//!   their arguments, nor native histograms. So it is mostly bare selectors that
//!   take matchers; of others the engine still skips rows without a match.

use quarrel_matchers::Matcher;

use super::shape::{row_wise_window, single_name};
use super::{Rule, RuleContext, each_mut};
use crate::ast::VectorMatching;
use crate::logical::{Plan, PlanOp, SetOp, Window, WindowCall};

/// Adds to a side of a join the matchers that hold for the other side.
pub(super) struct MatcherPropagation;

impl Rule for MatcherPropagation {
    fn name(&self) -> &'static str {
        "matcher propagation"
    }

    fn spares_samples(&self) -> bool {
        true
    }

    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        each_mut(plan, &mut |node| match &mut node.op {
            PlanOp::Join(join) => {
                let matching = &join.matching;
                let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
                if !fills && is_unique(&join.lhs, matching) && is_unique(&join.rhs, matching) {
                    exchange(&mut join.lhs, &mut join.rhs, matching);
                }
            }
            PlanOp::Set(set) => {
                for rhs in &mut set.rhs {
                    match set.op {
                        SetOp::And => exchange(&mut set.lhs, rhs, &set.matching),
                        SetOp::Unless => push(rhs, held(&set.lhs, &set.matching)),
                        SetOp::Or => {}
                    }
                }
            }
            _ => {}
        });
    }
}

fn exchange(lhs: &mut Plan, rhs: &mut Plan, matching: &VectorMatching) {
    let (from_left, from_right) = (held(lhs, matching), held(rhs, matching));
    push(rhs, from_left);
    push(lhs, from_right);
}

/// Whether no two rows of a side can be in one match group.
fn is_unique(side: &Plan, matching: &VectorMatching) -> bool {
    match &side.op {
        // Others give several rows for a group.
        PlanOp::Aggregate(aggregate) if !aggregate.without => {
            let grouping = &aggregate.grouping;
            aggregate.op.fold().is_some() && grouping.iter().all(|name| decides(name, matching))
        }
        _ if matching.on => false,
        // All labels but the name decide, and there is one name.
        _ => matching.labels.is_empty() && selector(side).is_some(),
    }
}

/// Whether a label is part of the match group.
fn decides(name: &str, matching: &VectorMatching) -> bool {
    let listed = matching.labels.iter().any(|label| label == name);
    listed == matching.on && !matches!(name, "__name__" | "__type__" | "__unit__")
}

/// The selector of a side's rows, and the labels that they have of it.
fn selector(side: &Plan) -> Option<(&Window, Option<&[String]>)> {
    let (rows, kept) = match &side.op {
        PlanOp::Aggregate(aggregate) if !aggregate.without && aggregate.op.fold().is_some() => {
            (&*aggregate.input, Some(aggregate.grouping.as_slice()))
        }
        _ => (side, None),
    };
    let (_, window) = row_wise_window(rows)?;
    single_name(&window.select.matchers)?;
    Some((window, kept))
}

/// The matchers on deciding labels that hold for all rows of a side.
fn held(side: &Plan, matching: &VectorMatching) -> Vec<Matcher> {
    let Some((window, kept)) = selector(side) else {
        return Vec::new();
    };
    let has = |name: &str| kept.is_none_or(|kept| kept.iter().any(|k| k == name));
    let holds = |m: &&Matcher| decides(m.name(), matching) && has(m.name());
    window
        .select
        .matchers
        .iter()
        .filter(holds)
        .cloned()
        .collect()
}

/// Adds matchers to a side's selector.
fn push(side: &mut Plan, matchers: Vec<Matcher>) {
    let Some((_, kept)) = selector(side) else {
        return;
    };
    if matchers.is_empty() || annotates(side) {
        return;
    }
    let kept = kept.map(<[String]>::to_vec);
    let mut node = side;
    let window = loop {
        node = match &mut node.op {
            PlanOp::Window(window) => break window,
            PlanOp::Negate(input) => input,
            PlanOp::Aggregate(aggregate) => &mut aggregate.input,
            PlanOp::Elementwise(call) => &mut call.input,
            PlanOp::SubqueryWindow(subquery) => &mut subquery.input,
            PlanOp::VectorScalar(operation) => &mut operation.vector,
            _ => return,
        };
    };
    for matcher in matchers {
        let passes = kept
            .as_ref()
            .is_none_or(|kept| kept.iter().any(|k| k == matcher.name()));
        if passes && !window.select.matchers.contains(&matcher) {
            window.select.matchers.push(matcher);
        }
    }
}

/// Whether something on a side can annotate, or refuse an argument, when it has
/// rows; whatever they are, since the plan does not know which are histograms.
fn annotates(side: &Plan) -> bool {
    let mut node = side;
    loop {
        node = match &node.op {
            PlanOp::Window(window) => return call_annotates(&window.call),
            PlanOp::SubqueryWindow(subquery) if call_annotates(&subquery.call) => return true,
            PlanOp::SubqueryWindow(subquery) => &subquery.input,
            PlanOp::Aggregate(aggregate) => {
                if aggregate.op.annotates() {
                    return true;
                }
                &aggregate.input
            }
            PlanOp::Elementwise(call) if call.function.annotates => return true,
            PlanOp::Elementwise(call) => &call.input,
            PlanOp::Negate(input) => input,
            PlanOp::VectorScalar(_) => return true,
            _ => return false,
        };
    }
}

fn call_annotates(call: &WindowCall) -> bool {
    call.function.annotates() || !call.params.is_empty() || call.start_timestamps
}
