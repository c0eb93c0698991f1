//! Pins all selectors of an instant query to its time by `@`. The pinned query
//! has the same answer at every evaluation time.

use quarrel_planner::ast::{AtModifier, Expr, VectorSelector};
use quarrel_planner::{to_promql, with_stack};

/// The query with `@` at all selectors, and times at which to evaluate it, ms.
/// `None` if it calls a function that depends on the evaluation time.
pub(super) fn pinned(expr: &Expr, at_ms: i64) -> Option<(String, Vec<i64>)> {
    let mut expr = expr.clone();
    if !pin(&mut expr, at_ms) {
        return None;
    }
    let times = if at_ms == 0 {
        vec![-1000, 0, 1000]
    } else {
        let ten = at_ms.saturating_mul(10);
        vec![ten.saturating_neg(), 0, at_ms / 5, at_ms, ten]
    };
    Some((to_promql(&expr), times))
}

fn pin_at(at: &mut Option<AtModifier>, at_ms: i64) {
    if !matches!(at, Some(AtModifier::Timestamp(_))) {
        *at = Some(AtModifier::Timestamp(at_ms));
    }
}

/// Pins the selectors; false if a function depends on the evaluation time. The
/// inside of a subquery does not change: the subquery itself is pinned.
fn pin(expr: &mut Expr, at_ms: i64) -> bool {
    let selector = |s: &mut VectorSelector| pin_at(&mut s.at, at_ms);
    with_stack(|| match expr {
        Expr::Number(_) | Expr::String(_) => true,
        Expr::VectorSelector(e) => {
            selector(e);
            true
        }
        Expr::MatrixSelector(e) => {
            selector(&mut e.selector);
            true
        }
        Expr::Subquery(e) => {
            pin_at(&mut e.at, at_ms);
            true
        }
        Expr::Call(e) => {
            let mut steady = !e.function.uses_eval_time;
            for arg in &mut e.args {
                steady &= pin(arg, at_ms);
            }
            steady
        }
        Expr::Aggregate(e) => {
            let param = e.param.as_mut().is_none_or(|p| pin(p, at_ms));
            pin(&mut e.expr, at_ms) && param
        }
        Expr::Binary(e) => {
            let lhs = pin(&mut e.lhs, at_ms);
            pin(&mut e.rhs, at_ms) && lhs
        }
        Expr::Unary(e) => pin(&mut e.expr, at_ms),
        Expr::Paren(e) => pin(&mut e.expr, at_ms),
    })
}

#[cfg(test)]
mod tests {
    use quarrel_planner::{ParserOptions, parse};

    use super::*;

    fn of(query: &str, at_ms: i64) -> Option<String> {
        let tree = parse(query, &ParserOptions::all()).unwrap();
        pinned(tree.expr(), at_ms).map(|(text, _)| text)
    }

    #[test]
    fn selectors_and_subqueries_are_pinned() {
        assert_eq!(
            of("a + b @ 5", 60_000).as_deref(),
            Some("a @ 60.000 + b @ 5.000")
        );
        assert_eq!(
            of("sum(rate(a[5m] offset 1m))", 60_000).as_deref(),
            Some("sum(rate(a[5m] @ 60.000 offset 1m))")
        );
        assert_eq!(of("a @ start()", 60_000).as_deref(), Some("a @ 60.000"));
        assert_eq!(
            of("max_over_time((a + time())[5m:1m])", 60_000).as_deref(),
            Some("max_over_time((a + time())[5m:1m] @ 60.000)")
        );
        assert_eq!(of("a + time()", 60_000), None);
        assert_eq!(of("timestamp(a)", 60_000), None);
    }

    #[test]
    fn times_are_those_of_prometheus() {
        let tree = parse("a", &ParserOptions::all()).unwrap();
        assert_eq!(pinned(tree.expr(), 0).unwrap().1, [-1000, 0, 1000]);
        assert_eq!(
            pinned(tree.expr(), 500).unwrap().1,
            [-5000, 0, 100, 500, 5000]
        );
    }
}
