//! A query to ask, and where it comes from.

use std::collections::HashSet;
use std::fmt;

use quarrel_engine::QueryTimes;

/// A query to ask, and what is known of it before it is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// PromQL.
    pub query: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The times at which it is asked; `None` leaves them to who asks.
    pub times: Option<QueryTimes>,
    /// What its answers must be.
    pub expected: Expected,
}

/// What the answers to a query must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Expected {
    /// Equal on both endpoints, errors included.
    #[default]
    Equal,
    /// Errors on both.
    Failure,
    /// Any data on both; it is not compared.
    Success,
}

/// The source of a query: its file, and the place there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// A file's path, or what else the source is called.
    pub source: String,
    /// The place there, such as `line 12` or `panel "CPU"`; empty if there is
    /// only one.
    pub place: String,
}

impl Case {
    /// A query whose answers must be equal, at times that who asks chooses.
    pub fn new(query: impl Into<String>, origin: Origin) -> Self {
        Case {
            query: query.into(),
            origin,
            times: None,
            expected: Expected::default(),
        }
    }
}

impl Origin {
    /// A place in a source.
    pub fn new(source: impl Into<String>, place: impl Into<String>) -> Self {
        Origin {
            source: source.into(),
            place: place.into(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if !self.place.is_empty() {
            write!(f, ", {}", self.place)?;
        }
        Ok(())
    }
}

/// Drops cases that ask what an earlier one asks; a query log has the same
/// query many times. Returns how many were dropped.
pub fn dedup(cases: &mut Vec<Case>) -> usize {
    let before = cases.len();
    let mut seen = HashSet::new();
    cases.retain(|case| seen.insert((case.query.clone(), case.times, case.expected)));
    before - cases.len()
}
