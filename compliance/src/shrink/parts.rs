//! Parts of an expression that can stand in its place.

use quarrel_functions::table::ValueType;
use quarrel_planner::ast::{Expr, VectorSelector};

/// A part of an expression.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    Expr(&'a Expr),
    /// The selector in a range selector.
    Selector(&'a VectorSelector),
}

impl Part<'_> {
    fn value_type(self) -> ValueType {
        match self {
            Part::Expr(expr) => expr.value_type(),
            Part::Selector(_) => ValueType::Vector,
        }
    }

    pub(super) fn to_expr(self) -> Expr {
        match self {
            Part::Expr(expr) => expr.clone(),
            Part::Selector(selector) => Expr::VectorSelector(Box::new(selector.clone())),
        }
    }
}

/// What stands right below an expression.
pub(super) fn children(expr: &Expr) -> Vec<Part<'_>> {
    match expr {
        Expr::Number(_) | Expr::String(_) | Expr::VectorSelector(_) => Vec::new(),
        Expr::MatrixSelector(e) => vec![Part::Selector(&e.selector)],
        Expr::Subquery(e) => vec![Part::Expr(&e.expr)],
        Expr::Call(e) => e.args.iter().map(Part::Expr).collect(),
        Expr::Aggregate(e) => e.param.iter().chain([&e.expr]).map(Part::Expr).collect(),
        Expr::Binary(e) => vec![Part::Expr(&e.lhs), Part::Expr(&e.rhs)],
        Expr::Unary(e) => vec![Part::Expr(&e.expr)],
        Expr::Paren(e) => vec![Part::Expr(&e.expr)],
    }
}

/// The children of an expression's type; where a child has another type, its
/// children, as `x` in `rate(x[5m])`.
pub(super) fn replacements(expr: &Expr) -> Vec<Part<'_>> {
    let ty = expr.value_type();
    let mut out = Vec::new();
    for child in children(expr) {
        match child {
            Part::Expr(inner) if inner.value_type() != ty => {
                let below = children(inner);
                out.extend(below.into_iter().filter(|part| part.value_type() == ty));
            }
            child if child.value_type() == ty => out.push(child),
            _ => {}
        }
    }
    out
}

/// All that stands below an expression.
pub(super) fn all(root: &Expr) -> Vec<Part<'_>> {
    root.nodes().into_iter().flat_map(children).collect()
}
