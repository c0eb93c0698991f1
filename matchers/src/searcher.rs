//! Searches for literals in text.

use aho_corasick::{AhoCorasick, packed};
use memchr::memmem;

use crate::literals::LiteralSet;

/// Most literals of a vector search; with more its filter passes too much.
const MAX_FEW: usize = 32;

/// Finds literals in text.
pub(crate) enum Searcher {
    Nothing,
    One(Box<memmem::Finder<'static>>),
    /// A vector search.
    Few(Box<packed::Searcher>),
    Many(AhoCorasick),
}

impl Searcher {
    pub(crate) fn one(literal: &[u8]) -> Searcher {
        Searcher::One(Box::new(memmem::Finder::new(literal).into_owned()))
    }

    pub(crate) fn of(literals: &LiteralSet) -> Option<Searcher> {
        match literals.as_slice() {
            [only] => Some(Searcher::one(only)),
            all => match few(all) {
                Some(searcher) => Some(Searcher::Few(Box::new(searcher))),
                None => AhoCorasick::builder()
                    .prefilter(false)
                    .build(all)
                    .ok()
                    .map(Searcher::Many),
            },
        }
    }

    /// The first literal in `text`, as start and end.
    #[inline]
    pub(crate) fn find(&self, text: &[u8]) -> Option<(usize, usize)> {
        match self {
            Searcher::Nothing => None,
            Searcher::One(finder) => {
                let at = finder.find(text)?;
                Some((at, at + finder.needle().len()))
            }
            Searcher::Few(all) => all.find(text).map(|m| (m.start(), m.end())),
            Searcher::Many(all) => all.find(text).map(|m| (m.start(), m.end())),
        }
    }
}

/// A vector search for few literals, if the machine supports it. It replaces the
/// prefilters of the automaton, which search for single bytes: these are frequent
/// in labels.
fn few(literals: &[Box<[u8]>]) -> Option<packed::Searcher> {
    if literals.len() > MAX_FEW {
        return None;
    }
    packed::Config::new().builder().extend(literals).build()
}
