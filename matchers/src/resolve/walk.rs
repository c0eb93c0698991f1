//! Runs an automaton over a sorted dictionary.

use std::ops::Range;

use super::values::{Ranges, SAMPLE, SortedValues, common_prefix, prefix_end, sample, volume};
use crate::automaton::{Automaton, Ladder, Run, Session, StateKind, Table};
use crate::pace::{PER_VALUE, PERIOD, Pace};

/// Most bytes of a prefix whose states are kept. Values seldom share more.
const MAX_KEPT: usize = 4 << 10;

/// The values that match.
pub(super) fn walk<V: SortedValues + ?Sized>(
    automata: &Ladder,
    values: &V,
    pace: &mut Pace<'_>,
) -> Option<Vec<Range<u32>>> {
    let automaton = automata.rung(volume(values));
    let mut visits = 0;
    let ranges = walk_on(automaton, values, &mut visits, pace);
    automata.worked(visits);
    ranges
}

/// As [`walk`], on one rung; counts the states that it visits there.
pub(super) fn walk_on<V: SortedValues + ?Sized>(
    automaton: &Automaton,
    values: &V,
    visits: &mut usize,
    pace: &mut Pace<'_>,
) -> Option<Vec<Range<u32>>> {
    match automaton {
        Automaton::Table { table, .. } => walk_table(table, values, pace),
        Automaton::Lazy(_) | Automaton::CodePoint(_) => {
            let mut session = automaton.session();
            let ranges = run_each(&mut session, values, pace);
            *visits = session.visits();
            ranges
        }
    }
}

/// Keeps the state at each prefix that a value shares with the previous one. In a
/// state where nothing or everything matches, the result holds for all values
/// with the prefix that leads there.
fn walk_table<V: SortedValues + ?Sized>(
    table: &Table,
    values: &V,
    pace: &mut Pace<'_>,
) -> Option<Vec<Range<u32>>> {
    // `states[d]` is the state after the first `d` bytes of the last value.
    let mut states = vec![table.start()];
    let mut last: &[u8] = &[];
    let mut ranges = Ranges::default();
    let filter = ends_are_rare(table, values);
    let mut i = 0;
    while i < values.len() {
        let value = values.get(i);
        pace.spend(PER_VALUE)?;
        if filter && value.last().is_some_and(|&byte| !table.may_end_with(byte)) {
            i += 1;
            continue;
        }
        let shared = common_prefix(last, value).min(states.len() - 1);
        states.truncate(shared + 1);
        let mut state = states[shared];
        let mut kind = table.kind(state);
        let kept = value.len().min(MAX_KEPT);
        for &byte in &value[shared..kept] {
            if kind != StateKind::Open {
                break;
            }
            state = table.next(state, byte);
            kind = table.kind(state);
            states.push(state);
        }
        let mut read = states.len() - 1;
        if kind == StateKind::Open && kept < value.len() {
            (state, read) = walk_rest(table, state, value, read, pace)?;
            kind = table.kind(state);
        }
        let start = i;
        i += 1;
        match kind {
            StateKind::Open if table.accepts(state) => ranges.push(start, i),
            StateKind::Open => {}
            _ => {
                i = prefix_end(values, i, &value[..read]);
                if kind == StateKind::Everything {
                    ranges.push(start, i);
                }
            }
        }
        last = value;
    }
    Some(ranges.done())
}

/// Walks over the rest of a long value; the last state, and the bytes that were
/// read.
#[cold]
fn walk_rest(
    table: &Table,
    mut state: u32,
    value: &[u8],
    mut read: usize,
    pace: &mut Pace<'_>,
) -> Option<(u32, usize)> {
    for piece in value[read..].chunks(PERIOD) {
        pace.spend(piece.len())?;
        for &byte in piece {
            if table.kind(state) != StateKind::Open {
                return Some((state, read));
            }
            state = table.next(state, byte);
            read += 1;
        }
    }
    Some((state, read))
}

/// Whether testing last bytes pays off: if at most half of a sample can match.
fn ends_are_rare<V: SortedValues + ?Sized>(table: &Table, values: &V) -> bool {
    let may = |value: &[u8]| value.last().is_none_or(|&byte| table.may_end_with(byte));
    values.len() >= SAMPLE && 2 * sample(values).filter(|value| may(value)).count() <= SAMPLE
}

/// Runs on each value from its beginning, since no states are kept. Skips values
/// with a prefix with which nothing matches.
fn run_each<V: SortedValues + ?Sized>(
    session: &mut Session<'_>,
    values: &V,
    pace: &mut Pace<'_>,
) -> Option<Vec<Range<u32>>> {
    let mut ranges = Ranges::default();
    let mut i = 0;
    while i < values.len() {
        let value = values.get(i);
        pace.spend(PER_VALUE)?;
        let start = i;
        i += 1;
        match session.run(value, pace)? {
            Run::Match => ranges.push(start, i),
            Run::NoMatch => {}
            Run::Dead(len) => i = prefix_end(values, i, &value[..len]),
        }
    }
    Some(ranges.done())
}
