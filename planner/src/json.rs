//! The tree as JSON, as `/api/v1/parse_query` gives it.

use quarrel_functions::fmt::format_f;
use quarrel_functions::table::Function;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::ast::*;
use crate::with_stack;

/// A tree as JSON. It may be deep: dropping and serializing it are safe for
/// any depth; who walks through the value needs as much stack as it is deep.
#[derive(Debug, PartialEq)]
pub struct JsonTree(Value);

impl std::ops::Deref for JsonTree {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Drop for JsonTree {
    fn drop(&mut self) {
        let mut rest = vec![self.0.take()];
        while let Some(value) = rest.pop() {
            match value {
                Value::Array(items) => rest.extend(items),
                Value::Object(fields) => rest.extend(fields.into_iter().map(|(_, value)| value)),
                _ => {}
            }
        }
    }
}

/// Stack that serializing one level takes, bytes (measured in a debug build:
/// about 1 KiB).
const STACK_A_LEVEL: usize = 4 * 1024;

impl Serialize for JsonTree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let needed = (depth(&self.0) + 8) * STACK_A_LEVEL;
        stacker::maybe_grow(needed, needed + STACK_A_LEVEL, || {
            self.0.serialize(serializer)
        })
    }
}

/// How many values stand in each other.
fn depth(value: &Value) -> usize {
    let (mut rest, mut deepest) = (vec![(value, 1)], 0);
    while let Some((value, depth)) = rest.pop() {
        deepest = deepest.max(depth);
        match value {
            Value::Array(items) => rest.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(fields) => rest.extend(fields.values().map(|field| (field, depth + 1))),
            _ => {}
        }
    }
    deepest
}

/// The tree of an expression.
pub fn to_json(expr: &Expr) -> JsonTree {
    JsonTree(expr_json(expr))
}

/// An object. (`json!` would copy the values, all of a deep tree at each level.)
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields
        .into_iter()
        .map(|(name, value)| (name.to_string(), value));
    Value::Object(fields.collect())
}

fn node<const N: usize>(kind: &str, fields: [(&str, Value); N]) -> Value {
    let mut node = object(fields);
    node["type"] = kind.into();
    node
}

fn expr_json(expr: &Expr) -> Value {
    with_stack(|| match expr {
        Expr::Number(literal) => node("numberLiteral", [("val", format_f(literal.value).into())]),
        Expr::String(literal) => node("stringLiteral", [("val", literal.value.as_str().into())]),
        Expr::VectorSelector(selector) => selector_json("vectorSelector", selector),
        Expr::MatrixSelector(matrix) => {
            let mut value = selector_json("matrixSelector", &matrix.selector);
            value["range"] = milliseconds(&matrix.range);
            value["rangeExpr"] = computed(&matrix.range);
            value
        }
        Expr::Subquery(subquery) => subquery_json(subquery),
        Expr::Call(call) => node(
            "call",
            [
                ("func", function_json(call.function)),
                ("args", call.args.iter().map(expr_json).collect()),
            ],
        ),
        Expr::Aggregate(a) => node(
            "aggregation",
            [
                ("op", a.op.name.into()),
                ("expr", expr_json(&a.expr)),
                ("param", a.param.as_ref().map(expr_json).into()),
                ("grouping", a.grouping.clone().into()),
                ("without", a.without.into()),
            ],
        ),
        Expr::Binary(b) => node(
            "binaryExpr",
            [
                ("op", b.op.symbol().into()),
                ("lhs", expr_json(&b.lhs)),
                ("rhs", expr_json(&b.rhs)),
                ("matching", b.matching.as_ref().map(matching_json).into()),
                ("bool", b.return_bool.into()),
            ],
        ),
        Expr::Unary(u) => {
            let op = if u.minus { "-" } else { "+" };
            node(
                "unaryExpr",
                [("op", op.into()), ("expr", expr_json(&u.expr))],
            )
        }
        Expr::Paren(p) => node("parenExpr", [("expr", expr_json(&p.expr))]),
    })
}

