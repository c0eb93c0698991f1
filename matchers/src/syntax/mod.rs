//! Go's regular expression syntax.
//!
//! The grammar is that of Go's `regexp/syntax` with its Perl flags, in the
//! version that Prometheus uses. It differs from that of Rust's crates in many
//! details: `\d` is ASCII, `[a&&b]` and `[[a]b]` are plain classes, `a{` and
//! `a{,2}` are literals, `\Q..\E` quotes; `a**` and `x{1001}` are refused. So
//! [`parse`] parses a pattern into a tree ([`Ast`]), which is classified
//! ([`crate::class`]) or translated to the intermediate form of `regex-syntax`
//! ([`translate`]), from which automata are built.
//!
//! Unicode classes and case folding are those of Unicode 15.0, as in Go.

mod ast;
mod brackets;
mod charclass;
mod dialect;
mod error;
mod escape;
mod parser;
pub(crate) mod tables;
pub(crate) mod translate;

pub(crate) use ast::{Ast, Parsed};
pub(crate) use charclass::{CharClass, ClassBuilder};
pub(crate) use dialect::Dialect;
pub use error::{RegexError, RegexErrorKind};

/// Parses a pattern.
pub(crate) fn parse(pattern: &str, dialect: Dialect) -> Result<Parsed, RegexError> {
    parser::Parser::new(pattern, dialect).parse()
}

#[cfg(test)]
mod tests;
