//! Which values of a sorted dictionary match, as ranges.
//!
//! The class decides the way: binary search for literals and prefixes, one
//! pass with a substring searcher for suffixes and substrings, and for the
//! rest a walk of the automaton over the dictionary. The walk keeps the
//! automaton's state at each prefix that a value shares with the one before;
//! a dead or an accept-everything state decides the whole range of values
//! under that prefix at once.

use std::ops::Range;

use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::primitives::StateID;
use rustc_hash::FxHashMap;

use crate::class::Class;
use crate::matcher::Matcher;
use crate::regex::{Regex, anchored_start};

/// Values in ascending byte order, no two equal.
pub trait SortedValues {
    /// How many values.
    fn len(&self) -> usize;

    /// Value `i`.
    fn get(&self, i: usize) -> &[u8];

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: AsRef<[u8]>> SortedValues for [T] {
    fn len(&self) -> usize {
        <[T]>::len(self)
    }

    fn get(&self, i: usize) -> &[u8] {
        self[i].as_ref()
    }
}

/// The way that was taken, for `explain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DictionaryStrategy {
    /// Binary search.
    Search,
    /// Everything or nothing.
    Constant,
    /// Every value looked at, with a substring searcher.
    Scan,
    /// The automaton walked over shared prefixes.
    Walk,
    /// The automaton run on every value.
    EachValue,
}

impl DictionaryStrategy {
    /// The way for a matcher; `None` of a pattern for a plain value.
    pub fn of(matcher: &Matcher) -> DictionaryStrategy {
        match matcher.regex().map(Regex::class) {
            None | Some(Class::Equal(_) | Class::Set(_) | Class::Prefix { .. }) => {
                DictionaryStrategy::Search
            }
            Some(Class::Any | Class::NonEmpty) => DictionaryStrategy::Constant,
            Some(Class::Suffix { .. } | Class::Contains { .. }) => DictionaryStrategy::Scan,
            Some(Class::General) if matcher.regex().is_some_and(|r| r.dense().is_some()) => {
                DictionaryStrategy::Walk
            }
            Some(Class::General) => DictionaryStrategy::EachValue,
        }
    }
}

/// The ranges of `values` that satisfy the matcher: ascending, disjoint, not
/// touching.
pub fn resolve(matcher: &Matcher, values: &(impl SortedValues + ?Sized)) -> Vec<Range<u32>> {
    let positive = match matcher.regex() {
        None => equal(values, matcher.value().as_bytes()),
        Some(regex) => resolve_regex(regex, values),
    };
    if matcher.is_negated() {
        complement(&positive, values.len() as u32)
    } else {
        positive
    }
}

fn resolve_regex(regex: &Regex, values: &(impl SortedValues + ?Sized)) -> Vec<Range<u32>> {
    match regex.class() {
        Class::Equal(literal) => equal(values, literal),
        Class::Set(set) => {
            let mut ranges = Ranges::default();
            let mut from = 0;
            for literal in set {
                let at = lower_bound(values, from, literal);
                if at < values.len() && values.get(at) == literal {
                    ranges.push(at, at + 1);
                }
                from = at;
            }
            ranges.done()
        }
        Class::Any => all(0, values.len()),
        Class::NonEmpty => all(
            usize::from(!values.is_empty() && values.get(0).is_empty()),
            values.len(),
        ),
        Class::Prefix { literal, more } => {
            let start = lower_bound(values, 0, literal);
            let end = prefix_end(values, start, literal);
            let exact = start < end && values.get(start).len() < literal.len() + more;
            all(start + usize::from(exact), end)
        }
        Class::Suffix { .. } => scan(values, |value| regex.is_match(value)),
        Class::Contains { before, after, .. } => match regex.finder() {
            Some(finder) if *before == 0 && *after == 0 => contains(values, finder),
            _ => scan(values, |value| regex.is_match(value)),
        },
        Class::General => match regex.dense() {
            Some(dfa) => walk(values, dfa).unwrap_or_else(|| scan(values, |v| regex.is_match(v))),
            None => scan(values, |value| regex.is_match(value)),
        },
    }
}

