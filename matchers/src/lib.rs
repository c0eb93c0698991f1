//! Label matchers and the regular expressions behind them.
//!
//! Regular expressions have Go's syntax (RE2), not that of Rust's `regex`
//! crate. A parsed pattern is classified ([`Class`]): most patterns are sets of
//! literals, prefixes, suffixes or substrings, which need no automaton.
//! [`resolve()`] finds the matching ranges of a sorted dictionary, if possible
//! without testing every value. [`Replacer`] is the other use of patterns in
//! PromQL, that of `label_replace`; [`Search`] looks for a pattern anywhere in a
//! text, for templates.
//!
//! Whatever a pattern is, a new matcher costs no more than its text, and what
//! matching builds stays within a [`RegexBudget`].

mod automaton;
mod budget;
mod class;
mod codepoint;
mod fold;
mod literals;
mod matcher;
mod pace;
mod quote;
mod regex;
mod replacer;
mod resolve;
mod search;
mod searcher;
mod syntax;

pub use budget::RegexBudget;
pub use class::Class;
pub use fold::FoldLiteral;
pub use literals::{LiteralSet, SuffixSet};
pub use matcher::{MatchOp, Matcher};
pub use quote::quote;
pub use regex::Regex;
pub use replacer::{Replacer, TooLong};
pub use resolve::{Contiguous, SortedValues, Strategy, resolve, resolve_while};
pub use search::Search;
pub use syntax::{RegexError, RegexErrorKind};
