//! The pretty print, as `promtool promql format` gives it: what is longer than
//! a line is broken at operators and parentheses.

use crate::ast::*;
use crate::print::{Printer, to_promql};
use crate::with_stack;

/// Bytes from which on a node is broken.
const MAX_LINE: usize = 100;

/// The query in lines.
pub fn to_pretty(expr: &Expr) -> String {
    let mut lines = Lines {
        out: String::new(),
        after_sign: false,
    };
    lines.expr(expr, 0);
    lines.out
}

struct Lines {
    out: String,
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
        with_stack(|| {
            if let Expr::Unary(unary) = expr {
                self.indent(level);
                self.text(if unary.minus { "-" } else { "+" });
                self.after_sign = true;
                return self.expr(&unary.expr, level);
            }
            let line = to_promql(expr);
            if line.len() > MAX_LINE {
                return self.broken(expr, &line, level);
            }
            // Prometheus does not indent short subqueries.
            if !matches!(expr, Expr::Subquery(_)) {
                self.indent(level);
            }
            self.text(&line);
        });
    }

    /// A node that does not fit in a line.
    fn broken(&mut self, expr: &Expr, line: &str, level: usize) {
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
                self.text(line);
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
