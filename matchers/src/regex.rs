//! An anchored regular expression, classified and compiled.

use std::sync::{Arc, OnceLock};

use memchr::memmem;
use regex_automata::dfa::dense;
use regex_automata::nfa::thompson;
use regex_automata::{Anchored, Input, MatchKind, meta};
use regex_syntax::hir::{Hir, Look};

use crate::class::Class;
use crate::syntax::{Options, RegexError, parse};

/// Bounds of the NFA and of the work to determinize it, bytes: ordinary
/// patterns need a tenth, and one that needs more would take long to build.
const NFA_LIMIT: usize = 1 << 20;
const DFA_LIMIT: usize = 1 << 20;
/// The cache of the lazy automaton for patterns above those bounds, bytes.
const LAZY_CACHE: usize = 4 << 20;
/// The NFA of the largest pattern that is taken at all, bytes.
const MAX_NFA: usize = 64 << 20;

/// A regular expression with Go's syntax that has to match a whole value;
/// `.` matches a newline too. Cheap to clone.
#[derive(Clone)]
pub struct Regex {
    inner: Arc<Inner>,
}

struct Inner {
    pattern: String,
    class: Class,
    finder: Option<memmem::Finder<'static>>,
    hir: Hir,
    matcher: OnceLock<meta::Regex>,
    dense: OnceLock<Option<Box<dense::DFA<Vec<u32>>>>>,
}

impl std::fmt::Debug for Regex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Regex({:?}, {})",
            self.inner.pattern,
            self.inner.class.name()
        )
    }
}

impl Regex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When Go would refuse it, or when its automaton would be too large.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let parsed = parse(
            pattern,
            Options {
                dot_all: true,
                any_byte: true,
            },
        )?;
        let class = Class::of(&parsed.hir);
        let finder = match &class {
            Class::Contains { literal, .. } => Some(memmem::Finder::new(literal).into_owned()),
            _ => None,
        };
        let hir = Hir::concat(vec![
            Hir::look(Look::Start),
            parsed.hir,
            Hir::look(Look::End),
        ]);
        let regex = Regex {
            inner: Arc::new(Inner {
                pattern: pattern.to_string(),
                class,
                finder,
                hir,
                matcher: OnceLock::new(),
                dense: OnceLock::new(),
            }),
        };
        if regex.inner.class == Class::General {
            let matcher = build_matcher(&regex.inner.hir).ok_or_else(|| RegexError {
                kind: "expression too large",
                fragment: pattern.to_string(),
            })?;
            let _ = regex.inner.matcher.set(matcher);
        }
        Ok(regex)
    }

    /// The pattern as it was given.
    pub fn pattern(&self) -> &str {
        &self.inner.pattern
    }

    /// What the pattern really is.
    pub fn class(&self) -> &Class {
        &self.inner.class
    }

    /// The searcher of a `contains` pattern.
    pub(crate) fn finder(&self) -> Option<&memmem::Finder<'static>> {
        self.inner.finder.as_ref()
    }

    /// Whether the whole value matches.
    pub fn is_match(&self, value: &[u8]) -> bool {
        match &self.inner.class {
            Class::Equal(literal) => value == literal,
            Class::Set(set) => set.binary_search_by(|l| l.as_slice().cmp(value)).is_ok(),
            Class::Any => true,
            Class::NonEmpty => !value.is_empty(),
            Class::Prefix { literal, more } => {
                value.len() >= literal.len() + more && value.starts_with(literal)
            }
            Class::Suffix { literal, more } => {
                value.len() >= literal.len() + more && value.ends_with(literal)
            }
            Class::Contains { before, after, .. } => {
                value.len() >= before + after
                    && self
                        .inner
                        .finder
                        .as_ref()
                        .is_some_and(|f| f.find(&value[*before..value.len() - after]).is_some())
            }
            Class::General => self
                .inner
                .matcher
                .get()
                .is_some_and(|m| m.is_match(Input::new(value))),
        }
    }

    /// The full automaton of a general pattern, if it is small enough.
    pub(crate) fn dense(&self) -> Option<&dense::DFA<Vec<u32>>> {
        self.inner
            .dense
            .get_or_init(|| build_dense(&self.inner.hir).map(Box::new))
            .as_deref()
    }
}

fn build_matcher(hir: &Hir) -> Option<meta::Regex> {
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(MAX_NFA))
        .onepass(false)
        .hybrid_cache_capacity(LAZY_CACHE)
        .dfa_size_limit(Some(DFA_LIMIT))
        .match_kind(MatchKind::LeftmostFirst);
    meta::Builder::new()
        .configure(config)
        .build_from_hir(hir)
        .ok()
}

fn build_dense(hir: &Hir) -> Option<dense::DFA<Vec<u32>>> {
    let config = thompson::Config::new()
        .utf8(false)
        .nfa_size_limit(Some(NFA_LIMIT))
        .which_captures(thompson::WhichCaptures::None);
    let nfa = thompson::Compiler::new()
        .configure(config)
        .build_from_hir(hir)
        .ok()?;
    dense::Builder::new()
        .configure(
            dense::Config::new()
                .start_kind(regex_automata::dfa::StartKind::Anchored)
                .match_kind(MatchKind::All)
                .dfa_size_limit(Some(DFA_LIMIT))
                .determinize_size_limit(Some(DFA_LIMIT)),
        )
        .build_from_nfa(&nfa)
        .ok()
}

/// How a search of the full automaton begins.
pub(crate) fn anchored_start() -> regex_automata::util::start::Config {
    regex_automata::util::start::Config::new().anchored(Anchored::Yes)
}
