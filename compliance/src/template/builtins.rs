//! The functions that Go's `text/template` has itself.

use std::sync::Arc;

use super::call::{CallError, Called, Environment, text};
use super::escape;
use super::printf as fmt;
use super::value::Value;

type Env<'a> = &'a dyn Environment;

/// What a value is compared as.
#[derive(Clone, Copy, PartialEq)]
enum Basic<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
}

impl<'a> Basic<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Basic::Bool(*value),
            Value::Int(n) | Value::Int64(n) | Value::Named(_, _, n) => Basic::Int(*n),
            Value::Float(value) => Basic::Float(*value),
            Value::Text(text) | Value::Html(text) => Basic::Text(text),
            _ => return None,
        })
    }

    fn same_kind(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

fn incompatible(a: &Value, b: &Value) -> CallError {
    let (a, b) = (a.type_name(), b.type_name());
    CallError::new(format!("incompatible types for comparison: {a} and {b}"))
}

fn equal(a: &Value, b: &Value) -> Result<bool, CallError> {
    let nothing = |value: &Value| matches!(value, Value::Nothing);
    match (Basic::of(a), Basic::of(b)) {
        (Some(x), Some(y)) if x.same_kind(y) => Ok(x == y),
        (None, None) if nothing(a) || nothing(b) => Ok(nothing(a) && nothing(b)),
        (None, None) => match (a, b) {
            // Pointers are compared as such, so two results never are equal.
            (Value::Sample(a), Value::Sample(b)) => Ok(Arc::ptr_eq(a, b)),
            (Value::Histogram(a), Value::Histogram(b)) => Ok(Arc::ptr_eq(a, b)),
            (Value::Time(_) | Value::Duration(_), Value::Time(_) | Value::Duration(_)) => Ok(false),
            _ => {
                let (text, name) = (fmt::plain(b), b.type_name());
                Err(CallError::new(format!(
                    "non-comparable type {text}: {name}"
                )))
            }
        },
        _ if nothing(a) || nothing(b) => Ok(false),
        _ => Err(incompatible(a, b)),
    }
}

fn less(a: &Value, b: &Value) -> Result<bool, CallError> {
    let bad = || CallError::new("invalid type for comparison");
    let x = Basic::of(a).ok_or_else(bad)?;
    let y = Basic::of(b).ok_or_else(bad)?;
    match (x, y) {
        (Basic::Int(x), Basic::Int(y)) => Ok(x < y),
        (Basic::Float(x), Basic::Float(y)) => Ok(x < y),
        (Basic::Text(x), Basic::Text(y)) => Ok(x < y),
        (Basic::Bool(_), Basic::Bool(_)) => Err(bad()),
        _ => Err(incompatible(a, b)),
    }
}

pub(super) fn not(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::Bool(!values[0].truth()))
}

pub(super) fn eq(values: &[Value], _: Env<'_>) -> Called {
    let [first, others @ ..] = values else {
        return Err(CallError::new("missing argument for comparison"));
    };
    if others.is_empty() {
        return Err(CallError::new("missing argument for comparison"));
    }
    for other in others {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn ne(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::Bool(!equal(&values[0], &values[1])?))
}

pub(super) fn lt(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::Bool(less(&values[0], &values[1])?))
}

fn less_or_equal(a: &Value, b: &Value) -> Result<bool, CallError> {
    Ok(less(a, b)? || equal(a, b)?)
}

pub(super) fn le(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::Bool(less_or_equal(&values[0], &values[1])?))
}

pub(super) fn gt(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::Bool(!less_or_equal(&values[0], &values[1])?))
}

pub(super) fn ge(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::Bool(!less(&values[0], &values[1])?))
}

/// The type behind pointers.
fn target_type(value: &Value) -> &'static str {
    value.type_name().trim_start_matches('*')
}