/// Collects ascending ranges and joins those that touch.
#[derive(Default)]
struct Ranges {
    ranges: Vec<Range<u32>>,
}

impl Ranges {
    fn push(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        let (start, end) = (start as u32, end as u32);
        match self.ranges.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.ranges.push(start..end),
        }
    }

    fn done(self) -> Vec<Range<u32>> {
        self.ranges
    }
}

fn all(start: usize, end: usize) -> Vec<Range<u32>> {
    let mut ranges = Ranges::default();
    ranges.push(start, end);
    ranges.done()
}

fn complement(ranges: &[Range<u32>], len: u32) -> Vec<Range<u32>> {
    let mut out = Ranges::default();
    let mut from = 0;
    for range in ranges {
        out.push(from as usize, range.start as usize);
        from = range.end;
    }
    out.push(from as usize, len as usize);
    out.done()
}

fn equal(values: &(impl SortedValues + ?Sized), literal: &[u8]) -> Vec<Range<u32>> {
    let at = lower_bound(values, 0, literal);
    let found = at < values.len() && values.get(at) == literal;
    all(at, at + usize::from(found))
}

/// The first value from `from` on that is not less than `literal`.
fn lower_bound(values: &(impl SortedValues + ?Sized), from: usize, literal: &[u8]) -> usize {
    partition_point(from, values.len(), |i| values.get(i) < literal)
}

/// The first value from `from` on that does not begin with `prefix`, where
/// all before do.
fn prefix_end(values: &(impl SortedValues + ?Sized), from: usize, prefix: &[u8]) -> usize {
    // Gallop: most ranges under a prefix are short.
    let mut step = 1;
    let mut low = from;
    while low + step < values.len() && values.get(low + step).starts_with(prefix) {
        low += step;
        step *= 2;
    }
    partition_point(low, values.len().min(low + step), |i| {
        values.get(i).starts_with(prefix)
    })
}

fn partition_point(mut low: usize, mut high: usize, holds: impl Fn(usize) -> bool) -> usize {
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1
        } else {
            high = middle
        }
    }
    low
}

fn scan(values: &(impl SortedValues + ?Sized), matches: impl Fn(&[u8]) -> bool) -> Vec<Range<u32>> {
    let mut ranges = Ranges::default();
    for i in 0..values.len() {
        if matches(values.get(i)) {
            ranges.push(i, i + 1);
        }
    }
    ranges.done()
}

/// A hit inside a prefix decides all values under that prefix.
fn contains(
    values: &(impl SortedValues + ?Sized),
    finder: &memchr::memmem::Finder<'_>,
) -> Vec<Range<u32>> {
    let mut ranges = Ranges::default();
    let mut i = 0;
    while i < values.len() {
        let value = values.get(i);
        match finder.find(value) {
            None => i += 1,
            Some(at) => {
                let end = prefix_end(values, i, &value[..at + finder.needle().len()]);
                ranges.push(i, end);
                i = end;
            }
        }
    }
    ranges.done()
}

/// What an automaton's state says about everything that may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Dead,
    Everything,
    Open,
}

/// The walk. `None` if the automaton gives up, which ours does not.
fn walk(
    values: &(impl SortedValues + ?Sized),
    dfa: &dense::DFA<Vec<u32>>,
) -> Option<Vec<Range<u32>>> {
    let start = dfa.start_state(&anchored_start()).ok()?;
    let mut verdicts: FxHashMap<StateID, Verdict> = FxHashMap::default();
    let mut verdict = |state: StateID| *verdicts.entry(state).or_insert_with(|| judge(dfa, state));
    // `states[d]` is the state after the first `d` bytes of the last value.
    let mut states = vec![start];
    let mut last: &[u8] = &[];
    let mut ranges = Ranges::default();
    let mut i = 0;
    while i < values.len() {
        let value = values.get(i);
        let shared = common_prefix(last, value).min(states.len() - 1);
        states.truncate(shared + 1);
        let mut decided = verdict(states[shared]);
        while decided == Verdict::Open && states.len() <= value.len() {
            let next = dfa.next_state(states[states.len() - 1], value[states.len() - 1]);
            states.push(next);
            decided = verdict(next);
        }
        let depth = states.len() - 1;
        match decided {
            Verdict::Open => {
                if dfa.is_match_state(dfa.next_eoi_state(states[depth])) {
                    ranges.push(i, i + 1);
                }
                i += 1;
            }
            _ => {
                let end = prefix_end(values, i, &value[..depth]);
                if decided == Verdict::Everything {
                    ranges.push(i, end);
                }
                i = end;
            }
        }
        last = value;
    }
    Some(ranges.done())
}

