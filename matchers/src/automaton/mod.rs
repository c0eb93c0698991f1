//! Automata for patterns that have no simpler class.
//!
//! The ladder, from fast to frugal:
//!
//! 1. A small automaton becomes a [`Table`], which is stateless and knows the
//!    states from which everything or nothing matches.
//! 2. A larger one is determinized as it runs ([`Lazy`]), with a bounded cache for
//!    each thread.
//! 3. Where an estimate says that the bytes of the pattern are too many, or where
//!    the budget of the query is spent, characters are matched ([`Program`]): that
//!    needs memory in proportion to the text of the pattern, and always works.
//!
//! A [`Ladder`] begins at the last of them and climbs when the work pays for it.

mod estimate;
mod ladder;
mod lazy;
mod table;

use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_syntax::hir::{Hir, Look};

use crate::budget::{RegexBudget, Reservation};
use crate::codepoint::{Program, Threads};
use crate::pace::Pace;
use crate::syntax::{Ast, translate};

pub(crate) use estimate::nfa_bytes;
pub(crate) use ladder::Ladder;
pub(crate) use lazy::Lazy;
pub(crate) use table::{StateKind, Table};

/// Largest table of an ordinary pattern, and most memory to determinize it, bytes.
/// The limit is reached in about 2 ms.
const SMALL_TABLE: usize = 128 << 10;
/// Largest table at all, bytes.
const LARGE_TABLE: usize = 1 << 20;
/// The largest NFA over bytes by its estimate, bytes. It takes about 10 ms to
/// build.
const MAX_NFA: usize = 1 << 20;
/// Memory to build an NFA, as a multiple of its size: for the intermediate form,
/// the builder's states, and the final ones.
const BUILD: usize = 3;
/// Size of a new stack for recursion over a pattern, bytes: trees have up to
/// 1,000 levels.
const STACK: usize = 8 << 20;
/// The recursion gets a new stack if less than this is left, bytes.
const STACK_ROOM: usize = 1 << 20;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) enum Automaton {
    Table {
        table: Box<Table>,
        _reserved: Reservation,
    },
    Lazy(Box<Lazy>),
    CodePoint(Box<Program>),
}

/// The result of a run over a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    Match,
    NoMatch,
    /// No value with this number of bytes of the value as its prefix matches.
    Dead(usize),
}

impl Automaton {
    /// The automaton of a pattern, as fast as the budget allows.
    #[cfg(test)]
    pub(crate) fn of(ast: &Ast, budget: &RegexBudget) -> Self {
        Automaton::of_bytes(ast, budget, LARGE_TABLE)
            .unwrap_or_else(|| Automaton::CodePoint(Box::new(Program::matching(ast))))
    }

    /// An automaton over bytes, if the budget has room for one: a table up to a
    /// limit, or, if that is the larger one, a lazy one.
    fn of_bytes(ast: &Ast, budget: &RegexBudget, table_limit: usize) -> Option<Self> {
        let estimate = nfa_bytes(ast);
        if estimate > MAX_NFA {
            return None;
        }
        let mut reserved = budget.reserve(BUILD * estimate)?;
        let nfa = build_nfa(translate::for_matching(ast), 2 * estimate)?;
        reserved.shrink_to(nfa.memory_usage());
        if let Some((table, reserved)) = Table::build_within(&nfa, budget, table_limit) {
            return Some(Automaton::Table {
                table: Box::new(table),
                _reserved: reserved,
            });
        }
        if table_limit < LARGE_TABLE {
            return None;
        }
        let lazy = Lazy::new(nfa, Program::matching(ast), budget, reserved)?;
        Some(Automaton::Lazy(Box::new(lazy)))
    }

    #[cfg(test)]
    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        match self {
            Automaton::Table { table, .. } => table.is_match(value),
            _ => self.session().run(value, &mut Pace::new(&mut || true)) == Some(Run::Match),
        }
    }

    /// Takes what several runs can share.
    pub(crate) fn session(&self) -> Session<'_> {
        match self {
            Automaton::Table { table, .. } => Session::Table(table),
            Automaton::Lazy(lazy) => Session::Lazy(lazy.session()),
            Automaton::CodePoint(program) => Session::CodePoint(program, Threads::of(program)),
        }
    }
}

/// An automaton with the memory of its runs.
pub(crate) enum Session<'a> {
    Table(&'a Table),
    Lazy(lazy::Session<'a>),
    CodePoint(&'a Program, Threads),
}

impl Session<'_> {
    /// The states that runs over code points visited until now.
    pub(crate) fn visits(&self) -> usize {
        match self {
            Session::CodePoint(_, threads) => threads.visits(),
            Session::Table(_) | Session::Lazy(_) => 0,
        }
    }

    /// Runs over a value; `None` if the rest is not wanted any more.
    pub(crate) fn run(&mut self, value: &[u8], pace: &mut Pace<'_>) -> Option<Run> {
        match self {
            Session::Table(table) => {
                pace.spend(value.len())?;
                Some(match table.is_match(value) {
                    true => Run::Match,
                    false => Run::NoMatch,
                })
            }
            Session::Lazy(session) => session.run(value, pace),
            Session::CodePoint(program, threads) => program.run(threads, value, pace),
        }
    }
}

/// The NFA that matches a whole value; `None` if it is larger than a limit, bytes.
pub(crate) fn build_nfa(hir: Hir, limit: usize) -> Option<NFA> {
    let (start, end) = (Hir::look(Look::Start), Hir::look(Look::End));
    let hir = Hir::concat(vec![start, hir, end]);
    let config = thompson::Config::new()
        .utf8(false)
        .nfa_size_limit(Some(limit))
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

#[cfg(test)]
mod tests;
