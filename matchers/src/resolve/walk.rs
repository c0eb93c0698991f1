//! Runs an automaton over a sorted dictionary.

use std::ops::Range;

use super::values::{Ranges, SAMPLE, SortedValues, common_prefix, prefix_end, sample};
use crate::automaton::{Automaton, Lazy, Run, StateKind, Table};

/// The values that match.
pub(super) fn walk<V: SortedValues + ?Sized>(automaton: &Automaton, values: &V) -> Vec<Range<u32>> {
    match automaton {
        Automaton::Table(table) => walk_table(table, values),
        Automaton::Lazy(lazy) => run_lazy(lazy, values),
    }
}

/// Keeps the state at each prefix that a value shares with the previous one. In a
/// state where nothing or everything matches, the result holds for all values
/// with the prefix that leads there.
fn walk_table<V: SortedValues + ?Sized>(table: &Table, values: &V) -> Vec<Range<u32>> {
    // `states[d]` is the state after the first `d` bytes of the last value.
    let mut states = vec![table.start()];
    let mut last: &[u8] = &[];
    let mut ranges = Ranges::default();
    let filter = ends_are_rare(table, values);
    let mut i = 0;
    while i < values.len() {
        let value = values.get(i);
        if filter && value.last().is_some_and(|&byte| !table.may_end_with(byte)) {
            i += 1;
            continue;
        }
        let shared = common_prefix(last, value).min(states.len() - 1);
        states.truncate(shared + 1);
        let mut state = states[shared];
        let mut kind = table.kind(state);
        for &byte in &value[shared..] {
            if kind != StateKind::Open {
                break;
            }
            state = table.next(state, byte);
            kind = table.kind(state);
            states.push(state);
        }
        let start = i;
        i += 1;
        match kind {
            StateKind::Open if table.accepts(state) => ranges.push(start, i),
            StateKind::Open => {}
            _ => {
                i = prefix_end(values, i, &value[..states.len() - 1]);
                if kind == StateKind::Everything {
                    ranges.push(start, i);
                }
            }
        }
        last = value;
    }
    ranges.done()
}

/// Whether testing last bytes pays off: if at most half of a sample can match.
fn ends_are_rare<V: SortedValues + ?Sized>(table: &Table, values: &V) -> bool {
    let may = |value: &[u8]| value.last().is_none_or(|&byte| table.may_end_with(byte));
    values.len() >= SAMPLE && 2 * sample(values).filter(|value| may(value)).count() <= SAMPLE
}

/// Runs on each value from its beginning, since a bounded cache drops states.
/// Skips values with a prefix with which nothing matches.
fn run_lazy<V: SortedValues + ?Sized>(lazy: &Lazy, values: &V) -> Vec<Range<u32>> {
    let mut session = lazy.session();
    let mut ranges = Ranges::default();
    let mut i = 0;
    while i < values.len() {
        let value = values.get(i);
        let start = i;
        i += 1;
        match session.run(value) {
            Run::Match => ranges.push(start, i),
            Run::NoMatch => {}
            Run::Dead(len) => i = prefix_end(values, i, &value[..len]),
        }
    }
    ranges.done()
}