fn judge(dfa: &dense::DFA<Vec<u32>>, state: StateID) -> Verdict {
    if dfa.is_dead_state(state) {
        return Verdict::Dead;
    }
    let stays = (0..=255u8).all(|byte| dfa.next_state(state, byte) == state);
    match (
        stays,
        stays && dfa.is_match_state(dfa.next_eoi_state(state)),
    ) {
        (_, true) => Verdict::Everything,
        (true, false) => Verdict::Dead,
        (false, false) => Verdict::Open,
    }
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::matcher::MatchOp;

    fn piece() -> impl proptest::strategy::Strategy<Value = String> {
        prop_oneof![
            "[abc]{1,3}".prop_map(String::from),
            Just(".*".into()),
            Just(".+".into()),
            Just(".".into()),
            Just("[ab]+".into()),
            Just("(?:a|bc)?".into()),
            Just("(?i:A)".into()),
            Just("[^b]*".into()),
            Just("c{2}".into()),
            Just("ü?".into()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn every_way_agrees_with_a_plain_automaton(
            pieces in proptest::collection::vec(piece(), 0..4),
            other in proptest::option::of(proptest::collection::vec(piece(), 0..3)),
            mut words in proptest::collection::vec("[abcü]{0,6}", 0..60),
            negated in any::<bool>(),
        ) {
            words.sort();
            words.dedup();
            let mut pattern = pieces.concat();
            if let Some(other) = other {
                pattern = format!("{pattern}|{}", other.concat());
            }
            let op = if negated { MatchOp::NotRegex } else { MatchOp::Regex };
            let matcher = Matcher::new(op, "l", &pattern).unwrap();
            let plain = regex_automata::meta::Regex::new(&format!("^(?s:{pattern})$")).unwrap();
            let got: Vec<bool> = {
                let ranges = resolve(&matcher, words.as_slice());
                (0..words.len() as u32).map(|i| ranges.iter().any(|r| r.contains(&i))).collect()
            };
            for (word, got) in words.iter().zip(got) {
                prop_assert_eq!(got, plain.is_match(word) != negated, "{} on {:?}", pattern, word);
                prop_assert_eq!(got, matcher.matches(word), "{} on {:?} alone", pattern, word);
            }
        }
    }

    #[test]
    fn ranges_join_and_ways_are_as_named() {
        let words = ["", "api-1", "api-2", "web-1", "web-2", "x"];
        let run = |op, pattern: &str| {
            let matcher = Matcher::new(op, "l", pattern).unwrap();
            (
                resolve(&matcher, words.as_slice()),
                DictionaryStrategy::of(&matcher),
            )
        };
        assert_eq!(
            run(MatchOp::Regex, "api-.*"),
            (vec![1..3], DictionaryStrategy::Search)
        );
        assert_eq!(
            run(MatchOp::Regex, ".+"),
            (vec![1..6], DictionaryStrategy::Constant)
        );
        assert_eq!(
            run(MatchOp::NotRegex, ".*-1"),
            (vec![0..1, 2..3, 4..6], DictionaryStrategy::Scan)
        );
        assert_eq!(
            run(MatchOp::Regex, "(api|web)-.*"),
            (vec![1..5], DictionaryStrategy::Walk)
        );
        assert_eq!(
            run(MatchOp::NotEqual, ""),
            (vec![1..6], DictionaryStrategy::Search)
        );
        assert_eq!(
            run(MatchOp::Regex, "api-"),
            (vec![], DictionaryStrategy::Search)
        );
    }
}
