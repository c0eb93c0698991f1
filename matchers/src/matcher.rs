//! Label matchers: `name="value"`, `!=`, `=~`, `!~`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::budget::RegexBudget;
use crate::quote::write_quoted;
use crate::regex::Regex;
use crate::syntax::RegexError;

/// The operator of a matcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// Whether the operator is `!=` or `!~`.
    pub fn is_negated(self) -> bool {
        matches!(self, MatchOp::NotEqual | MatchOp::NotRegex)
    }

    /// The operator with the opposite meaning.
    pub fn inverse(self) -> MatchOp {
        match self {
            MatchOp::Equal => MatchOp::NotEqual,
            MatchOp::NotEqual => MatchOp::Equal,
            MatchOp::Regex => MatchOp::NotRegex,
            MatchOp::NotRegex => MatchOp::Regex,
        }
    }
}

impl fmt::Display for MatchOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Regex => "=~",
            MatchOp::NotRegex => "!~",
        })
    }
}

/// A condition on one label. A label that a series lacks has the empty value.
/// Cheap to clone.
///
/// # Examples
/// ```
/// use quarrel_matchers::{MatchOp, Matcher};
///
/// let matcher = Matcher::new(MatchOp::Regex, "job", "api|web.*")?;
/// assert!(matcher.matches("web-2"));
/// assert!(!matcher.matches("my-api"));
/// assert_eq!(matcher.to_string(), r#"job=~"api|web.*""#);
/// # Ok::<(), quarrel_matchers::RegexError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Matcher {
    op: MatchOp,
    name: Arc<str>,
    value: Arc<str>,
    regex: Option<Regex>,
}

impl Matcher {
    /// A matcher, whose regular expression has a default budget of its own.
    ///
    /// # Errors
    /// When Go refuses the regular expression.
    pub fn new(op: MatchOp, name: &str, value: &str) -> Result<Self, RegexError> {
        Matcher::with_regex(op, name, value, Regex::new)
    }

    /// A matcher, whose regular expression matches within a budget that others
    /// share.
    ///
    /// # Errors
    /// As [`Matcher::new`].
    pub fn new_within(
        op: MatchOp,
        name: &str,
        value: &str,
        budget: &RegexBudget,
    ) -> Result<Self, RegexError> {
        Matcher::with_regex(op, name, value, |text| Regex::new_within(text, budget))
    }

    fn with_regex(
        op: MatchOp,
        name: &str,
        value: &str,
        regex: impl FnOnce(&str) -> Result<Regex, RegexError>,
    ) -> Result<Self, RegexError> {
        let regex = match op {
            MatchOp::Regex | MatchOp::NotRegex => Some(regex(value)?),
            MatchOp::Equal | MatchOp::NotEqual => None,
        };
        Ok(Matcher {
            op,
            name: name.into(),
            value: value.into(),
            regex,
        })
    }

    /// The matcher with the opposite result for every value.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Matcher {
            op: self.op.inverse(),
            ..self.clone()
        }
    }

    /// The operator.
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// The label's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value or pattern.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The regular expression of `=~` and `!~`.
    pub fn regex(&self) -> Option<&Regex> {
        self.regex.as_ref()
    }

    /// Whether the operator is `!=` or `!~`.
    pub fn is_negated(&self) -> bool {
        self.op.is_negated()
    }

    /// Whether a value satisfies the condition.
    pub fn matches(&self, value: &str) -> bool {
        self.matches_bytes(value.as_bytes())
    }

    /// Whether a value, which need not be UTF-8, satisfies the condition.
    pub fn matches_bytes(&self, value: &[u8]) -> bool {
        let positive = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => self.value.as_bytes() == value,
        };
        positive != self.is_negated()
    }

    /// Whether a series without the label satisfies the condition.
    pub fn matches_empty(&self) -> bool {
        self.matches_bytes(b"")
    }
}

/// Prints the matcher as Prometheus does: `name=~"value"`, with a name in quotes
/// if it is not a legacy label name.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let plain = self.name.bytes().all(word)
            && !self.name.is_empty()
            && !self.name.starts_with(|c: char| c.is_ascii_digit());
        if plain {
            f.write_str(&self.name)?;
        } else {
            write_quoted(f, &self.name)?;
        }
        write!(f, "{}", self.op)?;
        write_quoted(f, &self.value)
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.op == other.op && self.name == other.name && self.value == other.value
    }
}

impl Eq for Matcher {}

impl Hash for Matcher {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.op, &self.name, &self.value).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(op: MatchOp, value: &str) -> Matcher {
        Matcher::new(op, "l", value).unwrap()
    }

    #[test]
    fn the_four_operators() {
        assert!(matcher(MatchOp::Equal, "a").matches("a"));
        assert!(!matcher(MatchOp::NotEqual, "a").matches("a"));
        assert!(matcher(MatchOp::NotEqual, "a").matches_empty());
        assert!(matcher(MatchOp::Regex, "a|b").matches("b"));
        assert!(!matcher(MatchOp::Regex, "a").matches("ab"), "anchored");
        assert!(matcher(MatchOp::NotRegex, "a.+").matches("a"));
        assert!(matcher(MatchOp::Regex, "a.b").matches("a\nb"));
        assert!(Matcher::new(MatchOp::Regex, "l", "a**").is_err());
        assert!(Matcher::new(MatchOp::Equal, "l", "a**").is_ok());
    }

    #[test]
    fn the_inverse_gives_the_opposite_result() {
        for op in [
            MatchOp::Equal,
            MatchOp::NotEqual,
            MatchOp::Regex,
            MatchOp::NotRegex,
        ] {
            let m = matcher(op, "a.*");
            for value in ["", "a", "ab", "a.*", "b"] {
                assert_ne!(m.matches(value), m.inverse().matches(value));
            }
            assert_eq!(m.inverse().inverse(), m);
            assert_ne!(m.inverse(), m);
        }
    }

    #[test]
    fn prints_as_prometheus() {
        let print = |op, name, value| Matcher::new(op, name, value).unwrap().to_string();
        assert_eq!(print(MatchOp::Equal, "job", "a\"b\n"), r#"job="a\"b\n""#);
        assert_eq!(print(MatchOp::NotRegex, "_a1", r"\d+"), r#"_a1!~"\\d+""#);
        assert_eq!(print(MatchOp::NotEqual, "a.b", ""), r#""a.b"!="""#);
        assert_eq!(print(MatchOp::Regex, "1a", "x"), r#""1a"=~"x""#);
        assert_eq!(print(MatchOp::Equal, "", "ü"), r#"""="ü""#);
        assert_eq!(print(MatchOp::Equal, "ü\"", "x"), r#""ü\""="x""#);
    }
}
