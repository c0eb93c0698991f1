//! A small automaton as a table.

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::NFA;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use rustc_hash::FxHashMap;

use crate::budget::{RegexBudget, Reservation};

/// Largest NFA for which a table is tried, bytes. Ordinary patterns need a third,
/// larger ones take long to determinize.
const TABLE_NFA_LIMIT: usize = 64 << 10;
/// What an attempt that fails takes, as a multiple of the limit.
const FAILURE: usize = 2;
/// Most memory to build a table, as a multiple of the limit: for the automaton and
/// for determinizing it, for the explored states, and for the table.
const ROOM: usize = 5;

/// Which continuations of a value match in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateKind {
    /// None matches.
    Dead,
    /// All match.
    Everything,
    /// Some match.
    Open,
}

/// A state: the position of its row in the table. The first two rows are the
/// dead state and the state in which everything matches.
pub(crate) type State = u32;

/// A complete automaton. All dead states are one state, and so are all states in
/// which everything matches.
pub(crate) struct Table {
    /// The class of each byte.
    classes: [u8; 256],
    /// Number of classes, the length of a row.
    width: u32,
    /// The next state for each state and class.
    next: Box<[State]>,
    /// For each state, whether a value that ends there matches.
    accepts: Box<[bool]>,
    start: State,
    /// The last bytes of values that match.
    last: Box<[bool; 256]>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} states)", self.accepts.len())
    }
}

impl Table {
    /// The table of an NFA; `None` if it exceeds a limit, bytes, or what is left of
    /// the budget.
    pub(super) fn build_within(
        nfa: &NFA,
        budget: &RegexBudget,
        limit: usize,
    ) -> Option<(Self, Reservation)> {
        if nfa.memory_usage() > TABLE_NFA_LIMIT {
            return None;
        }
        let mut reserved = budget.reserve(ROOM * limit)?;
        let table = Table::build(nfa, limit);
        reserved.shrink_to(table.as_ref().map_or(FAILURE * limit, Table::memory_usage));
        Some((table?, reserved))
    }

    /// Bytes in memory.
    fn memory_usage(&self) -> usize {
        size_of::<Table>() + 256 + size_of_val(&*self.next) + self.accepts.len()
    }

    fn build(nfa: &NFA, limit: usize) -> Option<Self> {
        let config = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .match_kind(MatchKind::All)
            .accelerate(false)
            .dfa_size_limit(Some(limit))
            .determinize_size_limit(Some(limit));
        let dfa = dense::Builder::new().configure(config).build_from_nfa(nfa);
        let dfa = dfa.ok()?;
        let anchored = start::Config::new().anchored(Anchored::Yes);
        let start = dfa.start_state(&anchored).ok()?;
        Some(Explored::from(&dfa, start).into_table(&dfa))
    }

    pub(crate) fn start(&self) -> State {
        self.start
    }

    #[inline]
    pub(crate) fn next(&self, state: State, byte: u8) -> State {
        self.next[state as usize + self.classes[byte as usize] as usize]
    }

    #[inline]
    pub(crate) fn kind(&self, state: State) -> StateKind {
        if state > self.width {
            StateKind::Open
        } else if state == 0 {
            StateKind::Dead
        } else {
            StateKind::Everything
        }
    }

    /// Whether a value that ends in this state matches.
    pub(crate) fn accepts(&self, state: State) -> bool {
        self.accepts[(state / self.width) as usize]
    }

    /// Whether a value with this last byte can match.
    #[inline]
    pub(crate) fn may_end_with(&self, byte: u8) -> bool {
        self.last[byte as usize]
    }

    #[inline]
    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        if value.last().is_some_and(|&byte| !self.may_end_with(byte)) {
            return false;
        }
        let mut state = self.start;
        for &byte in value {
            if state <= self.width {
                return state != 0;
            }
            state = self.next(state, byte);
        }
        self.accepts(state)
    }
}

/// The reachable states, numbered in order of discovery.
struct Explored {
    states: Vec<StateID>,
    /// The next state for each state and representative byte.
    next: Vec<Vec<u32>>,
    accepts: Vec<bool>,
}

impl Explored {
    fn from(dfa: &dense::DFA<Vec<u32>>, start: StateID) -> Self {
        let bytes: Vec<u8> = representatives(dfa);
        let mut numbers = FxHashMap::from_iter([(start, 0u32)]);
        let mut explored = Explored {
            states: vec![start],
            next: Vec::new(),
            accepts: Vec::new(),
        };
        while let Some(&state) = explored.states.get(explored.next.len()) {
            let eoi = dfa.next_eoi_state(state);
            explored.accepts.push(dfa.is_match_state(eoi));
            let row = bytes.iter().map(|&byte| {
                let next = dfa.next_state(state, byte);
                *numbers.entry(next).or_insert_with(|| {
                    explored.states.push(next);
                    explored.states.len() as u32 - 1
                })
            });
            let row = row.collect();
            explored.next.push(row);
        }
        explored
    }

