//! Picks the automaton of a pattern by the work that it has to do.
//!
//! Building costs time, which only much work pays back. So a pattern starts with
//! the automaton over code points, which is there at once, and climbs when that
//! has taken, or is about to take, as long as the next rung takes to build: then no
//! way takes more than about twice as long as the best one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Automaton, LARGE_TABLE, Run, SMALL_TABLE, nfa_bytes, with_stack};
use crate::budget::RegexBudget;
use crate::codepoint::Program;
use crate::pace::Pace;
use crate::syntax::Ast;

/// A small table is built after this work for each byte of its NFA. A unit of
/// work takes about 10 ns, and a byte 20 ns to build.
const WORK_PER_BYTE: usize = 2;
/// A large table or a lazy automaton is built after this work: it takes 10 to 20
/// ms to find out that a table gets too large.
const LARGE_AFTER: usize = 1 << 20;

/// The automata of a pattern.
pub(crate) struct Ladder {
    ast: Ast,
    budget: RegexBudget,
    /// Work after which a small table is built.
    small_after: usize,
    /// Work on the lowest rung until now: visited states.
    work: AtomicUsize,
    program: OnceLock<Automaton>,
    small: OnceLock<Option<Automaton>>,
    large: OnceLock<Option<Automaton>>,
}

impl Ladder {
    pub(crate) fn new(ast: Ast, budget: &RegexBudget) -> Self {
        let estimate = with_stack(|| nfa_bytes(&ast));
        Ladder {
            ast,
            budget: budget.clone(),
            small_after: estimate.saturating_mul(WORK_PER_BYTE),
            work: AtomicUsize::new(0),
            program: OnceLock::new(),
            small: OnceLock::new(),
            large: OnceLock::new(),
        }
    }

    /// The automaton for some more work, in bytes of values.
    pub(crate) fn rung(&self, expected: usize) -> &Automaton {
        self.built().unwrap_or_else(|| self.climb(expected))
    }

    /// The best automaton over bytes that was built.
    #[inline]
    fn built(&self) -> Option<&Automaton> {
        let small = self.small.get().and_then(Option::as_ref);
        small.or_else(|| self.large.get()?.as_ref())
    }

    #[cold]
    fn climb(&self, expected: usize) -> &Automaton {
        let work = self.work.load(Ordering::Relaxed).saturating_add(expected);
        let built = if work >= LARGE_AFTER {
            let build = || Automaton::of_bytes(&self.ast, &self.budget, LARGE_TABLE);
            self.large.get_or_init(|| with_stack(build)).as_ref()
        } else if work >= self.small_after {
            let build = || Automaton::of_bytes(&self.ast, &self.budget, SMALL_TABLE);
            self.small.get_or_init(|| with_stack(build)).as_ref()
        } else {
            None
        };
        built.unwrap_or_else(|| {
            let build = || Automaton::CodePoint(Box::new(Program::matching(&self.ast)));
            self.program.get_or_init(build)
        })
    }

    /// Counts work on the lowest rung.
    pub(crate) fn worked(&self, units: usize) {
        self.work.fetch_add(units, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        match self.built() {
            Some(Automaton::Table { table, .. }) => table.is_match(value),
            _ => self.runs(value),
        }
    }

    #[inline(never)]
    fn runs(&self, value: &[u8]) -> bool {
        let mut session = self.rung(0).session();
        let run = session.run(value, &mut Pace::new(&mut || true));
        self.worked(session.visits());
        run == Some(Run::Match)
    }
}
