//! Identical subtrees are computed once.
//!
//! Subtrees are identical if they print alike, times included, and have the
//! same text in the query, so that spans in annotations differ by a constant.
//! The largest ones are shared, and their inner nodes are not marked.
//!
//! All of them become copies of the last one, spans included: of annotations
//! with the same text the last one is shown. `histogram_quantile` counts samples
//! in an info, once for each of its nodes, so it is not shared; its input may
//! be. Where all duplicates are rows that aggregations fold while they are
//! scanned, sharing keeps rows that nobody would have kept; the plan says so, and
//! whoever runs it shares small ones alone.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use quarrel_functions::table::ValueType;

use super::shape::is_row_wise;
use super::{Rule, RuleContext};
use crate::logical::{Plan, PlanOp, SharedSubtree, node_text};
use crate::with_stack;

/// Computes identical subtrees once.
pub(super) struct CommonSubtrees;

impl Rule for CommonSubtrees {
    fn name(&self) -> &'static str {
        "common subtrees"
    }

    fn spares_samples(&self) -> bool {
        true
    }

    fn apply(&self, plan: &mut Plan, context: RuleContext<'_>) {
        // One selector has no duplicate.
        let mut all = Vec::new();
        super::shape::windows(plan, &mut all);
        if all.len() < 2 {
            return;
        }
        let mut hashes = HashMap::new();
        let mut counts = HashMap::new();
        hash(plan, context.query, &mut hashes, &mut counts);
        counts.retain(|_, count| *count > 1);
        if !counts.is_empty() {
            let mut numbers = HashMap::new();
            mark(plan, &hashes, &counts, &mut numbers);
            // What occurs inside of one shared subtree alone is no duplicate.
            let mut seen = HashMap::new();
            count(plan, false, &mut seen);
            settle(plan, &seen);
            copy_last(plan, &mut HashMap::new());
        }
    }
}

/// A part of the query's text, if there is such a part.
fn text(query: &str, from: u32, to: u32) -> Option<&str> {
    query.get(from as usize..to as usize)
}

/// Properties of a subtree.
struct Below {
    /// Its hash, if it reads samples.
    hash: Option<u64>,
    /// Whether an annotation of a node in it counts samples.
    counts: bool,
}

/// The hash of each subtree that reads samples, by the number of its root.
fn hash(
    plan: &Plan,
    query: &str,
    hashes: &mut HashMap<u32, u64>,
    counts: &mut HashMap<u64, usize>,
) -> Below {
    with_stack(|| {
        let mut hasher = DefaultHasher::new();
        let mut reads = matches!(plan.op, PlanOp::Window(_));
        let mut counting = match &plan.op {
            PlanOp::Histogram(_) | PlanOp::HistogramQuantiles(_) => true,
            // Overlapping start timestamps are counted.
            PlanOp::Window(window) => window.call.start_timestamps,
            _ => false,
        };
        // A chain of operators is as deep as it is long: the text of an input is
        // in its hash, only what stands between inputs is hashed here.
        let span = plan.node.span;
        let mut text_from = span.start;
        for input in plan.inputs() {
            let below = hash(input, query, hashes, counts);
            reads |= below.hash.is_some();
            counting |= below.counts;
            match below.hash {
                Some(below) => {
                    let inner = input.node.span;
                    text(query, text_from, inner.start).hash(&mut hasher);
                    text_from = text_from.max(inner.end);
                    below.hash(&mut hasher);
                }
                None => input.to_string().hash(&mut hasher),
            }
        }
        if !reads {
            return Below {
                hash: None,
                counts: counting,
            };
        }
        node_text(plan).hash(&mut hasher);
        (plan.node.grid, plan.node.range_query).hash(&mut hasher);
        text(query, text_from, span.end).hash(&mut hasher);
        let hash = hasher.finish();
        hashes.insert(plan.node.id, hash);
        if plan.value_type == ValueType::Vector && !counting {
            *counts.entry(hash).or_default() += 1;
        }
        Below {
            hash: Some(hash),
            counts: counting,
        }
    })
}

/// Numbers the largest subtrees that occur more than once.
fn mark(
    plan: &mut Plan,
    hashes: &HashMap<u32, u64>,
    counts: &HashMap<u64, usize>,
    numbers: &mut HashMap<u64, u32>,
) {
    with_stack(|| {
        if let Some(hash) = hashes.get(&plan.node.id)
            && counts.contains_key(hash)
        {
            let next = numbers.len() as u32 + 1;
            plan.shared = Some(SharedSubtree {
                number: *numbers.entry(*hash).or_insert(next),
                folded: false,
            });
            return;
        }
        for input in plan.inputs_mut() {
            mark(input, hashes, counts, numbers);
        }
    });
}

/// Whether a node aggregates rows as they are scanned, if its input is no common
/// subtree.
fn folds(plan: &Plan) -> bool {
    matches!(&plan.op, PlanOp::Aggregate(aggregate) if aggregate.op.fold().is_some())
}

/// Makes duplicates copies of the last one.
fn copy_last(plan: &mut Plan, last: &mut HashMap<u32, Plan>) {
    with_stack(|| {
        if let Some(SharedSubtree { number, .. }) = plan.shared {
            match last.get(&number) {
                Some(copy) => *plan = copy.clone(),
                None => {
                    last.insert(number, plan.clone());
                }
            }
            return;
        }
        // An aggregation annotates where its input stands, a histogram where its
        // buckets do: each at its own place.
        let keeps_span = matches!(
            plan.op,
            PlanOp::Aggregate(_) | PlanOp::Histogram(_) | PlanOp::HistogramQuantiles(_)
        );
        for input in plan.inputs_mut().into_iter().rev() {
            let span = input.node.argument_span;
            copy_last(input, last);
            if keeps_span {
                input.node.argument_span = span;
            }
        }
    });
}

/// How often a common subtree occurs, and how often an aggregation could fold it.
#[derive(Clone, Copy, Default)]
struct Occurrences {
    all: usize,
    folded: usize,
}

fn count(plan: &Plan, above_folds: bool, seen: &mut HashMap<u32, Occurrences>) {
    with_stack(|| {
        if let Some(SharedSubtree { number, .. }) = plan.shared {
            let occurrences = seen.entry(number).or_default();
            occurrences.all += 1;
            occurrences.folded += usize::from(above_folds && is_row_wise(plan));
        }
        let mut inputs = plan.inputs();
        // The parameter of an aggregation comes first, and is no row of it.
        let folded = inputs.pop();
        inputs
            .into_iter()
            .for_each(|input| count(input, false, seen));
        folded
            .into_iter()
            .for_each(|input| count(input, folds(plan), seen));
    });
}

/// Takes the marks off what occurs once, and says what is folded wherever it
/// occurs.
fn settle(plan: &mut Plan, seen: &HashMap<u32, Occurrences>) {
    with_stack(|| {
        let found = |shared: &SharedSubtree| seen.get(&shared.number).copied();
        let occurrences = plan.shared.as_ref().and_then(found).unwrap_or_default();
        plan.shared = match plan.shared {
            Some(shared) if occurrences.all > 1 => Some(SharedSubtree {
                folded: occurrences.folded == occurrences.all,
                ..shared
            }),
            _ => None,
        };
        plan.inputs_mut()
            .into_iter()
            .for_each(|input| settle(input, seen));
    });
}
