//! Anchored regular expressions: classified, and compiled where needed.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::automaton::{Ladder, with_stack};
use crate::budget::RegexBudget;
use crate::class::Class;
use crate::searcher::Searcher;
use crate::syntax::{Dialect, RegexError, RegexErrorKind, parse};

/// A regular expression in Go's syntax that has to match a whole value; `.`
/// matches a newline, too. Cheap to clone; threads match concurrently without
/// locks.
///
/// A new one is parsed and classified, which costs time and memory in proportion
/// to its text. What matching needs beyond that is built at the first match,
/// within a [`RegexBudget`].
///
/// Values that are not UTF-8 are no error, but it is unspecified whether `.` and
/// classes match their invalid bytes.
#[derive(Clone)]
pub struct Regex {
    parsed: Arc<Parsed>,
    built: Arc<Built>,
}

struct Parsed {
    pattern: Box<str>,
    class: Class,
}

/// What is built at the first use.
struct Built {
    /// Searches for the literals of a `contains`, or for the required literal.
    searcher: OnceLock<Searcher>,
    /// For classes that may need an automaton.
    automata: Option<Ladder>,
    budget: RegexBudget,
}

impl Built {
    fn new(automata: Option<Ladder>, budget: RegexBudget) -> Arc<Self> {
        Arc::new(Built {
            searcher: OnceLock::new(),
            automata,
            budget,
        })
    }
}

/// The searcher that matching a class needs.
fn searcher_of(class: &Class, budget: &RegexBudget) -> Searcher {
    match class {
        Class::Contains { literals, .. } => Searcher::of(literals, budget),
        Class::General {
            required: Some(required),
        } => Searcher::one(required),
        Class::Fold {
            literal,
            before: Some(_),
            after: Some(_),
        } => Searcher::of(&literal.spellings(), budget),
        _ => Searcher::nothing(),
    }
}

impl Regex {
    /// Parses a pattern, with a default budget of its own.
    ///
    /// # Errors
    /// When Go refuses it.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        Regex::new_within(pattern, &RegexBudget::default())
    }

    /// Parses a pattern, to match within a budget that others share.
    ///
    /// # Errors
    /// When Go refuses it.
    pub fn new_within(pattern: &str, budget: &RegexBudget) -> Result<Self, RegexError> {
        let (class, ast) = match Class::of_plain(pattern) {
            Some(class) => (class, None),
            None => {
                let ast = parse(pattern, Dialect::Matcher)?.ast;
                (with_stack(|| Class::of(&ast, pattern.len())), Some(ast))
            }
        };
        let needs_automaton = matches!(
            class,
            Class::General { .. } | Class::Fold { before: None, .. }
        );
        let ast = ast.filter(|_| needs_automaton);
        let automata = ast.map(|ast| Ladder::new(ast, budget));
        Ok(Regex {
            parsed: Arc::new(Parsed {
                pattern: pattern.into(),
                class,
            }),
            built: Built::new(automata, budget.clone()),
        })
    }

    /// Parses a pattern that may not be UTF-8.
    ///
    /// # Errors
    /// As [`Regex::new`], and when it is not UTF-8.
    pub fn from_bytes(pattern: &[u8]) -> Result<Self, RegexError> {
        match std::str::from_utf8(pattern) {
            Ok(pattern) => Regex::new(pattern),
            Err(_) => Err(RegexError::new(
                RegexErrorKind::InvalidUtf8,
                String::from_utf8_lossy(pattern),
            )),
        }
    }

    /// The pattern as given.
    pub fn pattern(&self) -> &str {
        &self.parsed.pattern
    }

    /// The class of the pattern.
    pub fn class(&self) -> &Class {
        &self.parsed.class
    }

    pub(crate) fn searcher(&self) -> &Searcher {
        let build = || searcher_of(self.class(), &self.built.budget);
        self.built.searcher.get_or_init(build)
    }

    /// The automata. `None` for a class that needs none.
    pub(crate) fn automata(&self) -> Option<&Ladder> {
        self.built.automata.as_ref()
    }

    /// Whether the whole value matches.
    pub fn is_match(&self, value: &[u8]) -> bool {
        match self.class() {
            Class::Nothing => false,
            Class::Any => true,
            Class::NonEmpty => !value.is_empty(),
            Class::Equal(literal) => **literal == *value,
            Class::Set(set) => set.contains(value),
            Class::Prefix { literals, more } => literals.begins(value, *more),
            Class::Suffix { literals, more } => literals.ends(value, *more),
            Class::Contains { before, after, .. } => {
                inside(value, *before, *after).is_some_and(|v| self.searcher().find(v).is_some())
            }
            Class::Fold { .. } => self.fold_matches(value),
            Class::General { .. } => self.automata().is_some_and(|a| a.is_match(value)),
        }
    }

    fn fold_matches(&self, value: &[u8]) -> bool {
        let Class::Fold {
            literal,
            before,
            after,
        } = self.class()
        else {
            return false;
        };
        match (before, after) {
            (None, None) => literal.begins(value) == Some(value.len()),
            (None, Some(after)) => literal
                .begins(value)
                .is_some_and(|len| value.len() >= len + after),
            (Some(before), None) => literal
                .ends(value)
                .is_some_and(|len| value.len() >= len + before),
            (Some(before), Some(after)) => literal
                .find(self.searcher(), value, *before, *after)
                .is_some(),
        }
    }
}

/// The value without the fewest bytes of gaps.
#[inline]
pub(crate) fn inside(value: &[u8], before: usize, after: usize) -> Option<&[u8]> {
    value.get(before..value.len().checked_sub(after)?)
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Regex({:?}, {})", self.pattern(), self.class())
    }
}

#[cfg(test)]
#[path = "regex_tests.rs"]
mod tests;
