//! Label matchers: `name="value"`, `!=`, `=~`, `!~`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::regex::Regex;
use crate::syntax::RegexError;

/// The operator of a matcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Debug)]
pub struct Matcher {
    op: MatchOp,
    name: Arc<str>,
    value: Arc<str>,
    regex: Option<Regex>,
}

impl Matcher {
    /// A matcher.
    ///
    /// # Errors
    /// When the pattern of a regular expression is refused.
    pub fn new(op: MatchOp, name: &str, value: &str) -> Result<Self, RegexError> {
        let regex = match op {
            MatchOp::Regex | MatchOp::NotRegex => Some(Regex::new(value)?),
            MatchOp::Equal | MatchOp::NotEqual => None,
        };
        Ok(Matcher {
            op,
            name: name.into(),
            value: value.into(),
            regex,
        })
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

    /// The pattern, if it is one.
    pub fn regex(&self) -> Option<&Regex> {
        self.regex.as_ref()
    }

    /// Whether the operator is `!=` or `!~`.
    pub fn is_negated(&self) -> bool {
        matches!(self.op, MatchOp::NotEqual | MatchOp::NotRegex)
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

    #[test]
    fn the_four_operators() {
        let m = |op, value| Matcher::new(op, "l", value).unwrap();
        assert!(m(MatchOp::Equal, "a").matches("a"));
        assert!(!m(MatchOp::NotEqual, "a").matches("a"));
        assert!(m(MatchOp::NotEqual, "a").matches_empty());
        assert!(m(MatchOp::Regex, "a|b").matches("b"));
        assert!(!m(MatchOp::Regex, "a").matches("ab"), "anchored");
        assert!(m(MatchOp::NotRegex, "a.+").matches("a"));
        assert!(m(MatchOp::Regex, "a.b").matches("a\nb"));
        assert!(Matcher::new(MatchOp::Regex, "l", "a**").is_err());
    }
}
