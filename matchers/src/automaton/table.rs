//! A small automaton as one table.

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::NFA;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use rustc_hash::FxHashMap;

use super::{TABLE_LIMIT, TABLE_NFA_LIMIT};

/// What a state says about all that may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing matches.
    Dead,
    /// Everything matches.
    Everything,
    /// It depends.
    Open,
}

/// A state: where its row begins in the table. The first two rows are the two
/// that decide.
pub(crate) type State = u32;

/// A complete automaton with all states that decide alike merged.
pub(crate) struct Table {
    /// The class of each byte.
    classes: [u8; 256],
    /// Classes, which is the length of a row.
    width: u32,
    /// The next state by state and class.
    next: Box<[State]>,
    /// Whether the value may end, by number of the state.
    accepts: Box<[bool]>,
    start: State,
    /// The bytes that a value can end with which matches.
    last: Box<[bool; 256]>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} states)", self.accepts.len())
    }
}

impl Table {
    /// The table of an NFA, if it stays within bounds.
    pub(super) fn build(nfa: &NFA) -> Option<Self> {
        if nfa.memory_usage() > TABLE_NFA_LIMIT {
            return None;
        }
        let config = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .match_kind(MatchKind::All)
            .accelerate(false)
            .dfa_size_limit(Some(TABLE_LIMIT))
            .determinize_size_limit(Some(TABLE_LIMIT));
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
    pub(crate) fn verdict(&self, state: State) -> Verdict {
        if state > self.width {
            Verdict::Open
        } else if state == 0 {
            Verdict::Dead
        } else {
            Verdict::Everything
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

/// The states that can be reached, numbered as they were found.
struct Explored {
    states: Vec<StateID>,
    /// The next state's number by number and representative byte.
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

    /// The states from which every value (`wanted` is false) or no value
    /// (`wanted` is true) matches: those from which no state is reached whose
    /// verdict on an ended value is `wanted`.
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
        let mut rows = 2; // rows 0 and 1 are the states that decide
        let place = |state: usize| match (dead[state], everything[state]) {
            (true, _) => 0,
            (_, true) => width,
            _ => {
                rows += 1;
                (rows - 1) * width
            }
        };
        let places: Vec<State> = (0..self.next.len()).map(place).collect();
        let mut next = vec![0; width as usize];
        next.resize(2 * width as usize, width);
        let mut accepts = vec![false, true];
        for (state, row) in self.next.iter().enumerate() {
            if places[state] > width {
                next.extend(row.iter().map(|&n| places[n as usize]));
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
        // The row of the state that accepts everything is there always, but
        // says something only if a state leads to it.
        let skipped = if places.contains(&width) { 1 } else { 2 };
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
            start: places[0],
        }
    }
}

/// The first byte of each class, ascending: classes are ranges of bytes.
fn representatives(dfa: &dense::DFA<Vec<u32>>) -> Vec<u8> {
    let classes = dfa.byte_classes();
    let mut firsts: Vec<u8> = Vec::new();
    for byte in 0..=255u8 {
        // A class that comes again would make the table wrong.
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
        Table::build(&build_nfa(translate::for_verdicts(&ast)).unwrap())
    }

    fn verdict(pattern: &str, value: &str) -> Verdict {
        let table = table(pattern).unwrap();
        let state = value.bytes().fold(table.start(), |s, b| table.next(s, b));
        table.verdict(state)
    }

    #[test]
    fn states_decide_as_early_as_possible() {
        assert_eq!(verdict(".*foo.*", "xfo"), Verdict::Open);
        assert_eq!(verdict(".*foo.*", "xfoo"), Verdict::Everything);
        assert_eq!(verdict(".*foo.*|.*bar.*", "xfoob"), Verdict::Everything);
        assert_eq!(verdict("(a|b).*", "c"), Verdict::Dead);
        assert_eq!(verdict("(a|b).+", "b"), Verdict::Open);
        assert_eq!(verdict("(a|b).+", "bx"), Verdict::Everything);
        assert_eq!(verdict("a^b", ""), Verdict::Dead);
        assert_eq!(verdict("a*|.*", ""), Verdict::Everything);
        assert_eq!(verdict("ab|ac", "ab"), Verdict::Open);
        assert_eq!(verdict("ab|ac", "abx"), Verdict::Dead);
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
