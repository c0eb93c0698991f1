//! A plan at other times than those that it was made for.
//!
//! Rules and panels ask the same text again and again, at times of the same
//! distances: all times of such a plan move by as much as the query does.

use quarrel_functions::table::{Kind, NullaryFunction};

use super::{LogicalPlan, Plan, PlanOp, Select};
use crate::ast::Expr;
use crate::with_stack;

/// Whether all times of an expression's plan move with those of the query. What
/// `@`, `start()` and `end()` fix does not, and the steps of a subquery lie at
/// multiples of their distance.
pub fn moves_with_query(expr: &Expr) -> bool {
    expr.nodes().into_iter().all(|node| match node {
        Expr::VectorSelector(selector) => selector.at.is_none(),
        Expr::MatrixSelector(matrix) => matrix.selector.at.is_none(),
        Expr::Subquery(_) => false,
        Expr::Call(call) => !matches!(
            call.function.kind,
            Kind::Nullary(NullaryFunction::Start | NullaryFunction::End)
        ),
        _ => true,
    })
}

impl LogicalPlan {
    /// Moves all times by some ms: the plan of the same expression so much later,
    /// where [`moves_with_query`] holds and no time comes near the ends of the
    /// time line.
    pub fn shift(&mut self, by_ms: i64) {
        match self {
            LogicalPlan::Rows(plan) => shift(plan, by_ms),
            LogicalPlan::RawSelect(raw) => {
                move_time(&mut raw.node.grid.start_ms, by_ms);
                shift_select(&mut raw.select, by_ms);
            }
            LogicalPlan::RawSubquery(raw) => {
                move_time(&mut raw.node.grid.start_ms, by_ms);
                move_time(&mut raw.inner.start_ms, by_ms);
                shift(&mut raw.input, by_ms);
            }
            LogicalPlan::Text(text) => move_time(&mut text.node.grid.start_ms, by_ms),
        }
    }
}

fn shift(plan: &mut Plan, by_ms: i64) {
    with_stack(|| {
        move_time(&mut plan.node.grid.start_ms, by_ms);
        match &mut plan.op {
            PlanOp::Window(window) => shift_select(&mut window.select, by_ms),
            PlanOp::SubqueryWindow(subquery) => {
                move_time(&mut subquery.inner.start_ms, by_ms);
                move_time(&mut subquery.windows.ends.start_ms, by_ms);
            }
            _ => {}
        }
        for input in plan.inputs_mut() {
            shift(input, by_ms);
        }
    });
}

fn shift_select(select: &mut Select, by_ms: i64) {
    move_time(&mut select.windows.ends.start_ms, by_ms);
    let group = select.group.as_mut().map(|group| &mut group.time_range);
    for (start, end) in std::iter::once(&mut select.time_range).chain(group) {
        move_time(start, by_ms);
        move_time(end, by_ms);
    }
}

fn move_time(ms: &mut i64, by_ms: i64) {
    *ms = ms.saturating_add(by_ms);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::logical::{PlanOptions, build};
    use crate::options::ParserOptions;
    use crate::rules::{RuleContext, optimize};

    /// Texts that Prometheus parses, among others.
    const LINES: &str = concat!(
        include_str!("../../tests/prometheus-stable.jsonl"),
        include_str!("../../tests/prometheus-experimental.jsonl"),
    );

    fn options(start_ms: i64, (length_ms, step_ms): (i64, i64)) -> PlanOptions {
        PlanOptions {
            start_ms,
            end_ms: start_ms + length_ms,
            step_ms,
            lookback_delta_ms: 300_000,
            subquery_step: Arc::new(|_| 60_000),
            use_start_timestamps: false,
            downsampled: false,
        }
    }

    fn optimized(expr: &Expr, text: &str, options: &PlanOptions) -> Option<LogicalPlan> {
        let mut plan = build(expr, text, options).ok()?;
        let context = RuleContext {
            query: text,
            ..RuleContext::default()
        };
        optimize(&mut plan, context);
        Some(plan)
    }

    /// The string that stands for a key in a line of JSON.
    fn text_of(line: &str) -> Option<String> {
        let rest = line.strip_prefix("{\"text\":\"")?;
        let end = rest.find("\",\"")?;
        let text = &rest[..end];
        // Lines with other escapes are left out.
        (!text.replace("\\\"", "").contains('\\')).then(|| text.replace("\\\"", "\""))
    }

    #[test]
    fn a_moved_plan_is_the_one_of_those_times() {
        let mut moved = 0;
        for text in LINES.lines().filter_map(text_of) {
            let Ok(tree) = crate::parse(&text, &ParserOptions::all()) else {
                continue;
            };
            if !moves_with_query(tree.expr()) {
                continue;
            }
            for shape in [(0, 0), (0, 1), (600_000, 60_000), (3_600_000, 7_001)] {
                let (from, to) = (1_700_000_000_123, 1_699_999_000_001);
                let Some(mut plan) = optimized(tree.expr(), &text, &options(from, shape)) else {
                    continue;
                };
                plan.shift(to - from);
                let wanted = optimized(tree.expr(), &text, &options(to, shape));
                assert_eq!(format!("{:?}", Some(plan)), format!("{wanted:?}"), "{text}");
                moved += 1;
            }
        }
        assert!(moved > 1_000, "{moved}");
    }

    #[test]
    fn what_is_fixed_does_not_move() {
        let moves = |text: &str| {
            let tree = crate::parse(text, &ParserOptions::all()).unwrap();
            moves_with_query(tree.expr())
        };
        for text in [
            "x @ 5",
            "1 + sum(rate(x[5m] @ end()))",
            "max_over_time(x[5m:1m])",
            "topk(scalar(x @ 1), y)",
            "-(start())",
            "x > end()",
        ] {
            assert!(!moves(text), "{text}");
        }
        for text in ["x", "time()", "rate(x[range()] offset step())", "hour()"] {
            assert!(moves(text), "{text}");
        }
    }
}