pub(super) fn len(values: &[Value], _: Env<'_>) -> Called {
    let length = match &values[0] {
        Value::Text(text) | Value::Html(text) => text.len(),
        Value::Labels(labels) => labels.len(),
        Value::Map(map) => map.len(),
        Value::Samples(samples) => samples.len(),
        Value::Nothing => {
            let why = "reflect: call of reflect.Value.Type on zero Value";
            return Err(CallError::new(why));
        }
        other => {
            return Err(CallError::new(format!(
                "len of type {}",
                target_type(other)
            )));
        }
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// An index as a number up to `most`.
fn index_number(index: &Value, most: usize) -> Result<usize, CallError> {
    let n = match index {
        Value::Int(n) | Value::Int64(n) | Value::Named(_, _, n) => *n,
        Value::Nothing => return Err(CallError::new("cannot index slice/array with nil")),
        other => {
            let name = other.type_name();
            return Err(CallError::new(format!(
                "cannot index slice/array with type {name}"
            )));
        }
    };
    usize::try_from(n)
        .ok()
        .filter(|n| *n <= most)
        .ok_or_else(|| CallError::new(format!("index out of range: {n}")))
}

fn key(index: &Value) -> Result<&str, CallError> {
    match index {
        Value::Text(text) => Ok(text),
        Value::Nothing => Err(CallError::new("value is nil; should be of type string")),
        other => {
            let name = other.type_name();
            Err(CallError::new(format!(
                "value has type {name}; should be string"
            )))
        }
    }
}

pub(super) fn index(values: &[Value], _: Env<'_>) -> Called {
    let [item, indexes @ ..] = values else {
        return Ok(Value::Nothing);
    };
    let mut item = item.clone();
    if matches!(item, Value::Nothing) {
        return Err(CallError::new("index of untyped nil"));
    }
    for index in indexes {
        item = match &item {
            Value::Labels(labels) => {
                Value::text(labels.get(key(index)?).map_or("", String::as_str))
            }
            Value::Map(map) => map.get(key(index)?).cloned().unwrap_or(Value::Nothing),
            Value::Samples(samples) => {
                let at = index_number(index, samples.len())?;
                let found = samples.get(at).cloned();
                let found =
                    found.ok_or_else(|| CallError::new("reflect: slice index out of range"))?;
                Value::Sample(found)
            }
            Value::Text(text) => {
                let at = index_number(index, text.len())?;
                let found = text.as_bytes().get(at);
                let found =
                    found.ok_or_else(|| CallError::new("reflect: string index out of range"))?;
                Value::Int(i64::from(*found))
            }
            Value::Nothing => return Err(CallError::new("index of nil pointer")),
            other => {
                let name = target_type(other);
                return Err(CallError::new(format!("can't index item of type {name}")));
            }
        };
    }
    Ok(item)
}

pub(super) fn slice(values: &[Value], _: Env<'_>) -> Called {
    let [item, indexes @ ..] = values else {
        return Ok(Value::Nothing);
    };
    if indexes.len() > 3 {
        let count = indexes.len();
        return Err(CallError::new(format!("too many slice indexes: {count}")));
    }
    let length = match item {
        Value::Nothing => return Err(CallError::new("slice of untyped nil")),
        Value::Text(_) if indexes.len() == 3 => {
            return Err(CallError::new("cannot 3-index slice a string"));
        }
        Value::Text(text) => text.len(),
        Value::Samples(samples) => samples.len(),
        other => {
            let name = target_type(other);
            return Err(CallError::new(format!("can't slice item of type {name}")));
        }
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = index_number(index, length)?;
    }
    let [from, to, most] = bounds;
    for (a, b) in [(from, to), (to, most)] {
        if a > b {
            return Err(CallError::new(format!("invalid slice index: {a} > {b}")));
        }
    }
    match item {
        Value::Samples(samples) => Ok(Value::Samples(samples[from..to].into())),
        Value::Text(text) => match text.get(from..to) {
            Some(part) => Ok(Value::text(part)),
            None => Err(CallError::Unsupported(
                "a slice of a string that cuts a character".into(),
            )),
        },
        _ => Ok(Value::Nothing),
    }
}

pub(super) fn print(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(fmt::print(values)))
}

pub(super) fn printf(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(fmt::printf(text(values, 0), &values[1..])))
}

pub(super) fn println(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(fmt::println(values)))
}

pub(super) fn html(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(escape::html(&joined(values))))
}

pub(super) fn js(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(escape::js(&joined(values))))
}

pub(super) fn urlquery(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(escape::url_query(&joined(values))))
}

/// The arguments of an escaping function as one text.
fn joined(values: &[Value]) -> String {
    let printable = |value: &Value| match value {
        Value::Nothing => Value::text("<no value>"),
        value => value.clone(),
    };
    let values: Vec<Value> = values.iter().map(printable).collect();
    fmt::print(&values)
}
