//! The canonical print of a tree, as Prometheus's `Expr.String()`.

use std::fmt::Write;

use pest::unicode;
use quarrel_functions::fmt::{format_f, quote};

use crate::ast::*;
use crate::with_stack;

/// Nanoseconds in a millisecond.
const NANOS: i64 = 1_000_000;

/// The query that a tree stands for.
pub fn to_promql(expr: &Expr) -> String {
    let mut out = String::new();
    Printer { out: &mut out }.expr(expr);
    out
}

/// A duration as Prometheus prints it, such as `1h30m`; 0 is `0s`. In ms.
pub fn format_duration(ms: i64) -> String {
    if ms == 0 {
        return "0s".into();
    }
    let mut out = String::from(if ms < 0 { "-" } else { "" });
    let mut rest = ms.saturating_abs();
    // Years, weeks and days alone only where they are exact.
    let units = [
        ("y", 365 * 24 * 3_600_000, true),
        ("w", 7 * 24 * 3_600_000, true),
        ("d", 24 * 3_600_000, false),
        ("h", 3_600_000, false),
        ("m", 60_000, false),
        ("s", 1000, false),
        ("ms", 1, false),
    ];
    for (unit, size, exact) in units {
        if exact && rest % size != 0 {
            continue;
        }
        let amount = rest / size;
        if amount > 0 {
            let _ = write!(out, "{amount}{unit}");
            rest -= amount * size;
        }
    }
    out
}

/// Whether a label name needs quotes; `utf8` allows letters beyond ASCII and
/// dots without.
pub(crate) fn needs_quotes(name: &str, utf8: bool) -> bool {
    let letter = |c: char| {
        c.is_ascii_alphabetic() || c == '_' || (utf8 && !c.is_ascii() && unicode::LETTER(c))
    };
    let next = |c: char| letter(c) || c.is_ascii_digit() || (utf8 && c == '.');
    let mut chars = name.chars();
    !(chars.next().is_some_and(letter) && chars.all(next))
}

/// Appends label names, with quotes where they need them.
pub(crate) fn write_labels(out: &mut String, names: &[String], utf8: bool) {
    for (i, name) in names.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        if needs_quotes(name, utf8) {
            out.push_str(&quote(name));
        } else {
            out.push_str(name);
        }
    }
}

pub(crate) struct Printer<'a> {
    pub(crate) out: &'a mut String,
}

