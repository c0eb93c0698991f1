//! A large automaton that is determinized as it runs.

use std::panic::{RefUnwindSafe, UnwindSafe};

use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{NFA, pikevm::PikeVM};
use regex_automata::util::pool::{Pool, PoolGuard};
use regex_automata::util::start;
use regex_automata::{Anchored, Input, MatchKind};

/// Size of a cache, bytes.
const LAZY_CACHE: usize = 4 << 20;

type Create = Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// A lazy automaton with a pool of caches. Each thread takes its own, so threads
/// do not wait for each other.
pub(crate) struct Lazy {
    nfa: NFA,
    /// `None` if the automaton is too large even for an empty cache.
    hybrid: Option<Hybrid>,
}

struct Hybrid {
    dfa: DFA,
    caches: Pool<Cache, Create>,
}

/// The result of a run over a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    Match,
    NoMatch,
    /// No value with this number of bytes of the value as its prefix matches.
    Dead(usize),
}

impl std::fmt::Debug for Lazy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lazy({} NFA states)", self.nfa.states().len())
    }
}

impl Lazy {
    pub(crate) fn new(nfa: NFA) -> Self {
        let config = Config::new()
            .match_kind(MatchKind::All)
            .cache_capacity(LAZY_CACHE)
            .skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa.clone());
        let hybrid = dfa.ok().map(|dfa| {
            let for_caches = dfa.clone();
            Hybrid {
                dfa,
                caches: Pool::new(Box::new(move || for_caches.create_cache())),
            }
        });
        Lazy { nfa, hybrid }
    }

    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        self.session().run(value) == Run::Match
    }

    /// Takes a cache for several runs.
    pub(crate) fn session(&self) -> Session<'_> {
        Session {
            lazy: self,
            hybrid: self.hybrid.as_ref().map(|h| (&h.dfa, h.caches.get())),
        }
    }
}

/// A lazy automaton with its own cache.
pub(crate) struct Session<'a> {
    lazy: &'a Lazy,
    hybrid: Option<(&'a DFA, PoolGuard<'a, Cache, Create>)>,
}

impl Session<'_> {
    pub(crate) fn run(&mut self, value: &[u8]) -> Run {
        if let Some((dfa, cache)) = &mut self.hybrid
            && let Some(run) = run_hybrid(dfa, cache, value)
        {
            return run;
        }
        // Slower, but never gives up.
        let matches = PikeVM::new_from_nfa(self.lazy.nfa.clone()).is_ok_and(|vm| {
            let input = Input::new(value).anchored(Anchored::Yes);
            vm.is_match(&mut vm.create_cache(), input)
        });
        if matches { Run::Match } else { Run::NoMatch }
    }
}

/// `None` if the automaton gives up.
fn run_hybrid(dfa: &DFA, cache: &mut Cache, value: &[u8]) -> Option<Run> {
    let anchored = start::Config::new().anchored(Anchored::Yes);
    let mut state = dfa.start_state(cache, &anchored).ok()?;
    for (at, &byte) in value.iter().enumerate() {
        if state.is_dead() {
            return Some(Run::Dead(at));
        }
        state = dfa.next_state(cache, state, byte).ok()?;
    }
    let end = dfa.next_eoi_state(cache, state).ok()?;
    Some(if end.is_match() {
        Run::Match
    } else {
        Run::NoMatch
    })
}

#[cfg(test)]
mod tests {
    use super::super::build_nfa;
    use super::*;
    use crate::syntax::{Dialect, parse, translate};

    fn lazy(pattern: &str) -> Lazy {
        let ast = parse(pattern, Dialect::Matcher).unwrap().ast;
        Lazy::new(build_nfa(translate::for_matching(&ast)).unwrap())
    }

    #[test]
    fn runs_and_says_when_nothing_can_follow() {
        let lazy = lazy("(a|b)*a(a|b){12}");
        let mut session = lazy.session();
        assert_eq!(session.run(b"ba0123"), Run::Dead(3));
        assert_eq!(session.run(&b"ba".repeat(7)), Run::Match);
        assert_eq!(session.run(&b"b".repeat(14)), Run::NoMatch);
        assert_eq!(session.run(b""), Run::NoMatch);
    }

    #[test]
    fn both_ways_agree() {
        let lazy = lazy("(?i)x(é|ß|k)+[^a-f]{2,5}");
        let slow = Lazy {
            nfa: lazy.nfa.clone(),
            hybrid: None,
        };
        for value in ["", "xé12", "XÉ\u{212a}1", "xka", "xkxyzzyz", "xßß\n\n"] {
            let value = value.as_bytes();
            assert_eq!(lazy.is_match(value), slow.is_match(value), "{value:?}");
        }
    }

    #[test]
    fn threads_share_it() {
        let lazy = lazy("(a|b)*a(a|b){14}");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..200u32 {
                        let value: Vec<u8> = (0..15).map(|i| b'a' + (n >> i & 1) as u8).collect();
                        assert_eq!(lazy.is_match(&value), n & 1 == 0);
                    }
                });
            }
        });
    }
}
