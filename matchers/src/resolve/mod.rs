//! Finds the ranges of matching values in a sorted dictionary.
//!
//! [`Strategy::of`] chooses the strategy by the class of the pattern and a
//! sample of the dictionary: binary search for literals and prefixes, one pass
//! with a cheap search for suffixes and substrings, and otherwise a walk of the
//! automaton over the dictionary.
//!
//! What it is bad at: a pattern that needs an automaton and neither begins with
//! literals nor has a rare literal costs about 10 ns for each value, and where the
//! budget has no room for an automaton over bytes, 10 ns for each character and
//! live state.

mod scan;
mod values;
mod walk;

use std::fmt;
use std::ops::Range;

use crate::automaton::Automaton;
use crate::class::Class;
use crate::literals::LiteralSet;
use crate::matcher::Matcher;
use crate::pace::{PER_VALUE, Pace};
use crate::regex::Regex;
use crate::searcher::Searcher;
use values::{Ranges, SAMPLE, complement, lower_bound, one, prefix_end, sample, volume};

pub use values::{Contiguous, SortedValues};

/// Most values of a sample that contain a literal for which a search of all
/// bytes is faster than the walk. The walk costs about 8 ns for each value, the
/// automaton about 30 ns for each candidate.
const RARE_IN_SAMPLE: usize = SAMPLE / 8;

/// The strategy of resolving a matcher, as `explain` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// All values, none, or all but the empty one.
    Constant,
    /// Binary searches.
    BinarySearch,
    /// Comparison with the end of each value.
    CompareEnds,
    /// A substring search through all bytes, or through each value if they are
    /// not in one piece.
    SubstringSearch,
    /// A search for a required literal, and the automaton on values with it.
    FilteredAutomaton,
    /// A walk of the automaton that shares common prefixes.
    Walk,
    /// A lazy automaton on each value.
    LazyAutomaton,
    /// An automaton over code points on each value, where the values are few, or
    /// the budget has no room for one over bytes.
    CodePointAutomaton,
}

impl Strategy {
    /// The strategy of [`resolve`].
    pub fn of<V: SortedValues + ?Sized>(matcher: &Matcher, values: &V) -> Strategy {
        match matcher.regex() {
            None => Strategy::BinarySearch,
            Some(regex) => Strategy::of_regex(regex, values),
        }
    }

    fn of_regex<V: SortedValues + ?Sized>(regex: &Regex, values: &V) -> Strategy {
        match regex.class() {
            Class::Nothing | Class::Any | Class::NonEmpty => Strategy::Constant,
            Class::Equal(_) | Class::Set(_) | Class::Prefix { .. } => Strategy::BinarySearch,
            Class::Suffix { .. }
            | Class::Fold {
                before: Some(_),
                after: None,
                ..
            } => Strategy::CompareEnds,
            Class::Contains { .. }
            | Class::Fold {
                before: Some(_),
                after: Some(_),
                ..
            } => Strategy::SubstringSearch,
            Class::General { required: Some(_) } if is_rare(regex.searcher(), values) => {
                Strategy::FilteredAutomaton
            }
            Class::Fold { before: None, .. } | Class::General { .. } => {
                let automata = regex.automata();
                match automata.map(|automata| automata.rung(volume(values))) {
                    Some(Automaton::Table { .. }) => Strategy::Walk,
                    Some(Automaton::Lazy(_)) => Strategy::LazyAutomaton,
                    Some(Automaton::CodePoint(_)) | None => Strategy::CodePointAutomaton,
                }
            }
        }
    }
}

/// Whether few values of a sample contain the literal.
fn is_rare<V: SortedValues + ?Sized>(searcher: &Searcher, values: &V) -> bool {
    let has = |value: &&[u8]| searcher.find(value).is_some();
    values.contiguous().is_some()
        && values.len() >= SAMPLE
        && sample(values).filter(has).count() <= RARE_IN_SAMPLE
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Strategy::Constant => "constant",
            Strategy::BinarySearch => "binary search",
            Strategy::CompareEnds => "compare ends",
            Strategy::SubstringSearch => "substring search",
            Strategy::FilteredAutomaton => "literal search, then automaton",
            Strategy::Walk => "automaton walk",
            Strategy::LazyAutomaton => "lazy automaton",
            Strategy::CodePointAutomaton => "code point automaton",
        })
    }
}

