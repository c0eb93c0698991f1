//! Cloning and dropping of deep trees. A chain of operators is as deep as it is
//! long, so that plain recursion could overflow a small stack.

use crate::ast::*;
use crate::with_stack;

/// A placeholder for a part that was taken out.
const GONE: NumberLiteral = NumberLiteral {
    value: 0.0,
    is_duration: false,
    span: Span { start: 0, end: 0 },
};

impl Clone for Expr {
    fn clone(&self) -> Self {
        with_stack(|| match self {
            Expr::Number(e) => Expr::Number(e.clone()),
            Expr::String(e) => Expr::String(e.clone()),
            Expr::VectorSelector(e) => Expr::VectorSelector(e.clone()),
            Expr::MatrixSelector(e) => Expr::MatrixSelector(e.clone()),
            Expr::Subquery(e) => Expr::Subquery(e.clone()),
            Expr::Call(e) => Expr::Call(e.clone()),
            Expr::Aggregate(e) => Expr::Aggregate(e.clone()),
            Expr::Binary(e) => Expr::Binary(e.clone()),
            Expr::Unary(e) => Expr::Unary(e.clone()),
            Expr::Paren(e) => Expr::Paren(e.clone()),
        })
    }
}

/// Drops expressions with enough stack, leaving numbers in their places.
fn drop_parts<'a>(parts: impl Iterator<Item = &'a mut Expr>) {
    for part in parts {
        if !matches!(part, Expr::Number(_)) {
            let part = std::mem::replace(part, Expr::Number(GONE));
            with_stack(|| drop(part));
        }
    }
}

impl Drop for Subquery {
    fn drop(&mut self) {
        drop_parts(std::iter::once(&mut self.expr));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        drop_parts(self.args.iter_mut());
    }
}

impl Drop for Aggregate {
    fn drop(&mut self) {
        drop_parts(self.param.iter_mut().chain(std::iter::once(&mut self.expr)));
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        drop_parts([&mut self.lhs, &mut self.rhs].into_iter());
    }
}

impl Drop for Unary {
    fn drop(&mut self) {
        drop_parts(std::iter::once(&mut self.expr));
    }
}

impl Drop for Paren {
    fn drop(&mut self) {
        drop_parts(std::iter::once(&mut self.expr));
    }
}

impl Clone for DurationExpr {
    fn clone(&self) -> Self {
        with_stack(|| match self {
            DurationExpr::Number(literal) => DurationExpr::Number(literal.clone()),
            DurationExpr::Step(span) => DurationExpr::Step(*span),
            DurationExpr::Range(span) => DurationExpr::Range(*span),
            DurationExpr::Unary {
                minus,
                operand,
                wrapped,
                span,
            } => DurationExpr::Unary {
                minus: *minus,
                operand: operand.clone(),
                wrapped: *wrapped,
                span: *span,
            },
            DurationExpr::Binary {
                op,
                lhs,
                rhs,
                wrapped,
                span,
            } => DurationExpr::Binary {
                op: *op,
                lhs: lhs.clone(),
                rhs: rhs.clone(),
                wrapped: *wrapped,
                span: *span,
            },
        })
    }
}

impl Drop for DurationExpr {
    fn drop(&mut self) {
        let drop_part = |part: &mut DurationExpr| {
            if !matches!(part, DurationExpr::Number(_)) {
                let part = std::mem::replace(part, DurationExpr::Number(GONE));
                with_stack(|| drop(part));
            }
        };
        match self {
            DurationExpr::Unary { operand, .. } => drop_part(operand),
            DurationExpr::Binary { lhs, rhs, .. } => {
                drop_part(lhs);
                drop_part(rhs);
            }
            DurationExpr::Number(_) | DurationExpr::Step(_) | DurationExpr::Range(_) => {}
        }
    }
}
