//! Asks whether a whole value matches.

use super::{Follow, Inst, Place, Program, State, Visited, decode};
use crate::automaton::Run;
use crate::pace::Pace;

/// The states of a run. They take memory in proportion to the states that are
/// alive at a time.
pub(crate) struct Threads {
    live: Vec<State>,
    next: Vec<State>,
    /// States that are still to be visited at the current position.
    open: Vec<State>,
    visited: Visited,
    visits: usize,
}

impl Threads {
    pub(crate) fn of(program: &Program) -> Self {
        Threads {
            live: Vec::new(),
            next: Vec::new(),
            open: Vec::new(),
            visited: Visited::of(program),
            visits: 0,
        }
    }

    /// The states that were visited until now.
    pub(crate) fn visits(&self) -> usize {
        self.visits
    }
}

impl Program {
    /// Runs over a value; `None` if the rest is not wanted any more.
    pub(crate) fn run(
        &self,
        threads: &mut Threads,
        value: &[u8],
        pace: &mut Pace<'_>,
    ) -> Option<Run> {
        let mut at = 0;
        let mut before = None;
        threads.live.clear();
        threads.live.push(State::default());
        loop {
            let read = decode(value, at);
            let place = Place {
                before,
                after: read.map(|(c, _)| c),
            };
            threads.visited.clear();
            threads.next.clear();
            let matches = self.step(threads, place, pace)?;
            let Some((c, len)) = read else {
                return Some(if matches { Run::Match } else { Run::NoMatch });
            };
            at += len;
            if threads.next.is_empty() {
                // A byte that is not UTF-8 may become so with those behind.
                let is_whole = c != char::REPLACEMENT_CHARACTER;
                return Some(if is_whole {
                    Run::Dead(at)
                } else {
                    Run::NoMatch
                });
            }
            before = Some(c);
            std::mem::swap(&mut threads.live, &mut threads.next);
        }
    }

    /// Visits all states at a position and reads the character behind it. Whether
    /// the end of the pattern was among them.
    fn step(&self, threads: &mut Threads, place: Place, pace: &mut Pace<'_>) -> Option<bool> {
        let mut matches = false;
        for i in 0..threads.live.len() {
            threads.open.clear();
            let mut visits = 1;
            let mut following = Some(threads.live[i]);
            while let Some(state) = following.or_else(|| threads.open.pop()) {
                following = None;
                if !threads.visited.first(self.number(state)) {
                    continue;
                }
                visits += 1;
                if visits & 0xfff == 0 {
                    pace.spend(visits)?;
                    threads.visits += visits;
                    visits = 0;
                }
                let follow = match self.code[state.at as usize] {
                    Inst::Match => {
                        matches = true;
                        Follow::End
                    }
                    Inst::Split(first, second) => Follow::Two(state.to(first), state.to(second)),
                    Inst::Jump(to) => Follow::One(state.to(to)),
                    Inst::Look(look) if place.holds(look) => Follow::One(state.next()),
                    Inst::Look(_) => Follow::End,
                    Inst::Save(_) => Follow::One(state.next()),
                    Inst::Enter(which) => self.enter(state, which),
                    Inst::Next(which) => self.leave(state, which),
                    inst => {
                        if place.after.is_some_and(|c| self.reads(inst, c)) {
                            threads.next.push(state.next());
                        }
                        Follow::End
                    }
                };
                match follow {
                    Follow::End => {}
                    Follow::One(state) => following = Some(state),
                    Follow::Two(first, second) => {
                        threads.open.push(second);
                        following = Some(first);
                    }
                }
            }
            pace.spend(visits)?;
            threads.visits += visits;
        }
        Some(matches)
    }
}
