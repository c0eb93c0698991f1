//! The labels that `absent` and `absent_over_time` give their row.

use quarrel_matchers::{MatchOp, Matcher};

use crate::ast::Expr;

/// The labels that `absent` knows from its argument: those that a matcher
/// asks to be equal, unless another matcher of the label says otherwise.
pub(super) fn absent_labels(arg: &Expr) -> Vec<(String, String)> {
    let matchers: &[Matcher] = match arg {
        Expr::VectorSelector(selector) => &selector.matchers,
        Expr::MatrixSelector(matrix) => &matrix.selector.matchers,
        _ => &[],
    };
    let mut seen: Vec<&str> = Vec::new();
    let mut labels: Vec<(String, String)> = Vec::new();
    for matcher in as_blocks_sort(matchers) {
        let name = matcher.name();
        if matches!(name, "__name__" | "__type__" | "__unit__") {
            continue;
        }
        if matcher.op() == MatchOp::Equal && !seen.contains(&name) {
            seen.push(name);
            labels.retain(|(label, _)| label != name);
            if !matcher.value().is_empty() {
                labels.push((name.to_string(), matcher.value().to_string()));
            }
        } else {
            labels.retain(|(label, _)| label != name);
        }
    }
    labels.sort();
    labels
}

/// Matchers in the order in which Prometheus's blocks leave them: a select
/// sorts the selector's own list, those that take series away last, before the
/// labels of `absent` are made of it. It shows where one label has several.
fn as_blocks_sort(matchers: &[Matcher]) -> Vec<&Matcher> {
    let must_be_set = |name: &str| {
        matchers
            .iter()
            .any(|m| m.name() == name && !m.matches_empty())
    };
    let mut sorted: Vec<&Matcher> = matchers.iter().collect();
    sorted.sort_by_key(|m| !must_be_set(m.name()) || (m.is_negated() && m.matches_empty()));
    sorted
}
