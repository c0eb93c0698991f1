//! Searches for literals in text.

use aho_corasick::{AhoCorasick, packed};
use memchr::memmem;

use crate::budget::{RegexBudget, Reservation};
use crate::literals::LiteralSet;

/// Most literals of a vector search; with more its filter passes too much.
const MAX_FEW: usize = 32;
/// Most memory of a vector search besides its literals, bytes.
const FEW: usize = 16 << 10;
/// Most literals of an automaton that is a table; larger sets get sparse states.
const MAX_DENSE: usize = 100;
/// Memory of a byte of a literal in an automaton of sparse states, bytes.
const SPARSE: usize = 64;

/// Finds literals in text.
pub(crate) struct Searcher {
    kind: Kind,
    _reserved: Option<Reservation>,
}

enum Kind {
    Nothing,
    One(Box<memmem::Finder<'static>>),
    /// A vector search.
    Few(Box<packed::Searcher>),
    Many(AhoCorasick),
    /// Looks at each position, since the budget is spent.
    Plain {
        literals: LiteralSet,
        first: Box<[bool; 256]>,
    },
}

impl Searcher {
    pub(crate) fn nothing() -> Searcher {
        Searcher {
            kind: Kind::Nothing,
            _reserved: None,
        }
    }

    pub(crate) fn one(literal: &[u8]) -> Searcher {
        // No larger than its literal, so outside of the budget.
        Searcher {
            kind: Kind::One(Box::new(memmem::Finder::new(literal).into_owned())),
            _reserved: None,
        }
    }

    /// Searches for literals of which none is a prefix of another.
    pub(crate) fn of(literals: &LiteralSet, budget: &RegexBudget) -> Searcher {
        match literals.as_slice() {
            [] => Searcher::nothing(),
            [only] => Searcher::one(only),
            all => few(all, budget)
                .or_else(|| many(all, budget))
                .unwrap_or_else(|| plain(literals)),
        }
    }

    /// The first literal in `text`, as start and end.
    #[inline]
    pub(crate) fn find(&self, text: &[u8]) -> Option<(usize, usize)> {
        match &self.kind {
            Kind::Nothing => None,
            Kind::One(finder) => {
                let at = finder.find(text)?;
                Some((at, at + finder.needle().len()))
            }
            Kind::Few(all) => all.find(text).map(|m| (m.start(), m.end())),
            Kind::Many(all) => all.find(text).map(|m| (m.start(), m.end())),
            Kind::Plain { literals, first } => (0..text.len())
                .filter(|&at| first[text[at] as usize])
                .find_map(|at| Some((at, at + literals.prefix_of(&text[at..])?))),
        }
    }
}

fn bytes(literals: &[Box<[u8]>]) -> usize {
    literals.iter().map(|literal| literal.len()).sum()
}

/// A vector search for few literals, if the machine supports it. It replaces the
/// prefilters of the automaton, which search for single bytes: these are frequent
/// in labels.
fn few(literals: &[Box<[u8]>], budget: &RegexBudget) -> Option<Searcher> {
    if literals.len() > MAX_FEW {
        return None;
    }
    let mut reserved = budget.reserve(FEW + 2 * bytes(literals))?;
    let searcher = packed::Config::new().builder().extend(literals).build()?;
    reserved.shrink_to(searcher.memory_usage());
    Some(Searcher {
        kind: Kind::Few(Box::new(searcher)),
        _reserved: Some(reserved),
    })
}

fn many(literals: &[Box<[u8]>], budget: &RegexBudget) -> Option<Searcher> {
    let mut seen = [false; 256];
    for &byte in literals.iter().flatten() {
        seen[byte as usize] = true;
    }
    let row = match literals.len() <= MAX_DENSE {
        true => 4 * (1 + seen.iter().filter(|seen| **seen).count()).next_power_of_two(),
        false => 0,
    };
    let states = bytes(literals) + literals.len() + 4;
    let mut reserved = budget.reserve(states.checked_mul(SPARSE + row)?)?;
    let automaton = AhoCorasick::builder().prefilter(false).build(literals);
    let automaton = automaton.ok()?;
    reserved.shrink_to(automaton.memory_usage());
    Some(Searcher {
        kind: Kind::Many(automaton),
        _reserved: Some(reserved),
    })
}

fn plain(literals: &LiteralSet) -> Searcher {
    let mut first = Box::new([false; 256]);
    for literal in literals.as_slice() {
        if let Some(&byte) = literal.first() {
            first[byte as usize] = true;
        }
    }
    Searcher {
        kind: Kind::Plain {
            literals: literals.clone(),
            first,
        },
        _reserved: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_kinds_find_the_same(
            literals in proptest::collection::vec("[ab]{1,4}", 1..60),
            text in "[abc]{0,30}",
        ) {
            let set = LiteralSet::prefixes(literals.into_iter().map(String::into_bytes).collect());
            let text = text.as_bytes();
            let want = (0..text.len()).find_map(|at| {
                let found = set.as_slice().iter().find(|literal| text[at..].starts_with(literal));
                found.map(|literal| (at, at + literal.len()))
            });
            for budget in [RegexBudget::default(), RegexBudget::new(0)] {
                prop_assert_eq!(Searcher::of(&set, &budget).find(text), want);
            }
        }
    }
}
