//! Errors of query texts: not PromQL, or not to be planned.

use std::fmt;

use crate::ast::Span;

/// A query text that is not PromQL, or not well typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    message: String,
    span: Span,
    line: usize,
    column: usize,
    /// The line of the query that is wrong.
    text: String,
    /// Whether there is no text at all, and so no place in it.
    nowhere: bool,
}

impl std::error::Error for ParseError {}

impl ParseError {
    pub(crate) fn new(query: &str, span: Span, message: impl Into<String>) -> Self {
        let at = (span.start as usize).min(query.len());
        let (line, column) = position(query, span);
        let line_start = at + 1 - column;
        let line_end = query.as_bytes()[at..]
            .iter()
            .position(|&b| b == b'\n')
            .map_or(query.len(), |i| at + i);
        ParseError {
            nowhere: query.is_empty(),
            message: message.into(),
            span,
            line,
            column,
            text: query
                .get(line_start..line_end)
                .unwrap_or_default()
                .to_string(),
        }
    }

    /// What was wrong, and what was expected, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where in the query, bytes.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Line from 1, and column from 1 in bytes.
    pub fn position(&self) -> (usize, usize) {
        (self.line, self.column)
    }

    /// The line of the query with a caret under the place.
    pub fn excerpt(&self) -> String {
        const AROUND: usize = 60;
        let at = self.column - 1;
        let from = (0..=at.saturating_sub(AROUND))
            .rev()
            .find(|&i| self.text.is_char_boundary(i));
        let from = from.unwrap_or(0);
        let to = (at + AROUND).min(self.text.len());
        let to = (to..=self.text.len()).find(|&i| self.text.is_char_boundary(i));
        let shown = &self.text[from..to.unwrap_or(self.text.len())];
        let indent = self.text.get(from..at).map_or(0, |t| t.chars().count());
        format!("{shown}\n{}^", " ".repeat(indent))
    }
}

/// Where a span begins: line from 1, and column from 1 in bytes.
pub(crate) fn position(query: &str, span: Span) -> (usize, usize) {
    let at = (span.start as usize).min(query.len());
    let before = &query.as_bytes()[..at];
    let line_start = before
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |i| i + 1);
    (
        before.iter().filter(|&&b| b == b'\n').count() + 1,
        at - line_start + 1,
    )
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
