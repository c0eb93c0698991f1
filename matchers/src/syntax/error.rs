//! Errors of parsing a pattern.

use std::fmt;

/// An invalid pattern, with the text of Go's error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {kind}: `{fragment}`")]
pub struct RegexError {
    /// The kind of the error.
    pub kind: RegexErrorKind,
    /// The invalid part of the pattern.
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

/// The kinds of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegexErrorKind {
    /// A class or range that does not exist, such as `[b-a]` or `\p{Nope}`.
    InvalidCharRange,
    /// An invalid escape sequence.
    InvalidEscape,
    /// `(?P<name>` without an end or with an invalid name.
    InvalidNamedCapture,
    /// `(?` with unknown syntax, such as look-around.
    InvalidPerlOp,
    /// Stacked repetition, such as `a**`.
    InvalidRepeatOp,
    /// A count above 1,000, also as the product of nested ones.
    InvalidRepeatSize,
    /// The pattern is not UTF-8.
    InvalidUtf8,
    /// `[` without `]`.
    MissingBracket,
    /// `(` without `)`.
    MissingParen,
    /// A repetition without an argument.
    MissingRepeatArgument,
    /// A backslash at the end.
    TrailingBackslash,
    /// `)` without `(`.
    UnexpectedParen,
    /// The tree has more than 1,000 levels.
    NestingDepth,
    /// The compiled form is too large.
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
