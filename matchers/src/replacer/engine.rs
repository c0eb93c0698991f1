//! Finds groups, as fast as the budget allows.

use std::ops::Range;

use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_automata::util::pool::Pool;

use crate::automaton::{nfa_bytes, with_stack};
use crate::budget::{RegexBudget, Reservation};
use crate::codepoint::{Groups, Program};
use crate::syntax::{Ast, translate};

/// Largest NFA over bytes by its estimate, bytes. The engines take some milliseconds
/// to build.
const MAX_NFA: usize = 64 << 10;
/// Memory to build the engines over bytes, as a multiple of the NFA's size: there
/// is one for each direction, and each is built of an intermediate form.
const BUILD: usize = 8;
/// Limit of each table of those engines, bytes.
const TABLE: usize = 128 << 10;
/// Size of a lazy automaton's cache, bytes.
const LAZY_CACHE: usize = 256 << 10;
/// Memory of a cache for one thread, bytes: two lazy automata, and the states
/// of the search for groups.
const CACHE: usize = 1 << 20;
/// Most slots of all states, for which that is enough.
const MAX_SLOTS: usize = 16 << 10;

/// A cache, if the budget had room for it when it was first needed.
type Slot = Option<(Box<meta::Cache>, Reservation)>;

/// The ladder of ways to find groups.
pub(super) enum Engine {
    Bytes(Box<Bytes>),
    CodePoint(Program),
}

/// The engines over bytes.
pub(super) struct Bytes {
    regex: meta::Regex,
    caches: Pool<Slot, fn() -> Slot>,
    budget: RegexBudget,
    /// For threads without a cache.
    slow: Program,
    _reserved: Reservation,
}

/// The groups of a match.
pub(super) enum Found<'a> {
    All(Captures),
    Some(&'a [usize], Groups),
}

impl Found<'_> {
    /// The byte range of a group, if it has a match and is one of those that were
    /// wanted.
    pub(super) fn get(&self, group: usize) -> Option<Range<usize>> {
        match self {
            Found::All(captures) => captures.get_group(group).map(|span| span.range()),
            Found::Some(wanted, groups) => groups[wanted.binary_search(&group).ok()?].clone(),
        }
    }
}

impl Engine {
    pub(super) fn of(ast: &Ast, groups: usize, budget: &RegexBudget) -> Self {
        with_stack(|| {
            let slow = Program::capturing(ast);
            match bytes(ast, groups, budget) {
                Some((regex, reserved)) => Engine::Bytes(Box::new(Bytes {
                    regex,
                    caches: Pool::new(|| None),
                    budget: budget.clone(),
                    slow,
                    _reserved: reserved,
                })),
                None => Engine::CodePoint(slow),
            }
        })
    }

    /// Finds some groups, given in ascending order.
    pub(super) fn find<'a>(&self, text: &str, wanted: &'a [usize]) -> Option<Found<'a>> {
        let slow = match self {
            Engine::CodePoint(program) => program,
            Engine::Bytes(bytes) => {
                let mut cache = bytes.caches.get();
                if cache.is_none() {
                    let reserved = bytes.budget.reserve(CACHE);
                    *cache = reserved.map(|r| (Box::new(bytes.regex.create_cache()), r));
                }
                if let Some((cache, _)) = &mut *cache {
                    let mut captures = bytes.regex.create_captures();
                    bytes
                        .regex
                        .search_captures_with(cache, &text.into(), &mut captures);
                    return captures.is_match().then_some(Found::All(captures));
                }
                &bytes.slow
            }
        };
        let groups = slow.find(text.as_bytes(), wanted)?;
        Some(Found::Some(wanted, groups))
    }
}

fn bytes(ast: &Ast, groups: usize, budget: &RegexBudget) -> Option<(meta::Regex, Reservation)> {
    let estimate = nfa_bytes(ast);
    // A state of the NFA takes at least 24 bytes.
    if estimate > MAX_NFA || estimate / 24 * (groups + 1) > MAX_SLOTS {
        return None;
    }
    let mut reserved = budget.reserve(BUILD * estimate + 2 * TABLE)?;
    let config = meta::Config::new()
        .nfa_size_limit(Some(2 * estimate))
        .onepass_size_limit(Some(TABLE))
        .dfa_size_limit(Some(TABLE))
        .hybrid_cache_capacity(LAZY_CACHE);
    let hir = translate::for_captures(ast);
    let regex = meta::Builder::new().configure(config).build_from_hir(&hir);
    let regex = regex.ok()?;
    reserved.shrink_to(regex.memory_usage());
    Some((regex, reserved))
}
