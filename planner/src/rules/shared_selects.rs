//! Selectors on one metric share a select where one of them selects all series
//! of the others: the store is asked once, and the others pick from the answer.
//!
//! Hints about the function above are left out where the selectors differ in
//! them, since a store may answer by these hints.

use std::collections::HashMap;

use quarrel_matchers::Matcher;

use super::shape::{single_name, windows};
use super::{Rule, RuleContext, each_mut};
use crate::logical::{Plan, PlanOp, Select, SelectGroup};

/// Pairs of selectors that are compared. Where there are thousands of selectors
/// the rest of them ask for themselves.
const MOST_PAIRS: usize = 1_000_000;

/// Shares selects of one metric.
pub(super) struct SharedSelects;

impl Rule for SharedSelects {
    fn name(&self) -> &'static str {
        "shared selects"
    }

    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        let groups = groups(plan);
        if groups.is_empty() {
            return;
        }
        let members = groups.iter().flat_map(|group| {
            let of_group = move |id: &u32| (*id, group);
            group.nodes.iter().map(of_group)
        });
        let group_of: HashMap<u32, &Group> = members.collect();
        each_mut(plan, &mut |node| {
            if let PlanOp::Window(window) = &mut node.op {
                let found = group_of.get(&node.node.id);
                window.select.group = found.map(|group| group.shared.clone());
                if found.is_some_and(|group| group.hints_differ) {
                    clear_hints(&mut window.select);
                }
            }
        });
    }
}

fn select_of(plan: &Plan) -> Option<&Select> {
    match &plan.op {
        PlanOp::Window(window) => Some(&window.select),
        _ => None,
    }
}

/// At least two selectors that share a select.
struct Group {
    /// The numbers of their nodes.
    nodes: Vec<u32>,
    shared: SelectGroup,
    hints_differ: bool,
}

/// Whether two selectors give the store the same hints.
fn same_hints(a: &Select, b: &Select) -> bool {
    a.function == b.function
        && a.grouping == b.grouping
        && a.by == b.by
        && a.hint_step_ms == b.hint_step_ms
}

fn clear_hints(select: &mut Select) {
    select.function.clear();
    select.grouping.clear();
    select.by = false;
    select.hint_step_ms = 0;
}

fn groups(plan: &Plan) -> Vec<Group> {
    let mut all = Vec::new();
    windows(plan, &mut all);
    // A subtree that is computed once asks once.
    let mut asked: Vec<(u32, &Select)> = all
        .iter()
        .filter_map(|p| Some((p.node.id, select_of(p)?)))
        .collect();
    asked.retain(|(_, s)| single_name(&s.matchers).is_some());
    // The widest selectors first: they can be the base of others.
    asked.sort_by_key(|(id, s)| (s.matchers.len(), *id));
    let mut groups: Vec<Group> = Vec::new();
    let mut taken = vec![false; asked.len()];
    let mut bases = (MOST_PAIRS / asked.len().max(1)).max(1);
    for i in 0..asked.len() {
        if taken[i] {
            continue;
        }
        if bases == 0 {
            break;
        }
        bases -= 1;
        let (id, base) = asked[i];
        let mut nodes = vec![id];
        let mut range = base.time_range;
        let mut hints_differ = false;
        for j in i + 1..asked.len() {
            let (other_id, other) = asked[j];
            let fits = !taken[j]
                && contains(&other.matchers, &base.matchers)
                && overlap(range, other.time_range);
            if fits {
                taken[j] = true;
                nodes.push(other_id);
                hints_differ |= !same_hints(base, other);
                range = (
                    range.0.min(other.time_range.0),
                    range.1.max(other.time_range.1),
                );
            }
        }
        if nodes.len() > 1 {
            groups.push(Group {
                nodes,
                shared: SelectGroup {
                    id: groups.len() as u32 + 1,
                    matchers: base.matchers.clone(),
                    time_range: range,
                },
                hints_differ,
            });
        }
    }
    groups
}

/// Whether all of `base`'s matchers are among `matchers`.
fn contains(matchers: &[Matcher], base: &[Matcher]) -> bool {
    base.iter().all(|m| matchers.contains(m))
}

fn overlap(a: (i64, i64), b: (i64, i64)) -> bool {
    a.0 <= b.1 && b.0 <= a.1
}
