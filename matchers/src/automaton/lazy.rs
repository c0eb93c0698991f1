//! A large automaton that is determinized as it runs.

use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::NFA;
use regex_automata::util::pool::{Pool, PoolGuard};
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

use super::Run;
use crate::budget::{RegexBudget, Reservation};
use crate::codepoint::{Program, Threads};
use crate::pace::{PERIOD, Pace};

/// Size of a cache, bytes. Automata that need more mostly make states that are
/// never used again.
const LAZY_CACHE: usize = 1 << 20;
/// After so many full caches an automaton gives up if it makes states too often.
const MIN_CLEARS: usize = 4;
/// Too often: more than one state in so many bytes. A state costs as much as
/// the slow way over some bytes.
const MIN_BYTES_A_STATE: usize = 8;

/// A cache, if the budget had room for it when it was first needed.
type Slot = Option<(Cache, Reservation)>;
type Slots = Pool<Slot, fn() -> Slot>;

/// A lazy automaton with a pool of caches. Each thread takes its own, so threads
/// do not wait for each other.
pub(crate) struct Lazy {
    dfa: DFA,
    caches: Slots,
    /// For threads without a cache, and where the automaton gives up.
    slow: Program,
    budget: RegexBudget,
    /// For the NFA.
    _reserved: Reservation,
}

impl std::fmt::Debug for Lazy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lazy({} NFA states)", self.dfa.get_nfa().states().len())
    }
}

impl Lazy {
    /// `None` if the automaton is too large even for an empty cache.
    pub(super) fn new(
        nfa: NFA,
        slow: Program,
        budget: &RegexBudget,
        reserved: Reservation,
    ) -> Option<Self> {
        let config = Config::new()
            .match_kind(MatchKind::All)
            .cache_capacity(LAZY_CACHE)
            .minimum_cache_clear_count(Some(MIN_CLEARS))
            .minimum_bytes_per_state(Some(MIN_BYTES_A_STATE));
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        Some(Lazy {
            dfa,
            caches: Pool::new(|| None),
            slow,
            budget: budget.clone(),
            _reserved: reserved,
        })
    }

    /// Takes a cache for several runs.
    pub(crate) fn session(&self) -> Session<'_> {
        let mut cache = self.caches.get();
        if cache.is_none() {
            let reserved = self.budget.reserve(LAZY_CACHE);
            *cache = reserved.map(|reserved| (self.dfa.create_cache(), reserved));
        }
        Session {
            lazy: self,
            cache,
            threads: None,
        }
    }
}

/// A lazy automaton with its own cache.
pub(crate) struct Session<'a> {
    lazy: &'a Lazy,
    cache: PoolGuard<'a, Slot, fn() -> Slot>,
    threads: Option<Threads>,
}

/// Why a run has no result.
enum Halt {
    GaveUp,
    NotWanted,
}

impl Session<'_> {
    /// Runs over a value; `None` if the rest is not wanted any more.
    pub(crate) fn run(&mut self, value: &[u8], pace: &mut Pace<'_>) -> Option<Run> {
        let lazy = self.lazy;
        if let Some((cache, _)) = &mut *self.cache {
            match run_hybrid(&lazy.dfa, cache, value, pace) {
                Ok(run) => return Some(run),
                Err(Halt::NotWanted) => return None,
                Err(Halt::GaveUp) => {}
            }
        }
        let threads = self.threads.get_or_insert_with(|| Threads::of(&lazy.slow));
        lazy.slow.run(threads, value, pace)
    }
}

fn run_hybrid(
    dfa: &DFA,
    cache: &mut Cache,
    value: &[u8],
    pace: &mut Pace<'_>,
) -> Result<Run, Halt> {
    let anchored = start::Config::new().anchored(Anchored::Yes);
    let mut state = dfa
        .start_state(cache, &anchored)
        .map_err(|_| Halt::GaveUp)?;
    cache.search_start(0);
    let mut at = 0;
    for piece in value.chunks(PERIOD) {
        pace.spend(piece.len()).ok_or(Halt::NotWanted)?;
        for &byte in piece {
            if state.is_dead() {
                cache.search_finish(at);
                return Ok(Run::Dead(at));
            }
            let next = dfa.next_state(cache, state, byte);
            state = next.map_err(|_| Halt::GaveUp)?;
            at += 1;
        }
        cache.search_update(at);
    }
    cache.search_finish(at);
    let end = dfa.next_eoi_state(cache, state);
    Ok(match end.map_err(|_| Halt::GaveUp)?.is_match() {
        true => Run::Match,
        false => Run::NoMatch,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Automaton;
    use super::*;
    use crate::syntax::{Dialect, parse};

    fn lazy(pattern: &str, budget: &RegexBudget) -> Lazy {
        let ast = parse(pattern, Dialect::Matcher).unwrap().ast;
        match Automaton::of(&ast, budget) {
            Automaton::Lazy(lazy) => *lazy,
            other => panic!("{other:?}"),
        }
    }

    fn run(session: &mut Session<'_>, value: &[u8]) -> Run {
        session.run(value, &mut Pace::new(&mut || true)).unwrap()
    }

    #[test]
    fn runs_and_says_when_nothing_can_follow() {
        let lazy = lazy("(a|b)*a(a|b){14}", &RegexBudget::default());
        let mut session = lazy.session();
        assert_eq!(run(&mut session, b"ba0123"), Run::Dead(3));
        assert_eq!(run(&mut session, &b"ba".repeat(8)), Run::Match);
        assert_eq!(run(&mut session, &b"ab".repeat(8)), Run::NoMatch);
        assert_eq!(run(&mut session, &b"ba".repeat(9)[..17]), Run::NoMatch);
        assert_eq!(run(&mut session, &b"ba".repeat(9)[1..16]), Run::Match);
        assert_eq!(run(&mut session, b""), Run::NoMatch);
    }

    #[test]
    fn without_a_cache_it_is_slow_and_right() {
        let budget = RegexBudget::default();
        let lazy = lazy("(a|b)*a(a|b){14}", &budget);
        let rest = budget.reserve(budget.limit() - budget.used());
        let mut session = lazy.session();
        assert!(session.cache.is_none());
        assert_eq!(run(&mut session, &b"ba".repeat(9)[1..16]), Run::Match);
        assert_eq!(run(&mut session, b"ba0"), Run::Dead(3));
        drop((session, rest));
        assert!(lazy.session().cache.is_some(), "there is room again");
    }

    #[test]
    fn it_gives_up_where_every_byte_makes_a_state() {
        let lazy = lazy("(a|b)*a(a|b){60}", &RegexBudget::default());
        let mut session = lazy.session();
        let mut random = 1u64;
        for _ in 0..200 {
            let value: Vec<u8> = (0..400)
                .map(|_| {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    b'a' + (random >> 40 & 1) as u8
                })
                .collect();
            let want = value[value.len() - 61] == b'a';
            assert_eq!(run(&mut session, &value) == Run::Match, want);
        }
        assert!(session.threads.is_some());
    }

    #[test]
    fn threads_share_it() {
        let lazy = lazy("(a|b)*a(a|b){14}", &RegexBudget::default());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut session = lazy.session();
                    for n in 0..200u32 {
                        let value: Vec<u8> = (0..15).map(|i| b'a' + (n >> i & 1) as u8).collect();
                        assert_eq!(run(&mut session, &value) == Run::Match, n & 1 == 0);
                    }
                });
            }
        });
    }
}
