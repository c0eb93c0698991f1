//! What goes wrong with a rule, and what keeps files from being run.

use quarrel_engine::QueryError;
use quarrel_matchers::RegexError;

use super::samples::AskError;
use super::store::WriteError;
use crate::template::TemplateError;

/// Why no file is run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// The engine refuses its options.
    #[error(transparent)]
    Engine(#[from] QueryError),
    /// A pattern of names is none.
    #[error("the pattern of tests to run: {0}")]
    Pattern(#[from] RegexError),
    /// There is no thread or runtime to run them on.
    #[error("no thread to run on: {0}")]
    Thread(#[from] std::io::Error),
}

/// Why a rule gives no samples.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuleError {
    /// Its query fails.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// Two of its series are the same.
    #[error("vector contains metrics with the same labelset after applying rule labels")]
    SameSeries,
    /// Two of its alerts are the same.
    #[error("vector contains metrics with the same labelset after applying alert labels")]
    SameAlerts,
    /// It gives more than its group allows.
    #[error("exceeded limit of {limit} with {count} {what}")]
    Limit {
        /// The limit.
        limit: usize,
        /// How many there are.
        count: usize,
        /// Alerts or series.
        what: &'static str,
    },
    /// A template needs what is not supported.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A sample cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}
