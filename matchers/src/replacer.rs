//! The regular expressions of `label_replace`: groups and templates.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use regex_automata::meta;
use regex_automata::util::captures::Captures;

use crate::automaton::with_stack;
use crate::syntax::{Dialect, RegexError, RegexErrorKind, parse, tables, translate};

/// Largest NFA of a pattern, bytes. Engines that find groups need memory in
/// proportion.
const MAX_NFA: usize = 64 << 20;
/// Size of the lazy automaton's cache, bytes.
const LAZY_CACHE: usize = 4 << 20;

/// A pattern whose groups fill in templates, as in PromQL's `label_replace`.
/// Cheap to clone; threads may share it.
///
/// As in Prometheus it is compiled as the text `^(?s:PATTERN)$`, so a pattern
/// such as `a)|(b` is valid.
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
    regex: meta::Regex,
    pattern: Arc<str>,
    /// The names of the groups, from group 1 on; names may repeat.
    groups: Arc<[Option<Box<str>>]>,
}

/// A replaced text would be longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long")]
pub struct TooLong;

impl Replacer {
    /// Compiles `^(?s:pattern)$`.
    ///
    /// # Errors
    /// When Go refuses it, with an error about the whole text, or when it is too
    /// large.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let whole = format!("^(?s:{pattern})$");
        let parsed = parse(&whole, Dialect::Replacer)?;
        let config = meta::Config::new()
            .nfa_size_limit(Some(MAX_NFA))
            .hybrid_cache_capacity(LAZY_CACHE);
        let regex = with_stack(|| {
            let hir = translate::for_captures(&parsed.ast);
            let regex = meta::Builder::new().configure(config).build_from_hir(&hir);
            regex.ok()
        });
        Ok(Replacer {
            regex: regex.ok_or_else(|| RegexError::new(RegexErrorKind::TooLarge, &whole))?,
            pattern: pattern.into(),
            groups: parsed.groups.into(),
        })
    }

    /// The pattern as given.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The byte ranges of the whole match (the first one) and of all groups;
    /// `None` if `text` does not match.
    pub fn groups(&self, text: &str) -> Option<Vec<Option<Range<usize>>>> {
        let captures = self.captures(text)?;
        let place = |i| captures.get_group(i).map(|span| span.range());
        Some((0..=self.groups.len()).map(place).collect())
    }

    /// If `text` matches, the template with `$1`, `${1}`, `$name`, `${name}`
    /// and `$$` filled in. A group without a match is empty.
    pub fn replace(&self, text: &str, template: &str) -> Option<String> {
        let captures = self.captures(text)?;
        let mut out = String::new();
        self.expand(template, text, &captures, &mut out);
        Some(out)
    }

    /// As [`Replacer::replace`], up to a length.
    ///
    /// # Errors
    /// When the text would have more than `most` bytes.
    pub fn replace_within(
        &self,
        text: &str,
        template: &str,
        most: usize,
    ) -> Result<Option<String>, TooLong> {
        match self.replace(text, template) {
            Some(text) if text.len() > most => Err(TooLong),
            other => Ok(other),
        }
    }

    fn captures(&self, text: &str) -> Option<Captures> {
        let mut captures = self.regex.create_captures();
        self.regex.captures(text, &mut captures);
        captures.is_match().then_some(captures)
    }

    fn expand(&self, template: &str, text: &str, captures: &Captures, out: &mut String) {
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once('$') {
            out.push_str(before);
            rest = behind;
            if let Some(behind) = rest.strip_prefix('$') {
                out.push('$');
                rest = behind;
            } else if let Some((name, behind)) = reference(rest) {
                if let Some(span) = self.resolve(name, captures) {
                    out.push_str(&text[span]);
                }
                rest = behind;
            } else {
                out.push('$'); // not a reference
            }
        }
        out.push_str(rest);
    }

    /// The range of a group by number, or of the first group of a name that has
    /// a match.
    fn resolve(&self, name: &str, captures: &Captures) -> Option<Range<usize>> {
        let place = |i| captures.get_group(i).map(|span| span.range());
        if is_number(name) {
            return place(name.parse().ok()?);
        }
        let named = self.groups.iter().enumerate();
        let mut named = named.filter(|(_, group)| group.as_deref() == Some(name));
        named.find_map(|(i, _)| place(i + 1))
    }
}

/// Whether a reference is a number. In Go it has at most nine digits.
fn is_number(name: &str) -> bool {
    name.len() <= 9
        && name.bytes().all(|b| b.is_ascii_digit())
        && (name.len() == 1 || !name.starts_with('0'))
}

/// The name at the beginning of a reference after its dollar, plain or in braces,
/// and the rest.
fn reference(text: &str) -> Option<(&str, &str)> {
    let body = text.strip_prefix('{');
    let (braced, body) = (body.is_some(), body.unwrap_or(text));
    let end = body.find(|c| !is_name(c)).unwrap_or(body.len());
    let (name, behind) = body.split_at(end);
    if name.is_empty() {
        return None;
    }
    if braced {
        return Some((name, behind.strip_prefix('}')?));
    }
    Some((name, behind))
}

/// Letters, decimal digits, and the underscore.
fn is_name(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    ["L", "Nd"]
        .iter()
        .filter_map(|name| tables::unicode(name))
        .any(|class| tables::contains(&class, c))
}

impl fmt::Debug for Replacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replacer({:?})", self.pattern)
    }
}

#[cfg(test)]
#[path = "replacer_tests.rs"]
mod tests;