impl Printer<'_> {
    pub(crate) fn expr(&mut self, expr: &Expr) {
        with_stack(|| match expr {
            Expr::Number(literal) => self.number(literal),
            Expr::String(literal) => self.out.push_str(&literal.quoted()),
            Expr::VectorSelector(selector) => {
                self.matchers(selector);
                self.at(selector.at);
                self.extended(selector);
                self.offset(&selector.offset);
            }
            Expr::MatrixSelector(matrix) => {
                self.matchers(&matrix.selector);
                self.out.push('[');
                self.duration(&matrix.range);
                self.out.push(']');
                self.extended(&matrix.selector);
                self.at(matrix.selector.at);
                self.offset(&matrix.selector.offset);
            }
            Expr::Subquery(subquery) => {
                self.expr(&subquery.expr);
                self.subquery_suffix(subquery);
            }
            Expr::Call(call) => {
                self.out.push_str(call.function.name);
                self.out.push('(');
                self.list(&call.args);
                self.out.push(')');
            }
            Expr::Aggregate(aggregate) => {
                self.aggregate_head(aggregate);
                self.out.push('(');
                if let Some(param) = &aggregate.param {
                    self.expr(param);
                    self.out.push_str(", ");
                }
                self.expr(&aggregate.expr);
                self.out.push(')');
            }
            Expr::Binary(binary) => {
                self.expr(&binary.lhs);
                self.out.push(' ');
                self.operator(binary);
                self.out.push(' ');
                self.expr(&binary.rhs);
            }
            Expr::Unary(unary) => {
                self.out.push(if unary.minus { '-' } else { '+' });
                self.expr(&unary.expr);
            }
            Expr::Paren(paren) => {
                self.out.push('(');
                self.expr(&paren.expr);
                self.out.push(')');
            }
        });
    }

    fn list(&mut self, args: &[Expr]) {
        for (i, arg) in args.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            self.expr(arg);
        }
    }

    fn number(&mut self, literal: &NumberLiteral) {
        if !literal.is_duration {
            self.out.push_str(&format_f(literal.value));
            return;
        }
        if literal.value < 0.0 {
            self.out.push('-');
        }
        let nanos = (literal.value.abs() * 1e9) as i64;
        self.out.push_str(&format_duration(nanos / NANOS));
    }

    pub(crate) fn aggregate_head(&mut self, aggregate: &Aggregate) {
        self.out.push_str(aggregate.op.name);
        if aggregate.without || !aggregate.grouping.is_empty() {
            self.out.push_str(if aggregate.without {
                " without ("
            } else {
                " by ("
            });
            write_labels(self.out, &aggregate.grouping, aggregate.unquoted_utf8);
            self.out.push_str(") ");
        }
    }

    /// The operator with its modifiers.
    pub(crate) fn operator(&mut self, binary: &Binary) {
        self.out.push_str(binary.op.symbol());
        if binary.return_bool {
            self.out.push_str(" bool");
        }
        let Some(m) = &binary.matching else { return };
        let grouped = matches!(m.card, Cardinality::ManyToOne | Cardinality::OneToMany);
        if !m.labels.is_empty() || m.on || grouped {
            self.out
                .push_str(if m.on { " on (" } else { " ignoring (" });
            write_labels(self.out, &m.labels, binary.unquoted_utf8);
            self.out.push(')');
        }
        if grouped {
            let left = m.card == Cardinality::ManyToOne;
            self.out.push_str(if left {
                " group_left ("
            } else {
                " group_right ("
            });
            write_labels(self.out, &m.include, binary.unquoted_utf8);
            self.out.push(')');
        }
        let mut fill = |word: &str, value: f64| {
            let _ = write!(
                self.out,
                " {word} ({})",
                quarrel_functions::fmt::format_g(value)
            );
        };
        match (m.fill_left, m.fill_right) {
            (Some(a), Some(b)) if a == b => fill("fill", a),
            (a, b) => {
                if let Some(a) = a {
                    fill("fill_left", a);
                }
                if let Some(b) = b {
                    fill("fill_right", b);
                }
            }
        }
    }

    fn matchers(&mut self, selector: &VectorSelector) {
        let name = selector.name.as_deref().unwrap_or_default();
        self.out.push_str(name);
        let mut shown: Vec<String> = selector
            .matchers
            .iter()
            .filter(|m| {
                let is_name = m.name() == "__name__"
                    && m.op() == quarrel_matchers::MatchOp::Equal
                    && m.value() == name
                    && !name.is_empty();
                !is_name
            })
            .map(|m| {
                let label = if needs_quotes(m.name(), selector.unquoted_utf8) {
                    quote(m.name())
                } else {
                    m.name().into()
                };
                format!("{label}{}{}", m.op(), quote(m.value()))
            })
            .collect();
        if shown.is_empty() {
            return;
        }
        shown.sort();
        let _ = write!(self.out, "{{{}}}", shown.join(","));
    }

    fn extended(&mut self, selector: &VectorSelector) {
        if selector.anchored {
            self.out.push_str(" anchored");
        } else if selector.smoothed {
            self.out.push_str(" smoothed");
        }
    }

    fn at(&mut self, at: Option<AtModifier>) {
        match at {
            None => {}
            Some(AtModifier::Start) => self.out.push_str(" @ start()"),
            Some(AtModifier::End) => self.out.push_str(" @ end()"),
            Some(AtModifier::Timestamp(ms)) => {
                let _ = write!(self.out, " @ {:.3}", ms as f64 / 1000.0);
            }
        }
    }

    fn offset(&mut self, offset: &DurationValue) {
        match offset {
            DurationValue::Known(0) => {}
            DurationValue::Known(nanos) if *nanos < 0 => {
                // Go's least integer has no positive counterpart.
                let ms = nanos.wrapping_neg() / NANOS;
                let _ = write!(self.out, " offset -{}", format_duration(ms));
            }
            other => {
                self.out.push_str(" offset ");
                self.duration(other);
            }
        }
    }

    pub(crate) fn subquery_suffix(&mut self, subquery: &Subquery) {
        self.out.push('[');
        self.duration(&subquery.range);
        self.out.push(':');
        if let Some(step) = &subquery.step {
            self.duration(step);
        }
        self.out.push(']');
        self.at(subquery.at);
        self.offset(&subquery.offset);
    }

    fn duration(&mut self, duration: &DurationValue) {
        match duration {
            DurationValue::Known(nanos) => self.out.push_str(&format_duration(nanos / NANOS)),
            DurationValue::Computed(expr) => self.duration_expr(expr),
        }
    }

    fn duration_expr(&mut self, expr: &DurationExpr) {
        with_stack(|| match expr {
            DurationExpr::Number(literal) => self.number(literal),
            DurationExpr::Step(_) => self.out.push_str("step()"),
            DurationExpr::Range(_) => self.out.push_str("range()"),
            DurationExpr::Unary {
                minus,
                operand,
                wrapped,
                ..
            } => self.wrapped(*wrapped, |p| {
                if *minus {
                    p.out.push('-');
                }
                p.duration_expr(operand);
            }),
            DurationExpr::Binary {
                op,
                lhs,
                rhs,
                wrapped,
                ..
            } => self.wrapped(*wrapped, |p| {
                let call = matches!(op, DurationOp::Min | DurationOp::Max);
                if call {
                    p.out.push_str(op.name());
                    p.out.push('(');
                }
                p.duration_expr(lhs);
                if call {
                    p.out.push_str(", ");
                } else {
                    let _ = write!(p.out, " {} ", op.name());
                }
                p.duration_expr(rhs);
                if call {
                    p.out.push(')');
                }
            }),
        });
    }

    fn wrapped(&mut self, wrapped: bool, inside: impl FnOnce(&mut Self)) {
        if wrapped {
            self.out.push('(');
        }
        inside(self);
        if wrapped {
            self.out.push(')');
        }
    }
}
