//! Go's regular expression syntax, parsed into `regex-syntax`'s HIR.
//!
//! The grammar is that of Go's `regexp/syntax` with its Perl flags, see
//! <https://pkg.go.dev/regexp/syntax>. It differs from Rust's in many small
//! ways: `\d` is ASCII, `[a&&b]` and `[[a]b]` are plain classes, `a{` and
//! `a{,2}` are literals, `\Q..\E` quotes; `a**` and `x{1001}` are refused.

mod class;
mod parser;

use regex_syntax::hir::Hir;

/// Why a pattern is refused, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {kind}: `{fragment}`")]
pub struct RegexError {
    /// What was wrong, such as `missing closing )`.
    pub kind: &'static str,
    /// The part of the pattern that was wrong.
    pub fragment: String,
}

/// How a pattern is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// `.` matches a newline.
    pub dot_all: bool,
    /// `.*` and `.+` become "any bytes": the same on valid UTF-8, and only so
    /// an automaton has a state that accepts everything. Not for captures,
    /// since a lazy `.+?` would cut a character.
    pub any_byte: bool,
}

/// A parsed pattern.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The intermediate form, without anchors around.
    pub hir: Hir,
    /// The names of the groups, from group 1 on.
    pub groups: Vec<Option<String>>,
}

/// Parses a pattern.
///
/// # Errors
/// What Go refuses, in its words.
pub fn parse(pattern: &str, options: Options) -> Result<Parsed, RegexError> {
    parser::Parser::new(pattern, options).parse()
}
