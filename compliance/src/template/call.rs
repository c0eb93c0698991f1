//! What functions of templates take and give.

use std::sync::Arc;

use super::value::{Sample, Value};

/// What surrounds a template: the queries that it asks, its time, and the
/// server's address.
pub trait Environment {
    /// The answer to a query at the time of the template.
    ///
    /// # Errors
    /// When the query fails, with the words of the failure.
    fn query(&self, query: &str) -> Result<Vec<Arc<Sample>>, String>;

    /// The time, ms since the epoch.
    fn now_ms(&self) -> i64;

    /// The server's address. Without one the functions that ask for it fail, as
    /// in `promtool`.
    fn server_url(&self) -> Option<&str>;
}

/// Why a function fails.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CallError {
    /// As in Go.
    Failed(String),
    /// It needs something that is not there.
    Unsupported(String),
}

impl CallError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        CallError::Failed(message.into())
    }

    /// What Go says of a pointer to nothing.
    pub(super) fn nil() -> Self {
        CallError::new("runtime error: invalid memory address or nil pointer dereference")
    }
}

/// What a call gives.
pub(super) type Called = Result<Value, CallError>;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Param {
    /// Any value.
    Any,
    /// `string`
    Text,
    /// `template.queryResult`
    Samples,
    /// `*template.sample`
    Sample,
}

impl Param {
    /// The name of the type in Go.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Param::Any => "interface {}",
            Param::Text => "string",
            Param::Samples => "template.queryResult",
            Param::Sample => "*template.sample",
        }
    }
}

/// A function.
#[derive(Clone, Copy)]
pub(super) struct Function {
    /// Parameters that a call has to give.
    pub(super) fixed: &'static [Param],
    /// The type of further ones, if there may be any.
    pub(super) more: Option<Param>,
    /// What it does with arguments of these types.
    pub(super) run: fn(&[Value], &dyn Environment) -> Called,
}

/// The text of an argument.
pub(super) fn text(values: &[Value], index: usize) -> &str {
    match values.get(index) {
        Some(Value::Text(text) | Value::Html(text)) => text,
        _ => "",
    }
}
