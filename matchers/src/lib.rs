//! Label matchers and the regular expressions behind them.
//!
//! Regular expressions have Go's syntax (RE2), not that of Rust's `regex`
//! crate; [`syntax`] parses it into the same intermediate form. A matcher is
//! classified first ([`Class`]): most are sets of literals, prefixes, suffixes
//! or substrings, which need no automaton. [`resolve()`] finds the matching
//! ranges of a sorted dictionary without looking at every value.

pub mod class;
pub mod expand;
pub mod matcher;
pub mod regex;
pub mod resolve;
pub mod syntax;

pub use class::Class;
pub use matcher::{MatchOp, Matcher};
pub use regex::Regex;
pub use resolve::{DictionaryStrategy, SortedValues, resolve};
pub use syntax::RegexError;
