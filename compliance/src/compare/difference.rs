//! What differs.

use std::fmt;

use crate::answer::Row;

/// The kinds of differences, most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// No connection, or it broke.
    Connection,
    /// No complete answer in time.
    Timeout,
    /// An answer that is none of the HTTP API.
    Unreadable,
    /// One failed, the other did not; or both succeeded where both should fail.
    Error,
    /// Both failed, with different types of errors.
    ErrorType,
    /// A vector against a matrix and the like.
    ResultType,
    /// Rows that have the same samples under other labels.
    Labels,
    /// Series that the reference has and the test has not.
    MissingSeries,
    /// Series that the test has and the reference has not.
    ExtraSeries,
    /// Samples that the reference has and the test has not.
    MissingSamples,
    /// Samples that the test has and the reference has not.
    ExtraSamples,
    /// Floats, or texts, that are not equal.
    Value,
    /// Native histograms that are not equal.
    Histogram,
    /// Rows in another order, where one is promised.
    Order,
    /// Warnings.
    Warnings,
    /// Infos.
    Infos,
    /// Numbers of samples of steps.
    Statistics,
    /// Texts of errors.
    ErrorText,
}

impl Kind {
    /// All kinds, most severe first.
    pub const ALL: [Kind; 18] = [
        Kind::Connection,
        Kind::Timeout,
        Kind::Unreadable,
        Kind::Error,
        Kind::ErrorType,
        Kind::ResultType,
        Kind::Labels,
        Kind::MissingSeries,
        Kind::ExtraSeries,
        Kind::MissingSamples,
        Kind::ExtraSamples,
        Kind::Value,
        Kind::Histogram,
        Kind::Order,
        Kind::Warnings,
        Kind::Infos,
        Kind::Statistics,
        Kind::ErrorText,
    ];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Connection => "connection",
            Kind::Timeout => "timeout",
            Kind::Unreadable => "unreadable",
            Kind::Error => "error",
            Kind::ErrorType => "error type",
            Kind::ResultType => "result type",
            Kind::Labels => "labels",
            Kind::MissingSeries => "missing series",
            Kind::ExtraSeries => "extra series",
            Kind::MissingSamples => "missing samples",
            Kind::ExtraSamples => "extra samples",
            Kind::Value => "value",
            Kind::Histogram => "histogram",
            Kind::Order => "order",
            Kind::Warnings => "warnings",
            Kind::Infos => "infos",
            Kind::Statistics => "statistics",
            Kind::ErrorText => "error text",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// All differences of one kind between two answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Their kind.
    pub kind: Kind,
    /// How many rows, samples or texts differ so.
    pub count: usize,
    /// The first of them, in words: what the reference has, what the test.
    pub text: String,
    /// The time of the first of them, milliseconds.
    pub at: Option<i64>,
    /// The series of the first of them, as the two have it.
    pub rows: Option<Box<Sides>>,
}

/// A series in both answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Sides {
    /// As the reference has it.
    pub reference: Option<Row>,
    /// As the test has it.
    pub test: Option<Row>,
}

/// Bytes of a text that are kept: a server may send as much as it likes, and a
/// report keeps all of them.
const LONGEST: usize = 4 << 10;

/// A text of bounded length.
pub(super) fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push_str("...");
    }
    text
}

impl Difference {
    /// One difference without a time.
    pub(super) fn one(kind: Kind, text: impl Into<String>) -> Self {
        Difference {
            kind,
            count: 1,
            text: cut(text.into()),
            at: None,
            rows: None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.text)?;
        match self.count {
            0 | 1 => Ok(()),
            count => write!(f, " (and {} more)", count - 1),
        }
    }
}
