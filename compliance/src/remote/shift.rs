//! Queries at other times.

use quarrel_functions::table::{Kind, NullaryFunction};
use quarrel_planner::ast::{AtModifier, Call, DurationValue, Expr};
use quarrel_planner::{to_promql, with_stack};

use crate::syntax::tree;

/// Nanoseconds in a millisecond.
const NANOS: i64 = 1_000_000;
/// The step of subqueries that have none, ms.
const DEFAULT_STEP: i64 = 60_000;

/// Why a query means something else at another time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ShiftError {
    /// A function gives the time itself.
    #[error("{0}() depends on the absolute time")]
    Function(&'static str),
    /// A subquery is evaluated at multiples of its step.
    #[error("the shift is no multiple of the step of a subquery, {0} ms")]
    Step(i64),
    /// It is not known which step a subquery has.
    #[error("the step of a subquery is an expression")]
    ComputedStep,
}

/// A query with the meaning that it has `shift_ms` before. What does not parse
/// stays as it is.
///
/// # Errors
/// When there is no such query.
pub(super) fn shifted(query: &str, shift_ms: i64) -> Result<String, ShiftError> {
    if shift_ms == 0 {
        return Ok(query.to_string());
    }
    let Some(tree) = tree(query) else {
        return Ok(query.to_string());
    };
    let mut expr = tree.expr().clone();
    match shift(&mut expr, shift_ms)? {
        true => Ok(to_promql(&expr)),
        false => Ok(query.to_string()),
    }
}

/// Shifts times; whether there were any.
fn shift(expr: &mut Expr, by_ms: i64) -> Result<bool, ShiftError> {
    with_stack(|| match expr {
        Expr::Number(_) | Expr::String(_) => Ok(false),
        Expr::VectorSelector(selector) => Ok(shift_at(&mut selector.at, by_ms)),
        Expr::MatrixSelector(matrix) => Ok(shift_at(&mut matrix.selector.at, by_ms)),
        Expr::Subquery(subquery) => {
            let step = match &subquery.step {
                None => DEFAULT_STEP,
                Some(DurationValue::Known(nanos)) => nanos / NANOS,
                Some(DurationValue::Computed(_)) => return Err(ShiftError::ComputedStep),
            };
            if step > 0 && by_ms % step != 0 {
                return Err(ShiftError::Step(step));
            }
            let own = shift_at(&mut subquery.at, by_ms);
            Ok(shift(&mut subquery.expr, by_ms)? | own)
        }
        Expr::Call(call) => {
            check(call)?;
            let mut any = false;
            for arg in &mut call.args {
                any |= shift(arg, by_ms)?;
            }
            Ok(any)
        }
        Expr::Aggregate(aggregate) => {
            let param = match &mut aggregate.param {
                Some(param) => shift(param, by_ms)?,
                None => false,
            };
            Ok(shift(&mut aggregate.expr, by_ms)? | param)
        }
        Expr::Binary(binary) => {
            let lhs = shift(&mut binary.lhs, by_ms)?;
            Ok(shift(&mut binary.rhs, by_ms)? | lhs)
        }
        Expr::Unary(unary) => shift(&mut unary.expr, by_ms),
        Expr::Paren(paren) => shift(&mut paren.expr, by_ms),
    })
}

fn shift_at(at: &mut Option<AtModifier>, by_ms: i64) -> bool {
    match at {
        Some(AtModifier::Timestamp(ms)) => {
            *ms = ms.saturating_add(by_ms);
            true
        }
        _ => false,
    }
}

/// Refuses functions whose values are times.
fn check(call: &Call) -> Result<(), ShiftError> {
    let function = call.function;
    let gives_time = match function.kind {
        Kind::Nullary(NullaryFunction::Pi | NullaryFunction::Range | NullaryFunction::Step) => {
            false
        }
        Kind::Nullary(_) | Kind::StartTimestamp => true,
        // Parts of a date take the time where the argument is missing;
        // `timestamp` always does.
        Kind::Elementwise(_) if function.uses_eval_time => {
            call.args.is_empty() || function.min_args() > 0
        }
        Kind::Window(_) => function.name.starts_with("ts_of_"),
        _ => false,
    };
    match gives_time {
        true => Err(ShiftError::Function(function.name)),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn times_are_shifted() {
        for (query, want) in [
            ("sum(x) # as it is", "sum(x) # as it is"),
            ("x @ 10 + y", "x @ 3610.000 + y"),
            (
                "rate(x[5m] @ 0 offset 1m)",
                "rate(x[5m] @ 3600.000 offset 1m)",
            ),
            (
                "max_over_time(x[5m:1m] @ 60)",
                "max_over_time(x[5m:1m] @ 3660.000)",
            ),
            (
                "topk(scalar(a @ 1), x @ end())",
                "topk(scalar(a @ 3601.000), x @ end())",
            ),
            (
                "hour(x) + pi() + predict_linear(y[5m], 60)",
                "hour(x) + pi() + predict_linear(y[5m], 60)",
            ),
            ("no query ((", "no query (("),
        ] {
            assert_eq!(shifted(query, HOUR).as_deref(), Ok(want));
            assert_eq!(shifted(query, 0).as_deref(), Ok(query));
        }
    }

    #[test]
    fn what_gives_times_is_refused() {
        for (query, reason) in [
            ("-time()", "time() depends on the absolute time"),
            ("timestamp(x)", "timestamp() depends on the absolute time"),
            (
                "sum(x > bool hour())",
                "hour() depends on the absolute time",
            ),
            ("vector(start())", "start() depends on the absolute time"),
            (
                "ts_of_max_over_time(x[5m])",
                "ts_of_max_over_time() depends on the absolute time",
            ),
            (
                "sum_over_time(x[5m:7s])",
                "the shift is no multiple of the step of a subquery, 7000 ms",
            ),
            (
                "sum_over_time(x[5m:step()])",
                "the step of a subquery is an expression",
            ),
        ] {
            let error = shifted(query, HOUR).unwrap_err();
            assert_eq!(error.to_string(), reason);
            assert!(shifted(query, 0).is_ok());
        }
        assert!(shifted("sum_over_time(x[5m:])", 30_000).is_err());
    }
}
