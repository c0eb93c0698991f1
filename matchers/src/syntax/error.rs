//! Why a pattern is refused.

use std::fmt;

/// A pattern that is refused, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {kind}: `{fragment}`")]
pub struct RegexError {
    /// What was wrong.
    pub kind: RegexErrorKind,
    /// The part of the pattern that was wrong.
    pub fragment: String,
}

impl RegexError {
    pub(crate) fn new(kind: RegexErrorKind, fragment: impl Into<String>) -> Self {
        RegexError {
            kind,
            fragment: fragment.into(),
        }
    }
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegexErrorKind {
    /// A class or range that does not exist, such as `[b-a]` or `\p{Nope}`.
    InvalidCharRange,
    /// A backslash before something that it has no meaning with.
    InvalidEscape,
    /// `(?P<name>` without end or with other than word characters.
    InvalidNamedCapture,
    /// `(?` and then something unknown, look-around for one.
    InvalidPerlOp,
    /// Stacked repetition, such as `a**`.
    InvalidRepeatOp,
    /// A repetition above 1,000, also as a product of nested ones.
    InvalidRepeatSize,
    /// The pattern is not UTF-8.
    InvalidUtf8,
    /// `[` without `]`.
    MissingBracket,
    /// `(` without `)`.
    MissingParen,
    /// A repetition of nothing.
    MissingRepeatArgument,
    /// A backslash at the very end.
    TrailingBackslash,
    /// `)` without `(`.
    UnexpectedParen,
    /// The tree is more than 1,000 levels high.
    NestingDepth,
    /// The compiled form would be too large.
    TooLarge,
}

impl fmt::Display for RegexErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RegexErrorKind::InvalidCharRange => "invalid character class range",
            RegexErrorKind::InvalidEscape => "invalid escape sequence",
            RegexErrorKind::InvalidNamedCapture => "invalid named capture",
            RegexErrorKind::InvalidPerlOp => "invalid or unsupported Perl syntax",
            RegexErrorKind::InvalidRepeatOp => "invalid nested repetition operator",
            RegexErrorKind::InvalidRepeatSize => "invalid repeat count",
            RegexErrorKind::InvalidUtf8 => "invalid UTF-8",
            RegexErrorKind::MissingBracket => "missing closing ]",
            RegexErrorKind::MissingParen => "missing closing )",
            RegexErrorKind::MissingRepeatArgument => "missing argument to repetition operator",
            RegexErrorKind::TrailingBackslash => "trailing backslash at end of expression",
            RegexErrorKind::UnexpectedParen => "unexpected )",
            RegexErrorKind::NestingDepth => "expression nests too deeply",
            RegexErrorKind::TooLarge => "expression too large",
        })
    }
}
