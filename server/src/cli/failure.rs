//! Failures of a command: the message and the exit code.

use std::process::ExitCode;

use quarrel_engine::QueryError;
use quarrel_planner::ast::Span;

use crate::limits;

/// The exit code after Ctrl-C, as in shells.
const INTERRUPTED: u8 = 130;

/// How a command ends.
pub(super) type Outcome = std::result::Result<(), Failure>;

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    pub(super) fn new(message: impl std::fmt::Display) -> Self {
        Failure {
            message: message.to_string(),
            code: 1,
        }
    }

    /// A failure that was printed already.
    pub(super) fn silent() -> Self {
        Failure {
            message: String::new(),
            code: 1,
        }
    }

    /// Ctrl-C was pressed; no message is printed.
    pub(super) fn interrupted() -> Self {
        Failure {
            message: String::new(),
            code: INTERRUPTED,
        }
    }

    /// A query's error, with its position in the query.
    pub(super) fn query(text: &str, error: &QueryError) -> Self {
        let mut message = limits::text(error);
        if let Some(span) = error.span() {
            message.push('\n');
            message.push_str(&excerpt(text, span));
        }
        Failure::new(message)
    }

    /// The same for a text that was only parsed.
    pub(super) fn parse(text: &str, error: &quarrel_planner::ParseError) -> Self {
        Failure::new(format_args!("{error}\n{}", excerpt(text, error.span())))
    }

    pub(super) fn report(self) -> ExitCode {
        if !self.message.is_empty() {
            eprintln!("error: {}", self.message);
        }
        ExitCode::from(self.code)
    }
}

/// The line of the query at `span` with carets under it, cut to the width of a
/// terminal.
fn excerpt(text: &str, span: Span) -> String {
    const AROUND: usize = 50;
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let start = (span.start as usize).min(text.len());
    let at = chars.partition_point(|(i, _)| *i < start);
    let line_start = chars[..at]
        .iter()
        .rposition(|(_, c)| *c == '\n')
        .map_or(0, |i| i + 1);
    let line_end = chars[at..]
        .iter()
        .position(|(_, c)| *c == '\n')
        .map_or(chars.len(), |i| at + i);
    let end = chars
        .partition_point(|(i, _)| *i < span.end as usize)
        .clamp(at, line_end);
    let from = line_start.max(at.saturating_sub(AROUND));
    let to = line_end.min(end.max(at) + AROUND);
    // A character that is not printable takes one column.
    let shown: String = chars[from..to]
        .iter()
        .map(|&(_, c)| if c.is_control() { ' ' } else { c })
        .collect();
    let (before, after) = (
        if from > line_start { "..." } else { "" },
        if to < line_end { "..." } else { "" },
    );
    let marks = "^".repeat(end.saturating_sub(at).clamp(1, 2 * AROUND));
    let indent = " ".repeat(before.len() + at - from);
    format!("  {before}{shown}{after}\n  {indent}{marks}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, start: u32, end: u32) -> String {
        format!("\n{}", excerpt(text, Span { start, end }))
    }

    #[test]
    fn the_span_is_marked() {
        assert_eq!(shown("rate(up)", 5, 7), "\n  rate(up)\n       ^^");
        assert_eq!(shown("a +\nü +\tb\n", 10, 10), "\n  ü + b\n       ^");
        assert_eq!(shown("up{", 3, 3), "\n  up{\n     ^");
        assert_eq!(shown("", 0, 0), "\n  \n  ^");
        assert_eq!(shown("up", 700, 900), "\n  up\n    ^");
        let long = shown(&"x".repeat(500), 250, 252);
        assert!(long.lines().all(|line| line.len() < 120), "{long}");
        assert!(long.contains("..."));
    }

    #[test]
    fn no_span_panics() {
        let text = "sü🦀(\n\"a\"\t)";
        for start in 0..20 {
            for end in 0..20 {
                excerpt(text, Span { start, end });
            }
        }
    }
}