    /// The states from which no state is reachable whose `accepts` is `wanted`:
    /// with `wanted` true the dead states, else those in which everything
    /// matches.
    fn never_reaches(&self, wanted: bool) -> Vec<bool> {
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); self.next.len()];
        for (state, row) in self.next.iter().enumerate() {
            for &next in row {
                before[next as usize].push(state as u32);
            }
        }
        let mut reaches: Vec<bool> = self.accepts.iter().map(|&a| a == wanted).collect();
        let mut open: Vec<usize> = (0..reaches.len()).filter(|&s| reaches[s]).collect();
        while let Some(state) = open.pop() {
            for &earlier in &before[state] {
                if !std::mem::replace(&mut reaches[earlier as usize], true) {
                    open.push(earlier as usize);
                }
            }
        }
        reaches.into_iter().map(|reaches| !reaches).collect()
    }

    fn into_table(self, dfa: &dense::DFA<Vec<u32>>) -> Table {
        let (dead, everything) = (self.never_reaches(true), self.never_reaches(false));
        let width = self.next.first().map_or(1, Vec::len) as u32;
        // Rows 0 and 1 are the dead state and the one that accepts everything.
        let mut rows = 2;
        let row_of = |state: usize| match (dead[state], everything[state]) {
            (true, _) => 0,
            (_, true) => width,
            _ => {
                rows += 1;
                (rows - 1) * width
            }
        };
        let rows_of_states: Vec<State> = (0..self.next.len()).map(row_of).collect();
        let mut next = vec![0; width as usize];
        next.resize(2 * width as usize, width);
        let mut accepts = vec![false, true];
        for (state, row) in self.next.iter().enumerate() {
            if rows_of_states[state] > width {
                next.extend(row.iter().map(|&n| rows_of_states[n as usize]));
                accepts.push(self.accepts[state]);
            }
        }
        let mut classes = [0; 256];
        let mut class = 0;
        let firsts = representatives(dfa);
        for byte in 0..=255u8 {
            if firsts.get(class + 1) == Some(&byte) {
                class += 1;
            }
            classes[byte as usize] = class as u8;
        }
        // The row of the state that accepts everything always exists, but counts
        // only if a state leads to it.
        let skipped = if rows_of_states.contains(&width) {
            1
        } else {
            2
        };
        let mut ends = vec![false; width as usize];
        for row in next.chunks_exact(width as usize).skip(skipped) {
            for (end, &next) in ends.iter_mut().zip(row) {
                *end |= accepts[(next / width) as usize];
            }
        }
        Table {
            last: Box::new(classes.map(|class: u8| ends[class as usize])),
            classes,
            width,
            next: next.into_boxed_slice(),
            accepts: accepts.into_boxed_slice(),
            start: rows_of_states[0],
        }
    }
}

/// The first byte of each class, ascending. Classes are ranges of bytes.
fn representatives(dfa: &dense::DFA<Vec<u32>>) -> Vec<u8> {
    let classes = dfa.byte_classes();
    let mut firsts: Vec<u8> = Vec::new();
    for byte in 0..=255u8 {
        // A class that is not one range would make the table wrong.
        if byte == 0 || classes.get(byte) != classes.get(byte - 1) {
            firsts.push(byte);
        }
    }
    firsts
}

#[cfg(test)]
mod tests {
    use super::super::build_nfa;
    use super::*;
    use crate::syntax::{Dialect, parse, translate};

    fn table(pattern: &str) -> Option<Table> {
        let ast = parse(pattern, Dialect::Matcher).unwrap().ast;
        let nfa = build_nfa(translate::for_matching(&ast), usize::MAX).unwrap();
        let built = Table::build_within(&nfa, &RegexBudget::default(), 1 << 20);
        built.map(|(table, _)| table)
    }

    fn kind(pattern: &str, value: &str) -> StateKind {
        let table = table(pattern).unwrap();
        let state = value.bytes().fold(table.start(), |s, b| table.next(s, b));
        table.kind(state)
    }

    #[test]
    fn states_decide_as_early_as_possible() {
        assert_eq!(kind(".*foo.*", "xfo"), StateKind::Open);
        assert_eq!(kind(".*foo.*", "xfoo"), StateKind::Everything);
        assert_eq!(kind(".*foo.*|.*bar.*", "xfoob"), StateKind::Everything);
        assert_eq!(kind("(a|b).*", "c"), StateKind::Dead);
        assert_eq!(kind("(a|b).+", "b"), StateKind::Open);
        assert_eq!(kind("(a|b).+", "bx"), StateKind::Everything);
        assert_eq!(kind("a^b", ""), StateKind::Dead);
        assert_eq!(kind("a*|.*", ""), StateKind::Everything);
        assert_eq!(kind("ab|ac", "ab"), StateKind::Open);
        assert_eq!(kind("ab|ac", "abx"), StateKind::Dead);
    }

    #[test]
    fn last_bytes_filter() {
        let table = table("a.*[xy]|b+").unwrap();
        let ends: Vec<u8> = (0..=255).filter(|&b| table.may_end_with(b)).collect();
        assert_eq!(ends, b"bxy");
        assert!(table.is_match(b"ay") && !table.is_match(b"ab") && table.is_match(b"bb"));
        assert!((0..=255).all(|b| self::table("a.*").unwrap().may_end_with(b)));
        assert!(self::table("x*").unwrap().is_match(b""));
    }

    #[test]
    fn large_automata_are_refused() {
        assert!(table("(a|b)*a(a|b){20}").is_none());
        assert!(table(r"(\pL{50}x)*").is_none());
    }
}
