//! What is wrong with a text, and in which part of it.

use crate::ast::Span;

use super::token::Kind;

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Fault {
    /// Prometheus's range.
    pub span: Span,
    /// What is marked for people.
    pub mark: Span,
    pub message: String,
    /// What may help; Prometheus says nothing of it.
    pub hint: Option<String>,
}

impl Fault {
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Fault {
            span,
            mark: span,
            message: message.into(),
            hint: None,
        }
    }

    pub fn with_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }
}

/// A step of reading, which ends at the first fault.
pub(super) type Step<T> = Result<T, Fault>;

/// Which part was read when a token was not expected, and what was expected; as
/// far as Prometheus says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub part: &'static str,
    pub expected: &'static str,
}

impl Context {
    pub const fn new(part: &'static str, expected: &'static str) -> Self {
        Context { part, expected }
    }

    /// What may help where `found` was not expected.
    pub fn hint(self, found: Kind) -> Option<&'static str> {
        match (self.expected, found) {
            ("string", _) => Some("values of labels stand in quotes"),
            ("", Kind::Equal) => Some("values are compared by `==`"),
            _ => None,
        }
    }
}

/// A fault at a place.
pub(super) fn fault<T>(span: Span, message: impl Into<String>) -> Step<T> {
    Err(Fault::new(span, message))
}
