//! Go's regular expression syntax.
//!
//! The grammar is that of Go's `regexp/syntax` with its Perl flags, in the
//! version that Prometheus uses. It differs from that of Rust's crates in many
//! small ways: `\d` is ASCII, `[a&&b]` and `[[a]b]` are plain classes, `a{` and
//! `a{,2}` are literals, `\Q..\E` quotes; `a**` and `x{1001}` are refused. So a
//! pattern is parsed here ([`parse`]) into a small tree of its own ([`Ast`]),
//! which is classified ([`crate::class`]) or translated into `regex-syntax`'s
//! intermediate form ([`translate`]), from which automata are built.
//!
//! Unicode classes and case folding are those of Unicode 15.0, as in Go.

mod ast;
mod brackets;
mod error;
mod escape;
mod parser;
pub(crate) mod tables;
pub(crate) mod translate;

pub(crate) use ast::Ast;
pub use error::{RegexError, RegexErrorKind};

/// A parsed pattern.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) ast: Ast,
    /// The names of the groups, from group 1 on; names may repeat.
    pub(crate) groups: Vec<Option<Box<str>>>,
}

/// Where a pattern stands. Prometheus parses the two with different versions
/// of Go's syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// In a matcher: `.` matches a newline.
    Matcher,
    /// In `label_replace`: Unicode classes have looser names.
    Replacer,
}

/// Parses a pattern.
pub(crate) fn parse(pattern: &str, dialect: Dialect) -> Result<Parsed, RegexError> {
    parser::Parser::new(pattern, dialect).parse()
}

#[cfg(test)]
mod tests;
