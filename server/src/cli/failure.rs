//! Failures of a command: the message and the exit code.

use std::process::ExitCode;

use quarrel_engine::QueryError;

use crate::limits;

/// The exit code after Ctrl-C, as in shells.
const INTERRUPTED: u8 = 130;

/// The exit code of a comparison that could not be made.
const UNASKED: u8 = 2;

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

    /// What was to be asked could not be: exit code 2.
    pub(super) fn unasked(message: impl std::fmt::Display) -> Self {
        Failure {
            code: UNASKED,
            ..Failure::new(message)
        }
    }

    /// The same of a failure that has a message, whatever it was.
    pub(super) fn into_unasked(mut self) -> Self {
        if self.code == 1 && !self.message.is_empty() {
            self.code = UNASKED;
        }
        self
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
        if let QueryError::Parse(error) = error {
            return Failure::parse(text, error);
        }
        let mut message = limits::text(error);
        if let Some(span) = error.span() {
            message.push('\n');
            message.push_str(&span.excerpt(text));
        }
        Failure::new(message)
    }

    /// The same for a text that was only parsed.
    pub(super) fn parse(text: &str, error: &quarrel_planner::ParseError) -> Self {
        Failure::new(error.render(text))
    }

    pub(super) fn report(self) -> ExitCode {
        if !self.message.is_empty() {
            eprintln!("error: {}", self.message);
        }
        ExitCode::from(self.code)
    }
}
