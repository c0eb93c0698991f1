//! Anchored regular expressions: classified, and compiled where needed.

use std::fmt;
use std::sync::{Arc, OnceLock};

use regex_automata::nfa::thompson::NFA;

use crate::automaton::{Automaton, build_nfa, with_stack};
use crate::class::Class;
use crate::searcher::Searcher;
use crate::syntax::{Ast, Dialect, RegexError, RegexErrorKind, parse, translate};

/// A regular expression in Go's syntax that has to match a whole value; `.`
/// matches a newline, too. Cheap to clone; threads match concurrently without
/// locks.
///
/// Values that are not UTF-8 are no error, but it is unspecified whether `.` and
/// classes match their invalid bytes.
#[derive(Clone)]
pub struct Regex {
    inner: Arc<Inner>,
}

struct Inner {
    pattern: Box<str>,
    class: Class,
    /// Searches for the literals of a `contains`, or for the required literal.
    searcher: Searcher,
    /// The automaton, built from `source` at its first use.
    automaton: OnceLock<Option<Automaton>>,
    source: Source,
}

/// The source of the automaton. A pattern that always needs an automaton builds
/// its NFA at once, so that a pattern that is too large is refused early.
enum Source {
    Nfa(NFA),
    Ast(Ast),
    /// The class needs no automaton.
    Unneeded,
}

/// The searcher that matching a class needs; `None` if it cannot be built.
fn searcher_of(class: &Class) -> Option<Searcher> {
    Some(match class {
        Class::Contains { literals, .. } => Searcher::of(literals)?,
        Class::General {
            required: Some(required),
        } => Searcher::one(required),
        Class::Fold {
            literal,
            before: Some(_),
            after: Some(_),
        } => Searcher::of(&literal.spellings())?,
        _ => Searcher::Nothing,
    })
}

impl Regex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When Go refuses it, or its automaton is too large.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let too_large = || RegexError::new(RegexErrorKind::TooLarge, pattern);
        let (class, source) = match Class::of_plain(pattern) {
            Some(class) => (class, Source::Unneeded),
            None => {
                let ast = parse(pattern, Dialect::Matcher)?.ast;
                (with_stack(|| Class::of(&ast)), Source::Ast(ast))
            }
        };
        let source = match (&class, source) {
            (Class::General { .. }, Source::Ast(ast)) => {
                let nfa = build_nfa(translate::for_matching(&ast));
                Source::Nfa(nfa.ok_or_else(too_large)?)
            }
            (Class::Fold { before: None, .. }, source) => source,
            _ => Source::Unneeded,
        };
        Ok(Regex {
            inner: Arc::new(Inner {
                pattern: pattern.into(),
                searcher: searcher_of(&class).ok_or_else(too_large)?,
                class,
                automaton: OnceLock::new(),
                source,
            }),
        })
    }

    /// Compiles a pattern that may not be UTF-8.
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
        &self.inner.pattern
    }

    /// The class of the pattern.
    pub fn class(&self) -> &Class {
        &self.inner.class
    }

    pub(crate) fn searcher(&self) -> &Searcher {
        &self.inner.searcher
    }

    /// The automaton. `None` only for a class that does not need it and whose
    /// automaton would be too large.
    pub(crate) fn automaton(&self) -> Option<&Automaton> {
        let build = || {
            let nfa = match &self.inner.source {
                Source::Nfa(nfa) => nfa.clone(),
                Source::Ast(ast) => build_nfa(translate::for_matching(ast))?,
                Source::Unneeded => return None,
            };
            Some(Automaton::new(nfa))
        };
        self.inner.automaton.get_or_init(build).as_ref()
    }

    /// Whether the whole value matches.
    pub fn is_match(&self, value: &[u8]) -> bool {
        match &self.inner.class {
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
            Class::General { .. } => self.automaton().is_some_and(|a| a.is_match(value)),
        }
    }

    fn fold_matches(&self, value: &[u8]) -> bool {
        let Class::Fold {
            literal,
            before,
            after,
        } = &self.inner.class
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
        write!(f, "Regex({:?}, {})", self.inner.pattern, self.inner.class)
    }
}

#[cfg(test)]
#[path = "regex_tests.rs"]
mod tests;
