//! The regular expressions of `label_replace`: groups and templates.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::budget::RegexBudget;
use crate::syntax::{Ast, Dialect, RegexError, parse};

mod engine;
mod template;

use engine::Engine;
pub(crate) use template::{Piece, group_number, pieces};

/// A pattern whose groups fill in templates, as in PromQL's `label_replace`.
/// Cheap to clone; threads may share it.
///
/// As in Prometheus it is the text `^(?s:PATTERN)$`, so a pattern such as
/// `a)|(b` is valid.
///
/// A new one is parsed, which costs time and memory in proportion to its text.
/// What matching needs beyond that is built at the first match, within a
/// [`RegexBudget`].
///
/// # Examples
/// ```
/// use quarrel_matchers::Replacer;
///
/// let replacer = Replacer::new("(.*):(?P<port>[0-9]+)")?;
/// let port = replacer.replace("localhost:9090", "$1 at ${port}");
/// assert_eq!(port.as_deref(), Some("localhost at 9090"));
/// assert_eq!(replacer.replace("localhost", "$1"), None);
/// # Ok::<(), quarrel_matchers::RegexError>(())
/// ```
#[derive(Clone)]
pub struct Replacer {
    inner: Arc<Inner>,
}

struct Inner {
    pattern: Box<str>,
    ast: Ast,
    /// The names of the groups, from group 1 on; names may repeat.
    groups: Vec<Option<Box<str>>>,
    budget: RegexBudget,
    engine: OnceLock<Engine>,
}

/// A replacement that is longer than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("replacement of {bytes} bytes exceeds the limit of {limit}")]
pub struct TooLong {
    /// The length of the replacement, bytes.
    pub bytes: usize,
    /// The limit, bytes.
    pub limit: usize,
}

impl Replacer {
    /// Parses `^(?s:pattern)$`, with a default budget of its own.
    ///
    /// # Errors
    /// When Go refuses it, with an error about the whole text.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        Replacer::new_within(pattern, &RegexBudget::default())
    }

    /// Parses `^(?s:pattern)$`, to match within a budget that others share.
    ///
    /// # Errors
    /// As [`Replacer::new`].
    pub fn new_within(pattern: &str, budget: &RegexBudget) -> Result<Self, RegexError> {
        let parsed = parse(&format!("^(?s:{pattern})$"), Dialect::Replacer)?;
        Ok(Replacer {
            inner: Arc::new(Inner {
                pattern: pattern.into(),
                ast: parsed.ast,
                groups: parsed.groups,
                budget: budget.clone(),
                engine: OnceLock::new(),
            }),
        })
    }

    /// The pattern as given.
    pub fn pattern(&self) -> &str {
        &self.inner.pattern
    }

    /// The byte ranges of the whole match (the first one) and of all groups;
    /// `None` if `text` does not match.
    pub fn groups(&self, text: &str) -> Option<Vec<Option<Range<usize>>>> {
        let all: Vec<usize> = (0..=self.inner.groups.len()).collect();
        let found = self.engine().find(text, &all)?;
        Some(all.iter().map(|&group| found.get(group)).collect())
    }

    /// If `text` matches, the template with `$1`, `${1}`, `$name`, `${name}`
    /// and `$$` filled in. A group without a match is empty.
    ///
    /// The result may be as long as the product of the two texts' lengths; see
    /// [`Replacer::replace_within`].
    pub fn replace(&self, text: &str, template: &str) -> Option<String> {
        self.replace_within(text, template, usize::MAX)
            .unwrap_or_default()
    }

    /// As [`Replacer::replace`], if the result has at most `max_bytes`. Its length
    /// is known before any of it is written.
    ///
    /// # Errors
    /// When the result is longer.
    pub fn replace_within(
        &self,
        text: &str,
        template: &str,
        max_bytes: usize,
    ) -> Result<Option<String>, TooLong> {
        let wanted = self.referenced(template);
        let Some(found) = self.engine().find(text, &wanted) else {
            return Ok(None);
        };
        let filled = || {
            pieces(template).map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Reference(name) => self
                    .candidates(name)
                    .find_map(|group| found.get(group))
                    .map_or("", |range| &text[range]),
            })
        };
        let bytes = filled().fold(0, |sum: usize, part| sum.saturating_add(part.len()));
        if bytes > max_bytes {
            let limit = max_bytes;
            return Err(TooLong { bytes, limit });
        }
        let mut out = String::with_capacity(bytes);
        filled().for_each(|part| out.push_str(part));
        Ok(Some(out))
    }

    fn engine(&self) -> &Engine {
        let inner = &self.inner;
        let build = || Engine::of(&inner.ast, inner.groups.len(), &inner.budget);
        inner.engine.get_or_init(build)
    }

    /// The groups that a template refers to, ascending.
    fn referenced(&self, template: &str) -> Vec<usize> {
        let names = pieces(template).filter_map(|piece| match piece {
            Piece::Reference(name) => Some(name),
            Piece::Text(_) => None,
        });
        let mut groups: Vec<usize> = names.flat_map(|name| self.candidates(name)).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// The group of a number, or all groups of a name: the first with a match
    /// counts.
    fn candidates(&self, name: &str) -> impl Iterator<Item = usize> {
        let groups = &self.inner.groups;
        let number = group_number(name);
        let numbered = number.filter(|&group| group <= groups.len());
        let named = groups.iter().enumerate();
        let named =
            named.filter(move |(_, group)| number.is_none() && group.as_deref() == Some(name));
        numbered.into_iter().chain(named.map(|(i, _)| i + 1))
    }
}

impl fmt::Debug for Replacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replacer({:?})", self.inner.pattern)
    }
}

#[cfg(test)]
#[path = "replacer_tests.rs"]
mod tests;
