//! A matcher on one side of a join holds for the other side, too.
//!
//! Rows that can meet no partner are then never selected. That must not hide
//! an error or an info, so a side takes matchers only if
//! - its rows come from a selector of one metric, row by row, perhaps under an
//!   aggregation that groups by the label: no two rows of it can have become
//!   equal, and none repeats in its match group;
//! - no `fill` gives an answer where there is no partner;
//! - its functions have nothing to say about the metric's name, or about their
//!   arguments.

use quarrel_matchers::Matcher;

use super::shape::{folds, row_wise_window, single_name};
use super::{Rule, RuleContext, each_mut};
use crate::ast::{BinaryOp, VectorMatching};
use crate::logical::{Plan, PlanOp, Window, WindowCall, WindowKind};

/// See the module's words.
pub(super) struct MatcherPropagation;

impl Rule for MatcherPropagation {
    fn name(&self) -> &'static str {
        "matcher propagation"
    }

    fn spares_samples(&self) -> bool {
        true
    }

    fn apply(&self, plan: &mut Plan, context: RuleContext<'_>) {
        let types = context.type_labels;
        each_mut(plan, &mut |node| match &mut node.op {
            PlanOp::Join {
                matching, lhs, rhs, ..
            } => {
                let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
                if !fills && is_unique(lhs, matching) && is_unique(rhs, matching) {
                    exchange(lhs, rhs, matching, types);
                }
            }
            PlanOp::Set {
                op,
                matching,
                lhs,
                rhs,
            } => match op {
                BinaryOp::And => exchange(lhs, rhs, matching, types),
                BinaryOp::Unless => push(rhs, held(lhs, matching), types),
                _ => {}
            },
            _ => {}
        });
    }
}

fn exchange(lhs: &mut Plan, rhs: &mut Plan, matching: &VectorMatching, types: bool) {
    let (from_left, from_right) = (held(lhs, matching), held(rhs, matching));
    push(rhs, from_left, types);
    push(lhs, from_right, types);
}

/// Whether no two rows of a side can be in one match group.
fn is_unique(side: &Plan, matching: &VectorMatching) -> bool {
    match &side.op {
        // Others give several rows for a group.
        PlanOp::Aggregate {
            op,
            grouping,
            without: false,
            ..
        } => folds(*op) && grouping.iter().all(|name| decides(name, matching)),
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

/// The selector that a side's rows come from, and which of its labels they have.
fn selector(side: &Plan) -> Option<(&Window, Option<&[String]>)> {
    let (rows, kept) = match &side.op {
        PlanOp::Aggregate {
            op,
            grouping,
            without: false,
            input,
            ..
        } if folds(*op) => (&**input, Some(grouping.as_slice())),
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

/// Adds matchers to a side's selector. `types` tells whether a label says which
/// metrics are counters, and not the name.
fn push(side: &mut Plan, matchers: Vec<Matcher>, types: bool) {
    let Some((window, kept)) = selector(side) else {
        return;
    };
    let name = single_name(&window.select.matchers).filter(|_| !types);
    let name = name.unwrap_or_default();
    if matchers.is_empty() || says_something(side, name) {
        return;
    }
    let kept = kept.map(<[String]>::to_vec);
    let mut node = side;
    let window = loop {
        node = match &mut node.op {
            PlanOp::Window(window) => break window,
            PlanOp::Aggregate { input, .. }
            | PlanOp::Elementwise { input, .. }
            | PlanOp::Negate(input)
            | PlanOp::SubqueryWindow { input, .. } => input,
            PlanOp::VectorScalar { vector, .. } => vector,
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

/// Whether a window function of a side may tell the user something about the
/// metric `name`, or refuse an argument, when it has rows.
fn says_something(side: &Plan, name: &str) -> bool {
    let mut node = side;
    loop {
        let call = match &node.op {
            PlanOp::Window(window) => Some(&window.call),
            PlanOp::SubqueryWindow { window, .. } => Some(window),
            _ => None,
        };
        if call.is_some_and(|call| call_says_something(call, name)) {
            return true;
        }
        node = match &node.op {
            PlanOp::Aggregate { input, .. }
            | PlanOp::Elementwise { input, .. }
            | PlanOp::Negate(input)
            | PlanOp::SubqueryWindow { input, .. } => input,
            PlanOp::VectorScalar { vector, .. } => vector,
            _ => return false,
        };
    }
}

fn call_says_something(call: &WindowCall, name: &str) -> bool {
    let counter = match call.function {
        WindowKind::Function(function) => function.wants_counter,
        _ => false,
    };
    let counter_name = ["_total", "_sum", "_count", "_bucket"]
        .iter()
        .any(|end| name.ends_with(end));
    !call.params.is_empty() || call.starts || (counter && !counter_name)
}
