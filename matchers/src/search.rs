//! Regular expressions that match anywhere in a text, and replacement of all
//! matches.

use std::fmt;

use regex_automata::meta;

use crate::automaton::with_stack;
use crate::replacer::{Piece, group_number, pieces};
use crate::syntax::{Dialect, RegexError, RegexErrorKind, parse, translate};

/// Limit of the automaton of a pattern, bytes.
const MAX_NFA: usize = 10 << 20;

/// A pattern of Go's `regexp` package that is looked for in a text, as
/// `regexp.MatchString` and `ReplaceAllString` do.
///
/// Automata are built at once, so this is for patterns that are used a few times
/// in short texts; [`Regex`](crate::Regex) is for matchers.
///
/// # Examples
/// ```
/// use quarrel_matchers::Search;
///
/// let search = Search::new("([a-z]+)([0-9]+)")?;
/// assert!(search.is_match("see node12"));
/// assert_eq!(search.replace_all("node1, node22", "${2}.$1"), "1.node, 22.node");
/// # Ok::<(), quarrel_matchers::RegexError>(())
/// ```
#[derive(Clone)]
pub struct Search {
    pattern: Box<str>,
    regex: meta::Regex,
    /// The names of the groups, from group 1 on.
    groups: Vec<Option<Box<str>>>,
}

impl Search {
    /// Parses a pattern.
    ///
    /// # Errors
    /// When Go refuses it, or its automaton is too large.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let parsed = parse(pattern, Dialect::Replacer)?;
        let config = meta::Config::new().nfa_size_limit(Some(MAX_NFA));
        let built = with_stack(|| {
            let hir = translate::for_captures(&parsed.ast);
            let built = meta::Builder::new().configure(config).build_from_hir(&hir);
            built.map_err(drop)
        });
        let too_large = |()| RegexError::new(RegexErrorKind::TooLarge, pattern);
        Ok(Search {
            pattern: pattern.into(),
            regex: built.map_err(too_large)?,
            groups: parsed.groups,
        })
    }

    /// The pattern as given.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether a part of the text matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The text with all matches replaced by the template, in which `$1`,
    /// `${1}`, `$name`, `${name}` and `$$` are filled in.
    pub fn replace_all(&self, text: &str, template: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for captures in self.regex.captures_iter(text) {
            let Some(whole) = captures.get_match() else {
                continue;
            };
            out.push_str(&text[from..whole.start()]);
            for piece in pieces(template) {
                out.push_str(match piece {
                    Piece::Text(text) => text,
                    Piece::Reference(name) => self
                        .candidates(name)
                        .find_map(|group| captures.get_group(group))
                        .map_or("", |span| &text[span.range()]),
                });
            }
            from = whole.end();
        }
        out.push_str(&text[from..]);
        out
    }

    /// The group of a number, or all groups of a name.
    fn candidates(&self, name: &str) -> impl Iterator<Item = usize> {
        let number = group_number(name);
        let numbered = number.filter(|&group| group <= self.groups.len());
        let named = self.groups.iter().enumerate();
        let named =
            named.filter(move |(_, group)| number.is_none() && group.as_deref() == Some(name));
        numbered.into_iter().chain(named.map(|(i, _)| i + 1))
    }
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Search({:?})", self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(pattern: &str, text: &str, template: &str) -> String {
        Search::new(pattern).unwrap().replace_all(text, template)
    }

    #[test]
    fn all_matches_are_replaced() {
        for (pattern, text, template, want) in [
            ("b*", "abc", "x", "xaxcx"),
            ("^a", "aaa", "b", "baa"),
            ("(?P<n>[0-9])", "a1b2", "<${n}$$>", "a<1$>b<2$>"),
            ("(.)(x)?", "ab", "$2$1", "ab"),
            ("a.b", "a\nb", "x", "a\nb"),
            ("(?s)a.b", "a\nb", "x", "x"),
            ("é", "éé", "e", "ee"),
            (r"\d+", "1٣2", "n", "n٣n"),
        ] {
            assert_eq!(replaced(pattern, text, template), want, "{pattern}");
        }
        assert!(Search::new("x$").unwrap().is_match("ax"));
        assert!(!Search::new("x$").unwrap().is_match("xa"));
        assert!(Search::new("a)|(b").is_err());
        let error = Search::new("(").unwrap_err().to_string();
        assert_eq!(error, "error parsing regexp: missing closing ): `(`");
    }
}
