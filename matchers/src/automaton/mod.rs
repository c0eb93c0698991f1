//! Automata for patterns that have no simpler class.
//!
//! Building is bounded. A pattern with a small automaton becomes a [`Table`],
//! which is stateless and knows the states from which everything or nothing
//! matches. Any other is determinized as it runs ([`Lazy`]), with a bounded
//! cache for each thread.

mod lazy;
mod table;

use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_syntax::hir::{Hir, Look};

pub(crate) use lazy::{Lazy, Run};
pub(crate) use table::{StateKind, Table};

/// The largest NFA of a pattern, bytes.
pub(crate) const MAX_NFA: usize = 64 << 20;
/// Size of a new stack for recursion over a pattern, bytes: trees have up to
/// 1,000 levels.
const STACK: usize = 8 << 20;
/// The recursion gets a new stack if less than this is left, bytes.
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

/// Runs a recursion over a pattern with enough stack.
pub(crate) fn with_stack<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK_ROOM, STACK, run)
}