/// The ranges of `values` that satisfy the matcher: ascending, disjoint and not
/// adjacent.
pub fn resolve<V: SortedValues + ?Sized>(matcher: &Matcher, values: &V) -> Vec<Range<u32>> {
    resolve_while(matcher, values, &mut || true).unwrap_or_default()
}

/// As [`resolve`], as long as `go_on` says so; `None` once it does not. It is asked
/// about every millisecond: after 1,024 values or 64 KiB of values at the latest,
/// and within a value where that takes longer.
pub fn resolve_while<V: SortedValues + ?Sized>(
    matcher: &Matcher,
    values: &V,
    go_on: &mut dyn FnMut() -> bool,
) -> Option<Vec<Range<u32>>> {
    let pace = &mut Pace::new(go_on);
    let positive = match matcher.regex() {
        None => equal(values, matcher.value().as_bytes()),
        Some(regex) => resolve_regex(regex, values, Strategy::of_regex(regex, values), pace)?,
    };
    Some(if matcher.is_negated() {
        complement(&positive, values.len())
    } else {
        positive
    })
}

fn resolve_regex<V: SortedValues + ?Sized>(
    regex: &Regex,
    values: &V,
    strategy: Strategy,
    pace: &mut Pace<'_>,
) -> Option<Vec<Range<u32>>> {
    match (strategy, regex.class()) {
        (Strategy::Constant, class) => Some(constant(class, values)),
        (Strategy::BinarySearch, Class::Equal(literal)) => Some(equal(values, literal)),
        (Strategy::BinarySearch, Class::Set(set)) => among(values, set, pace),
        (Strategy::BinarySearch, Class::Prefix { literals, more }) => {
            prefixes(values, literals, *more, pace)
        }
        (Strategy::CompareEnds, Class::Suffix { literals, more }) => {
            scan::suffixes(values, literals, *more, pace)
        }
        (Strategy::SubstringSearch, _) => scan::contains(regex, values, pace),
        (
            Strategy::FilteredAutomaton
            | Strategy::Walk
            | Strategy::LazyAutomaton
            | Strategy::CodePointAutomaton,
            Class::General { .. },
        )
        | (Strategy::Walk | Strategy::LazyAutomaton, _) => {
            let automata = regex.automata()?;
            match values.contiguous() {
                Some(all) if strategy == Strategy::FilteredAutomaton => {
                    scan::filtered(regex, automata, all, pace)
                }
                _ => walk::walk(automata, values, pace),
            }
        }
        _ => scan::each(values, pace, |value| regex.is_match(value)),
    }
}

fn constant<V: SortedValues + ?Sized>(class: &Class, values: &V) -> Vec<Range<u32>> {
    match class {
        Class::Any => one(0, values.len()),
        Class::NonEmpty => {
            let empty = !values.is_empty() && values.get(0).is_empty();
            one(usize::from(empty), values.len())
        }
        _ => Vec::new(),
    }
}

fn equal<V: SortedValues + ?Sized>(values: &V, literal: &[u8]) -> Vec<Range<u32>> {
    let at = values::partition_point(values.len(), |i| values.get(i) < literal);
    let found = at < values.len() && values.get(at) == literal;
    one(at, at + usize::from(found))
}

fn among<V: SortedValues + ?Sized>(
    values: &V,
    set: &LiteralSet,
    pace: &mut Pace<'_>,
) -> Option<Vec<Range<u32>>> {
    let mut ranges = Ranges::default();
    let mut at = 0;
    for literal in set.as_slice() {
        pace.spend(PER_VALUE)?;
        at = lower_bound(values, at, literal);
        if at < values.len() && values.get(at) == &**literal {
            ranges.push(at, at + 1);
        }
    }
    Some(ranges.done())
}

/// The values that begin with one of the literals, none of which is a prefix of
/// another.
fn prefixes<V: SortedValues + ?Sized>(
    values: &V,
    literals: &LiteralSet,
    more: usize,
    pace: &mut Pace<'_>,
) -> Option<Vec<Range<u32>>> {
    let mut ranges = Ranges::default();
    let mut at = 0;
    for literal in literals.as_slice() {
        pace.spend(PER_VALUE)?;
        let start = lower_bound(values, at, literal);
        at = prefix_end(values, start, literal);
        // Only the first value can be equal to the literal.
        let short = start < at && values.get(start).len() < literal.len() + more;
        ranges.push(start + usize::from(short), at);
    }
    Some(ranges.done())
}

#[cfg(test)]
mod tests;
