//! The print for eyes, as `promtool promql format`: what is longer than a
//! line is broken at operators and parentheses.

use crate::ast::*;
use crate::print::{Printer, to_promql};
use crate::with_stack;

/// Bytes from which on a node is broken.
const MAX_LINE: usize = 100;

/// The query in lines.
pub fn to_pretty(expr: &Expr) -> String {
    pretty(expr, 0)
}

fn indent(level: usize) -> String {
    "  ".repeat(level)
}

fn pretty(expr: &Expr, level: usize) -> String {
    with_stack(|| {
        let line = to_promql(expr);
        let pad = indent(level);
        let long = line.len() > MAX_LINE;
        match expr {
            Expr::Aggregate(aggregate) if long => {
                let mut head = String::new();
                Printer { out: &mut head }.aggregate_head(aggregate);
                let param = aggregate
                    .param
                    .as_ref()
                    .map_or(String::new(), |p| format!("{},\n", pretty(p, level + 1)));
                let inner = pretty(&aggregate.expr, level + 1);
                format!("{pad}{head}(\n{param}{inner}\n{pad})")
            }
            Expr::Binary(binary) if long => {
                let mut operator = String::new();
                Printer { out: &mut operator }.operator(binary);
                let (lhs, rhs) = (
                    pretty(&binary.lhs, level + 1),
                    pretty(&binary.rhs, level + 1),
                );
                format!("{lhs}\n{pad}{operator}\n{rhs}")
            }
            Expr::Call(call) if long => {
                let args: Vec<String> = call.args.iter().map(|a| pretty(a, level + 1)).collect();
                format!("{pad}{}(\n{}\n{pad})", call.function.name, args.join(",\n"))
            }
            Expr::Paren(paren) if long => {
                format!("{pad}(\n{}\n{pad})", pretty(&paren.expr, level + 1))
            }
            Expr::Subquery(subquery) if long => {
                let mut suffix = String::new();
                Printer { out: &mut suffix }.subquery_suffix(subquery);
                format!("{}{suffix}", pretty(&subquery.expr, level))
            }
            Expr::Subquery(_) => line, // the reference does not indent these
            Expr::Unary(unary) => {
                let sign = if unary.minus { '-' } else { '+' };
                format!("{pad}{sign}{}", pretty(&unary.expr, level).trim())
            }
            _ => format!("{pad}{line}"),
        }
    })
}