fn function_json(function: &Function) -> Value {
    object([
        ("name", function.name.into()),
        ("argTypes", function.args.iter().map(|t| t.name()).collect()),
        ("variadic", function.variadic.into()),
        ("returnType", function.returns.name().into()),
    ])
}

fn matching_json(matching: &VectorMatching) -> Value {
    let fill = object([
        ("lhs", number(matching.fill_left)),
        ("rhs", number(matching.fill_right)),
    ]);
    object([
        ("card", matching.card.name().into()),
        ("labels", matching.labels.clone().into()),
        ("on", matching.on.into()),
        ("include", matching.include.clone().into()),
        ("fillValues", fill),
    ])
}

/// A number as Go's JSON writes it: no fraction where there is none.
fn number(value: Option<f64>) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Some(v) if v.fract() == 0.0 && v.abs() < EXACT => (v as i64).into(),
        v => v.into(),
    }
}

fn subquery_json(subquery: &Subquery) -> Value {
    let step = subquery.step.as_ref().unwrap_or(&DurationValue::ZERO);
    node(
        "subquery",
        [
            ("expr", expr_json(&subquery.expr)),
            ("range", milliseconds(&subquery.range)),
            ("rangeExpr", computed(&subquery.range)),
            ("offset", milliseconds(&subquery.offset)),
            ("offsetExpr", computed(&subquery.offset)),
            ("step", milliseconds(step)),
            ("stepExpr", computed(step)),
            ("timestamp", timestamp(subquery.at)),
            ("startOrEnd", start_or_end(subquery.at)),
        ],
    )
}

fn selector_json(kind: &str, selector: &VectorSelector) -> Value {
    let matchers = selector.matchers.iter().map(|m| {
        object([
            ("name", m.name().into()),
            ("value", m.value().into()),
            ("type", m.op().to_string().into()),
        ])
    });
    node(
        kind,
        [
            ("name", selector.name.as_deref().unwrap_or_default().into()),
            ("offset", milliseconds(&selector.offset)),
            ("offsetExpr", computed(&selector.offset)),
            ("matchers", matchers.collect()),
            ("timestamp", timestamp(selector.at)),
            ("startOrEnd", start_or_end(selector.at)),
            ("anchored", selector.anchored.into()),
            ("smoothed", selector.smoothed.into()),
        ],
    )
}

fn timestamp(at: Option<AtModifier>) -> Value {
    match at {
        Some(AtModifier::Timestamp(ms)) => ms.into(),
        _ => Value::Null,
    }
}

fn start_or_end(at: Option<AtModifier>) -> Value {
    match at {
        Some(AtModifier::Start) => "start".into(),
        Some(AtModifier::End) => "end".into(),
        _ => Value::Null,
    }
}

/// 0 for a duration that is still to be computed, as in Prometheus.
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
    let duration = |op: &str, lhs: Value, rhs: Value, wrapped: bool| {
        let op = ("op", op.into());
        let wrapped = ("wrapped", wrapped.into());
        node("durationExpr", [op, ("lhs", lhs), ("rhs", rhs), wrapped])
    };
    with_stack(|| match expr {
        DurationExpr::Number(n) => {
            let value = ("val", format_f(n.value).into());
            node("numberLiteral", [value, ("duration", n.is_duration.into())])
        }
        DurationExpr::Step(_) => duration("step", Value::Null, Value::Null, false),
        DurationExpr::Range(_) => duration("range", Value::Null, Value::Null, false),
        DurationExpr::Unary {
            minus: false,
            operand,
            wrapped: true,
            ..
        } if matches!(**operand, DurationExpr::Step(_) | DurationExpr::Range(_)) => {
            // Parentheses around a call, which Prometheus marks there.
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
            duration(op, Value::Null, duration_json(operand), *wrapped)
        }
        DurationExpr::Binary {
            op,
            lhs,
            rhs,
            wrapped,
            ..
        } => {
            let (lhs, rhs) = (duration_json(lhs), duration_json(rhs));
            duration(op.name(), lhs, rhs, *wrapped)
        }
    })
}
