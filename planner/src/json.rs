//! The tree as JSON, as `/api/v1/parse_query` gives it.

use quarrel_functions::fmt::format_f;
use serde_json::{Value, json};

use crate::ast::*;
use crate::with_stack;

/// The tree of an expression.
pub fn to_json(expr: &Expr) -> Value {
    with_stack(|| match expr {
        Expr::Number(literal) => json!({"type": "numberLiteral", "val": format_f(literal.value)}),
        Expr::String(literal) => json!({"type": "stringLiteral", "val": literal.value}),
        Expr::VectorSelector(selector) => {
            let mut value = selector_json(selector);
            value["type"] = "vectorSelector".into();
            value
        }
        Expr::MatrixSelector(matrix) => {
            let mut value = selector_json(&matrix.selector);
            value["type"] = "matrixSelector".into();
            value["range"] = milliseconds(&matrix.range);
            value["rangeExpr"] = computed(&matrix.range);
            value
        }
        Expr::Subquery(subquery) => {
            let zero = DurationValue::ZERO;
            let step = subquery.step.as_ref().unwrap_or(&zero);
            json!({
                "type": "subquery",
                "expr": to_json(&subquery.expr),
                "range": milliseconds(&subquery.range),
                "rangeExpr": computed(&subquery.range),
                "offset": milliseconds(&subquery.offset),
                "offsetExpr": computed(&subquery.offset),
                "step": milliseconds(step),
                "stepExpr": computed(step),
                "timestamp": timestamp(subquery.at),
                "startOrEnd": start_or_end(subquery.at),
            })
        }
        Expr::Call(call) => {
            let f = call.function;
            json!({
                "type": "call",
                "func": {
                    "name": f.name,
                    "argTypes": f.args.iter().map(|t| t.name()).collect::<Vec<_>>(),
                    "variadic": f.variadic,
                    "returnType": f.returns.name(),
                },
                "args": call.args.iter().map(to_json).collect::<Vec<_>>(),
            })
        }
        Expr::Aggregate(a) => json!({
            "type": "aggregation",
            "op": a.op.name(),
            "expr": to_json(&a.expr),
            "param": a.param.as_ref().map(to_json),
            "grouping": a.grouping,
            "without": a.without,
        }),
        Expr::Binary(b) => json!({
            "type": "binaryExpr",
            "op": b.op.symbol(),
            "lhs": to_json(&b.lhs),
            "rhs": to_json(&b.rhs),
            "matching": b.matching.as_ref().map(|m| json!({
                "card": m.card.name(),
                "labels": m.labels,
                "on": m.on,
                "include": m.include,
                "fillValues": {"lhs": number(m.fill_left), "rhs": number(m.fill_right)},
            })),
            "bool": b.return_bool,
        }),
        Expr::Unary(u) => {
            json!({"type": "unaryExpr", "op": if u.minus { "-" } else { "+" }, "expr": to_json(&u.expr)})
        }
        Expr::Paren(p) => json!({"type": "parenExpr", "expr": to_json(&p.expr)}),
    })
}

/// A number as Go's JSON writes it: no fraction where there is none.
fn number(value: Option<f64>) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Some(v) if v.fract() == 0.0 && v.abs() < EXACT => (v as i64).into(),
        v => v.into(),
    }
}

fn selector_json(selector: &VectorSelector) -> Value {
    let matchers: Vec<Value> = selector
        .matchers
        .iter()
        .map(|m| json!({"name": m.name(), "value": m.value(), "type": m.op().to_string()}))
        .collect();
    json!({
        "name": selector.name.as_deref().unwrap_or_default(),
        "offset": milliseconds(&selector.offset),
        "offsetExpr": computed(&selector.offset),
        "matchers": matchers,
        "timestamp": timestamp(selector.at),
        "startOrEnd": start_or_end(selector.at),
        "anchored": selector.anchored,
        "smoothed": selector.smoothed,
    })
}

fn timestamp(at: Option<AtModifier>) -> Option<i64> {
    match at {
        Some(AtModifier::Timestamp(ms)) => Some(ms),
        _ => None,
    }
}

fn start_or_end(at: Option<AtModifier>) -> Option<&'static str> {
    match at {
        Some(AtModifier::Start) => Some("start"),
        Some(AtModifier::End) => Some("end"),
        _ => None,
    }
}

/// 0 for a duration that is still to be computed, as in the reference.
fn milliseconds(duration: &DurationValue) -> Value {
    match duration {
        DurationValue::Known(nanos) => (nanos / 1_000_000).into(),
        DurationValue::Computed(_) => 0.into(),
    }
}

fn computed(duration: &DurationValue) -> Value {
    match duration {
        DurationValue::Known(_) => Value::Null,
        DurationValue::Computed(expr) => duration_json(expr),
    }
}

fn duration_json(expr: &DurationExpr) -> Value {
    with_stack(|| {
        let node = |op: &str, lhs: Value, rhs: Value, wrapped: bool| json!({"type": "durationExpr", "op": op, "lhs": lhs, "rhs": rhs, "wrapped": wrapped});
        match expr {
            DurationExpr::Number(n) => {
                json!({"type": "numberLiteral", "val": format_f(n.value), "duration": n.is_duration})
            }
            DurationExpr::Step(_) => node("step", Value::Null, Value::Null, false),
            DurationExpr::Range(_) => node("range", Value::Null, Value::Null, false),
            DurationExpr::Unary {
                minus: false,
                operand,
                wrapped: true,
                ..
            } if matches!(**operand, DurationExpr::Step(_) | DurationExpr::Range(_)) => {
                // Parentheses around a call, which the reference marks there.
                let mut call = duration_json(operand);
                call["wrapped"] = true.into();
                call
            }
            DurationExpr::Unary {
                minus,
                operand,
                wrapped,
                ..
            } => {
                let op = if *minus { "-" } else { "+" };
                node(op, Value::Null, duration_json(operand), *wrapped)
            }
            DurationExpr::Binary {
                op,
                lhs,
                rhs,
                wrapped,
                ..
            } => {
                let op = match op {
                    DurationOp::Add => "+",
                    DurationOp::Sub => "-",
                    DurationOp::Mul => "*",
                    DurationOp::Div => "/",
                    DurationOp::Mod => "%",
                    DurationOp::Pow => "^",
                    DurationOp::Min => "min_of",
                    DurationOp::Max => "max_of",
                };
                node(op, duration_json(lhs), duration_json(rhs), *wrapped)
            }
        }
    })
}
