//! The pretty print, as `promtool promql format` gives it: what is longer than
//! a line is broken at operators and parentheses.

use crate::ast::*;
use crate::print::{Printer, to_promql};
use crate::with_stack;

/// Bytes from which on a node is broken.
const MAX_LINE: usize = 100;

/// The query in lines.
pub fn to_pretty(expr: &Expr) -> String {
    to_pretty_within(expr, usize::MAX).unwrap_or_default()
}

/// As [`to_pretty`], if the lines have about `most` bytes at most: operands in a
/// chain are indented by their depth, so that lines grow with the square of a
/// query's length.
pub fn to_pretty_within(expr: &Expr, most: usize) -> Option<String> {
    let mut lines = Lines {
        out: String::new(),
        most,
        after_sign: false,
    };
    lines.expr(expr, 0);
    (lines.out.len() <= most).then_some(lines.out)
}

/// Whether an expression has more nodes than a line has bytes.
fn is_long(expr: &Expr) -> bool {
    let mut nodes = 0;
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        nodes += 1;
        if nodes > MAX_LINE {
            return true;
        }
        open.extend(expr.children());
    }
    false
}

struct Lines {
    out: String,
    /// Bytes after which nothing is written any more.
    most: usize,
    /// Whether a sign was written, behind which nothing is indented.
    after_sign: bool,
}

impl Lines {
    fn indent(&mut self, level: usize) {
        if !std::mem::take(&mut self.after_sign) {
            self.out.extend(std::iter::repeat_n("  ", level));
        }
    }

    fn text(&mut self, text: &str) {
        self.after_sign = false;
        self.out.push_str(text);
    }

    fn expr(&mut self, expr: &Expr, level: usize) {
        if self.out.len() > self.most {
            return;
        }
        with_stack(|| {
            if let Expr::Unary(unary) = expr {
                self.indent(level);
                self.text(if unary.minus { "-" } else { "+" });
                self.after_sign = true;
                return self.expr(&unary.expr, level);
            }
            // A long one is not printed only to be measured.
            if is_long(expr) {
                return self.broken(expr, level);
            }
            let line = to_promql(expr);
            if line.len() > MAX_LINE {
                return self.broken(expr, level);
            }
            // Prometheus does not indent short subqueries.
            if !matches!(expr, Expr::Subquery(_)) {
                self.indent(level);
            }
            self.text(&line);
        });
    }

    /// A node that does not fit in a line.
    fn broken(&mut self, expr: &Expr, level: usize) {
        match expr {
            Expr::Aggregate(aggregate) => {
                self.indent(level);
                self.after_sign = false;
                Printer { out: &mut self.out }.aggregate_head(aggregate);
                let args = aggregate.param.iter().chain([&aggregate.expr]);
                self.arguments(args, level);
            }
            Expr::Call(call) => {
                self.indent(level);
                self.text(call.function.name);
                self.arguments(call.args.iter(), level);
            }
            Expr::Paren(paren) => {
                self.indent(level);
                self.arguments(std::iter::once(&paren.expr), level);
            }
            Expr::Binary(binary) => {
                self.expr(&binary.lhs, level + 1);
                self.text("\n");
                self.indent(level);
                Printer { out: &mut self.out }.operator(binary);
                self.text("\n");
                self.expr(&binary.rhs, level + 1);
            }
            Expr::Subquery(subquery) => {
                self.expr(&subquery.expr, level);
                Printer { out: &mut self.out }.subquery_suffix(subquery);
            }
            _ => {
                self.indent(level);
                self.text(&to_promql(expr));
            }
        }
    }

    /// Arguments, each on lines of its own, in parentheses.
    fn arguments<'a>(&mut self, args: impl Iterator<Item = &'a Expr>, level: usize) {
        self.text("(\n");
        for (i, arg) in args.enumerate() {
            if i > 0 {
                self.text(",\n");
            }
            self.expr(arg, level + 1);
        }
        self.text("\n");
        self.indent(level);
        self.text(")");
    }
}
