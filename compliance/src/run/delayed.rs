//! Delayed name removal, which the engine does not have yet: the reference's
//! tests run with it, so some answers differ. Which ones can is told here, so
//! that they count as unsupported and all others as failed.

use quarrel_matchers::MatchOp;
use quarrel_planner::ast::{BinaryOp, Expr, VectorSelector};
use quarrel_planner::with_stack;

const NAME: &str = "__name__";

/// What the parts of an expression have in them.
#[derive(Clone, Copy, Default)]
struct Parts {
    /// Something that drops the metric's name.
    drops: bool,
    /// A selector of metrics with several names.
    many_names: bool,
    /// Something that minds whether a name is dropped at once or at the end.
    minds: bool,
}

impl Parts {
    fn with(self, other: Parts) -> Parts {
        Parts {
            drops: self.drops || other.drops,
            many_names: self.many_names || other.many_names,
            minds: self.minds || other.minds,
        }
    }
}

/// Whether an answer can depend on when names are dropped: something reads
/// names above something that drops them, or groups rows there that differ in
/// their name alone.
pub(super) fn can_matter(expr: &Expr) -> bool {
    parts(expr).minds
}

fn parts(expr: &Expr) -> Parts {
    with_stack(|| match expr {
        Expr::Number(_) | Expr::String(_) => Parts::default(),
        Expr::VectorSelector(e) => selector(e),
        Expr::MatrixSelector(e) => selector(&e.selector),
        Expr::Subquery(e) => parts(&e.expr),
        Expr::Unary(e) => Parts {
            drops: true,
            ..parts(&e.expr)
        },
        Expr::Paren(e) => parts(&e.expr),
        Expr::Binary(e) => {
            let both = parts(&e.lhs).with(parts(&e.rhs));
            let keeps = e.op.is_set() || (e.op.is_comparison() && !e.return_bool);
            let trims = matches!(e.op, BinaryOp::TrimLower | BinaryOp::TrimUpper);
            Parts {
                drops: both.drops || !(keeps || trims),
                ..both
            }
        }
        Expr::Call(e) => {
            let args = e.args.iter().map(parts).fold(Parts::default(), Parts::with);
            let relabels = matches!(e.function.name, "label_replace" | "label_join");
            let reads = relabels
                && e.args
                    .iter()
                    .any(|a| matches!(a, Expr::String(s) if s.value == NAME));
            Parts {
                drops: args.drops || !(e.function.keeps_name || relabels),
                minds: args.minds || (reads && args.drops),
                ..args
            }
        }
        Expr::Aggregate(e) => {
            let inner = parts(&e.expr).with(e.param.as_ref().map(parts).unwrap_or_default());
            let reads = inner.many_names || e.grouping.iter().any(|label| label == NAME);
            Parts {
                minds: inner.minds || (reads && inner.drops),
                ..inner
            }
        }
    })
}

fn selector(selector: &VectorSelector) -> Parts {
    let one = selector
        .matchers
        .iter()
        .any(|m| m.name() == NAME && m.op() == MatchOp::Equal);
    Parts {
        many_names: !one,
        ..Parts::default()
    }
}

/// A warning as it is where names are dropped at once.
pub(super) fn without_name(warning: &str) -> Option<String> {
    let (text, rest) = warning.split_once(" for metric name ")?;
    let position = rest.rfind(" (").map_or("", |i| &rest[i..]);
    Some(format!("{text}{position}"))
}

#[cfg(test)]
mod tests {
    use quarrel_planner::{ParserOptions, parse};

    use super::*;

    #[test]
    fn names_matter_where_they_are_read_or_many() {
        let matters = |query: &str| can_matter(parse(query, &ParserOptions::all()).unwrap().expr());
        for query in [
            "sum by (env) (rate({env=\"1\"}[5m]))",
            "sum by (__name__) (rate(x[5m]))",
            "label_replace(-x, \"y\", \"$1\", \"__name__\", \"(.*)\")",
            "1 + sum by (__name__) (a or rate(b[5m]))",
        ] {
            assert!(matters(query), "{query}");
        }
        for query in [
            "sum by (env) (rate(x[5m]))",
            "sum by (__name__) (x > 1)",
            "rate({env=\"1\"}[5m])",
            "label_replace(x, \"y\", \"$1\", \"__name__\", \"(.*)\")",
            "rate(label_replace(x, \"y\", \"$1\", \"__name__\", \"(.*)\")[5m:])",
        ] {
            assert!(!matters(query), "{query}");
        }
    }

    #[test]
    fn warnings_lose_the_name() {
        let with = "PromQL warning: malformed value of \"x (y)\" for metric name \"series\" (1:25)";
        let without = "PromQL warning: malformed value of \"x (y)\" (1:25)";
        assert_eq!(without_name(with).as_deref(), Some(without));
        assert_eq!(without_name(without), None);
    }
}
