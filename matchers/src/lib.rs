//! Label matchers and the regular expressions behind them.
//!
//! Regular expressions have Go's syntax (RE2), not that of Rust's `regex`
//! crate. A pattern is parsed, and then classified ([`Class`]): most are sets
//! of literals, prefixes, suffixes or substrings, which need no automaton.
//! [`resolve()`] finds the matching ranges of a sorted dictionary without
//! looking at every value where that can be helped. [`Replacer`] is the other
//! use of patterns in PromQL, that of `label_replace`.

mod automaton;
mod class;
mod literals;
mod matcher;
mod quote;
mod regex;
mod replacer;
mod resolve;
mod syntax;

pub use class::Class;
pub use literals::{FoldLiteral, LiteralSet, SuffixSet};
pub use matcher::{MatchOp, Matcher};
pub use quote::quote;
pub use regex::Regex;
pub use replacer::Replacer;
pub use resolve::{Contiguous, SortedValues, Strategy, resolve};
pub use syntax::{RegexError, RegexErrorKind};
