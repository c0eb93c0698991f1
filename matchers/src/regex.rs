//! An anchored regular expression, classified and, if need be, compiled.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, packed};
use memchr::memmem;
use regex_automata::nfa::thompson::NFA;

use crate::automaton::{Automaton, build_nfa, with_stack};
use crate::class::Class;
use crate::literals::LiteralSet;
use crate::syntax::{Ast, Dialect, RegexError, RegexErrorKind, parse, translate};

/// Literals for a vector search. Beyond, its filter lets too much through.
const MAX_FEW: usize = 32;

/// A regular expression with Go's syntax that has to match a whole value;
/// `.` matches a newline too. Cheap to clone, and free of locks where threads
/// match with it at once.
///
/// On values that are not UTF-8 it never fails, but what `.` and classes make
/// of the bytes that are no characters is not specified.
#[derive(Clone)]
pub struct Regex {
    inner: Arc<Inner>,
}

struct Inner {
    pattern: Box<str>,
    class: Class,
    /// Finds the literals of a `contains`, or the required literal.
    searcher: Searcher,
    /// The automaton, built from `source` when it is first needed.
    automaton: OnceLock<Option<Automaton>>,
    source: Source,
}

/// What the automaton is made from. A pattern that always needs one has its
/// NFA made at once, so that one which is too large is refused early.
enum Source {
    Nfa(NFA),
    Ast(Ast),
    /// The class says it all.
    Unneeded,
}

/// Finds literals in text.
pub(crate) enum Searcher {
    Nothing,
    One(Box<memmem::Finder<'static>>),
    /// By vectors.
    Few(Box<packed::Searcher>),
    Many(AhoCorasick),
}

impl Searcher {
    fn new(class: &Class) -> Option<Searcher> {
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

    fn one(literal: &[u8]) -> Searcher {
        Searcher::One(Box::new(memmem::Finder::new(literal).into_owned()))
    }

    fn of(literals: &LiteralSet) -> Option<Searcher> {
        match literals.as_slice() {
            [only] => Some(Searcher::one(only)),
            all => match few(all) {
                Some(searcher) => Some(Searcher::Few(Box::new(searcher))),
                None => AhoCorasick::builder()
                    .prefilter(false)
                    .build(all)
                    .ok()
                    .map(Searcher::Many),
            },
        }
    }

    /// The first literal in `text`, as start and end.
    #[inline]
    pub(crate) fn find(&self, text: &[u8]) -> Option<(usize, usize)> {
        match self {
            Searcher::Nothing => None,
            Searcher::One(finder) => {
                let at = finder.find(text)?;
                Some((at, at + finder.needle().len()))
            }
            Searcher::Few(all) => all.find(text).map(|m| (m.start(), m.end())),
            Searcher::Many(all) => all.find(text).map(|m| (m.start(), m.end())),
        }
    }
}

/// A vector search for a few literals, where the machine has one. It is asked
/// by itself, and the automaton goes without filters, because those that it
/// would choose look for single bytes, of which labels are full.
fn few(literals: &[Box<[u8]>]) -> Option<packed::Searcher> {
    if literals.len() > MAX_FEW {
        return None;
    }
    packed::Config::new().builder().extend(literals).build()
}

impl Regex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When Go would refuse it, or when its automaton would be too large.
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
                let nfa = build_nfa(translate::for_verdicts(&ast));
                Source::Nfa(nfa.ok_or_else(too_large)?)
            }
            (Class::Fold { before: None, .. }, source) => source,
            _ => Source::Unneeded,
        };
        Ok(Regex {
            inner: Arc::new(Inner {
                pattern: pattern.into(),
                searcher: Searcher::new(&class).ok_or_else(too_large)?,
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

    /// The pattern as it was given.
    pub fn pattern(&self) -> &str {
        &self.inner.pattern
    }

    /// What the pattern really is.
    pub fn class(&self) -> &Class {
        &self.inner.class
    }

    pub(crate) fn searcher(&self) -> &Searcher {
        &self.inner.searcher
    }

    /// The automaton; `None` only for a class that can do without and would
    /// have one that is too large.
    pub(crate) fn automaton(&self) -> Option<&Automaton> {
        let build = || {
            let nfa = match &self.inner.source {
                Source::Nfa(nfa) => nfa.clone(),
                Source::Ast(ast) => build_nfa(translate::for_verdicts(ast))?,
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

/// The value without the bytes that gaps need.
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
