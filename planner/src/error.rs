//! Errors of query texts: not PromQL, or not to be planned.

use std::fmt;

use crate::ast::Span;

/// A query text that is not PromQL, or not well typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    message: String,
    span: Span,
    /// What is wrong of it, or in it; for people.
    mark: Span,
    line: usize,
    column: usize,
    /// Whether there is no text at all, and so no place in it.
    nowhere: bool,
    hint: Option<String>,
}

impl std::error::Error for ParseError {}

impl ParseError {
    pub(crate) fn new(query: &str, span: Span, message: impl Into<String>) -> Self {
        let (line, column) = span.position(query);
        ParseError {
            nowhere: query.is_empty(),
            message: message.into(),
            span,
            mark: span,
            line,
            column,
            hint: None,
        }
    }

    /// The same error with marks under another place than Prometheus's.
    pub(crate) fn with_mark(mut self, mark: Span) -> Self {
        self.mark = mark;
        self
    }

    /// The same error with what may help, if anything does.
    pub(crate) fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// What was wrong, and what was expected, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What may help, in a sentence of its own; it is no part of the error's
    /// text, which is Prometheus's.
    pub fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    /// Where in the query, bytes: Prometheus's range of positions, which ends at
    /// the end of the text if a character was wrong.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Line from 1, and column from 1 in bytes.
    pub fn position(&self) -> (usize, usize) {
        (self.line, self.column)
    }

    /// The error for a terminal: its text, the line of the query `text` with
    /// marks under the place, and the hint, if there is one.
    pub fn render(&self, text: &str) -> String {
        let hint = self.hint().map(|hint| format!("\nhint: {hint}"));
        format!(
            "{self}\n{}{}",
            self.mark.excerpt(text),
            hint.unwrap_or_default()
        )
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nowhere {
            return write!(f, "unknown position: parse error: {}", self.message);
        }
        write!(
            f,
            "{}:{}: parse error: {}",
            self.line, self.column, self.message
        )
    }
}

/// A query that cannot be planned for the times that are asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A part of the language that is parsed but not evaluated.
    #[error("{line}:{column}: {what} is not supported")]
    Unsupported {
        /// What it is.
        what: String,
        /// Where in the query.
        span: Span,
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in bytes.
        column: usize,
    },
    /// What Prometheus refuses before it evaluates (bad data).
    #[error("{message}")]
    Invalid {
        /// Prometheus's words.
        message: String,
        /// Where in the query.
        span: Span,
    },
    /// What Prometheus refuses while it evaluates, whatever the data
    /// (execution).
    #[error("{message}")]
    Execution {
        /// Prometheus's words.
        message: String,
        /// Where in the query.
        span: Span,
    },
}

impl PlanError {
    /// Where in the query, bytes.
    pub fn span(&self) -> Span {
        match self {
            PlanError::Unsupported { span, .. }
            | PlanError::Invalid { span, .. }
            | PlanError::Execution { span, .. } => *span,
        }
    }
}
