//! Automata for patterns that have no simpler class.
//!
//! Building is bounded: a pattern whose automaton stays small becomes a
//! [`Table`], which is stateless and knows for each of its states whether
//! everything or nothing follows. Any other is determinized as it runs
//! ([`Lazy`]), with a bounded cache for each thread that matches.

mod lazy;
mod table;

use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_syntax::hir::{Hir, Look};

pub(crate) use lazy::{Lazy, Run};
pub(crate) use table::{Table, Verdict};

/// Above this size of the NFA, bytes, no table is tried: ordinary patterns
/// need a tenth, and what needs more takes long to determinize.
const TABLE_NFA_LIMIT: usize = 256 << 10;
/// The largest automaton and the most memory to determinize it, bytes. It is
/// reached in a few milliseconds.
const TABLE_LIMIT: usize = 1 << 20;
/// The cache of a lazy automaton, bytes.
const LAZY_CACHE: usize = 4 << 20;
/// The NFA of the largest pattern that is taken at all, bytes.
pub(crate) const MAX_NFA: usize = 64 << 20;
/// The stack that a translation into an NFA may need, and the room that has
/// to be left on it, bytes: trees are up to 1,000 levels high.
const STACK: usize = 8 << 20;
const STACK_ROOM: usize = 1 << 20;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) enum Automaton {
    Table(Box<Table>),
    Lazy(Box<Lazy>),
}

impl Automaton {
    /// Determinizes an NFA from [`build_nfa`].
    pub(crate) fn new(nfa: NFA) -> Self {
        match Table::build(&nfa) {
            Some(table) => Automaton::Table(Box::new(table)),
            None => Automaton::Lazy(Box::new(Lazy::new(nfa))),
        }
    }

    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        match self {
            Automaton::Table(table) => table.is_match(value),
            Automaton::Lazy(lazy) => lazy.is_match(value),
        }
    }
}

/// The NFA that matches a whole value; `None` if it is too large.
pub(crate) fn build_nfa(hir: Hir) -> Option<NFA> {
    let hir = Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)]);
    let config = thompson::Config::new()
        .utf8(false)
        .nfa_size_limit(Some(MAX_NFA))
        .which_captures(WhichCaptures::None);
    with_stack(|| {
        thompson::Compiler::new()
            .configure(config)
            .build_from_hir(&hir)
            .ok()
    })
}

/// Runs what recurses as deep as a pattern is nested.
pub(crate) fn with_stack<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK_ROOM, STACK, run)
}
