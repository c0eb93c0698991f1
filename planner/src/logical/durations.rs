//! Durations that are computed from the query's times.

use quarrel_functions::elementwise::{ArithmeticOp, max_of, min_of};

use super::options::PlanOptions;
use crate::ast::{DurationExpr, DurationOp, DurationValue, Expr, Span, VectorSelector};
use crate::error::PlanError;
use crate::literal::is_duration;
use crate::with_stack;

type Result<T> = std::result::Result<T, PlanError>;

/// Computes every duration of an expression, in the order in which Prometheus
/// does, so that of several errors the same one comes first.
///
/// # Errors
/// As [`resolve`].
pub(super) fn check(expr: &Expr, options: &PlanOptions) -> Result<()> {
    with_stack(|| match expr {
        Expr::Number(_) | Expr::String(_) => Ok(()),
        Expr::VectorSelector(selector) => check_selector(selector, options),
        Expr::MatrixSelector(matrix) => {
            resolve(&matrix.range, false, options)?;
            check_selector(&matrix.selector, options)
        }
        Expr::Subquery(subquery) => {
            resolve(&subquery.offset, true, options)?;
            if let Some(step) = &subquery.step {
                resolve(step, false, options)?;
            }
            resolve(&subquery.range, false, options)?;
            check(&subquery.expr, options)
        }
        Expr::Call(call) => call.args.iter().try_for_each(|arg| check(arg, options)),
        Expr::Aggregate(aggregate) => {
            check(&aggregate.expr, options)?;
            aggregate
                .param
                .iter()
                .try_for_each(|param| check(param, options))
        }
        Expr::Binary(binary) => {
            check(&binary.lhs, options)?;
            check(&binary.rhs, options)
        }
        Expr::Unary(unary) => check(&unary.expr, options),
        Expr::Paren(paren) => check(&paren.expr, options),
    })
}

fn check_selector(selector: &VectorSelector, options: &PlanOptions) -> Result<()> {
    resolve(&selector.offset, true, options).map(|_| ())
}

/// A duration in ms.
///
/// # Errors
/// [`PlanError::Invalid`] where it is no number, out of range, or not
/// positive although it has to be.
pub(super) fn resolve(
    duration: &DurationValue,
    may_be_negative: bool,
    options: &PlanOptions,
) -> Result<i64> {
    let expr = match duration {
        DurationValue::Known(nanos) => return Ok(nanos / 1_000_000),
        DurationValue::Computed(expr) => expr,
    };
    let seconds = seconds(expr, options)?;
    let span = expr.span();
    if !seconds.is_finite() {
        return Err(invalid(span, "duration is NaN or infinite"));
    }
    if seconds <= 0.0 && !may_be_negative {
        return Err(invalid(span, "duration must be greater than 0"));
    }
    if !is_duration(seconds) {
        return Err(invalid(span, "duration is out of range"));
    }
    Ok((seconds * 1000.0) as i64)
}

/// An error in Prometheus's words: it gives the place in bytes.
fn invalid(span: Span, what: &str) -> PlanError {
    PlanError::Invalid {
        message: format!("{}:{}: {what}", span.start, span.end),
        span,
    }
}

/// Go's `Duration.Seconds`.
pub(super) fn go_seconds(ms: i64) -> f64 {
    (ms / 1000) as f64 + (ms % 1000 * 1_000_000) as f64 / 1e9
}

fn seconds(expr: &DurationExpr, options: &PlanOptions) -> Result<f64> {
    with_stack(|| match expr {
        DurationExpr::Number(literal) => Ok(literal.value),
        DurationExpr::Step(_) => Ok(go_seconds(options.step_ms)),
        DurationExpr::Range(_) => Ok(go_seconds(options.end_ms.saturating_sub(options.start_ms))),
        DurationExpr::Unary { minus, operand, .. } => {
            let value = seconds(operand, options)?;
            Ok(if *minus { -value } else { value })
        }
        DurationExpr::Binary { op, lhs, rhs, .. } => {
            let (a, b) = (seconds(lhs, options)?, seconds(rhs, options)?);
            match op {
                DurationOp::Div if b == 0.0 => Err(invalid(expr.span(), "division by zero")),
                DurationOp::Mod if b == 0.0 => Err(invalid(expr.span(), "modulo by zero")),
                _ => Ok(arithmetic(*op, a, b)),
            }
        }
    })
}

fn arithmetic(op: DurationOp, a: f64, b: f64) -> f64 {
    match op {
        DurationOp::Add => a + b,
        DurationOp::Sub => a - b,
        DurationOp::Mul => a * b,
        DurationOp::Div => a / b,
        DurationOp::Mod => a % b,
        DurationOp::Pow => ArithmeticOp::Pow.of(a, b),
        DurationOp::Min => min_of(a, b),
        DurationOp::Max => max_of(a, b),
    }
}
