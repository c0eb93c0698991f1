//! Strings that a store has sorted already, as symbols without a copy.
//!
//! The select of a million series would copy a million strings into the table of
//! a query, and hash each. A store that keeps its strings in a sorted list lends
//! that instead ([`SymbolTable::adopt`](super::SymbolTable::adopt)): the number
//! of a string in the list becomes its symbol.
//!
//! What it is bad at: a string that is new to the query is looked for in the
//! list by binary search, so a list is worth lending only to selects that name
//! much of it.

use std::fmt::Debug;
use std::sync::Arc;

use super::Symbol;

/// The sorted strings of a store.
pub trait Dictionary: Debug + Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// String `number`, counted from 0; the empty string if there is none. The
    /// strings ascend, byte by byte, and no two are equal. It gives the same
    /// string each time.
    fn get(&self, number: u32) -> &str;
}

/// The first symbol of adopted strings. Other strings are never so many: they
/// have less than 4 GiB together, and differ.
pub(super) const FIRST: u32 = 1 << 31;

/// The symbols of a dictionary's strings.
#[derive(Clone, Debug)]
pub struct Adopted {
    /// Strings that the table knew before, by number in the dictionary, with the
    /// symbols that they keep.
    known: Arc<[(u32, Symbol)]>,
}

impl Adopted {
    /// The symbol of string `number` of the dictionary.
    #[inline]
    pub fn symbol(&self, number: u32) -> Symbol {
        match self.known.binary_search_by_key(&number, |known| known.0) {
            Ok(at) => self.known[at].1,
            Err(_) => Symbol(FIRST | number),
        }
    }
}

/// A dictionary in a table.
#[derive(Debug)]
pub(super) struct Lent {
    dictionary: Arc<dyn Dictionary>,
    adopted: Adopted,
}

impl Lent {
    /// Takes a dictionary in beside the strings `known`. `None` if it is too
    /// large.
    pub fn new<'a>(
        dictionary: Arc<dyn Dictionary>,
        known: impl Iterator<Item = (&'a str, Symbol)>,
    ) -> Option<Self> {
        if dictionary.len() > FIRST as usize {
            return None;
        }
        let found = known.filter_map(|(text, symbol)| Some((find(&*dictionary, text)?, symbol)));
        let mut known: Vec<(u32, Symbol)> = found.collect();
        known.sort_unstable_by_key(|known| known.0);
        Some(Lent {
            dictionary,
            adopted: Adopted {
                known: known.into(),
            },
        })
    }

    /// The symbols of `dictionary`, if this is it.
    pub fn of(&self, dictionary: &Arc<dyn Dictionary>) -> Option<Adopted> {
        let same = std::ptr::addr_eq(Arc::as_ptr(&self.dictionary), Arc::as_ptr(dictionary));
        same.then(|| self.adopted())
    }

    /// The symbols of the dictionary.
    pub fn adopted(&self) -> Adopted {
        self.adopted.clone()
    }

    /// The string of a symbol from [`FIRST`] on.
    pub fn get(&self, symbol: u32) -> &str {
        self.dictionary.get(symbol - FIRST)
    }

    /// The symbol of a string that the table does not know otherwise.
    pub fn find(&self, text: &str) -> Option<Symbol> {
        find(&*self.dictionary, text).map(|number| Symbol(FIRST | number))
    }
}

/// The number of a string.
fn find(dictionary: &dyn Dictionary, text: &str) -> Option<u32> {
    let (mut low, mut high) = (0, dictionary.len() as u32);
    while low < high {
        let middle = low + (high - low) / 2;
        match dictionary.get(middle).cmp(text) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Equal => return Some(middle),
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::{Label, SymbolTable};

    #[derive(Debug)]
    struct Sorted(Vec<&'static str>);

    impl Dictionary for Sorted {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn get(&self, number: u32) -> &str {
            self.0.get(number as usize).copied().unwrap_or_default()
        }
    }

    fn sorted(texts: &[&'static str]) -> Arc<dyn Dictionary> {
        Arc::new(Sorted(texts.to_vec()))
    }

    #[test]
    fn a_string_has_one_symbol_wherever_it_comes_from() {
        let table = SymbolTable::new();
        let early = table.intern("job");
        let texts = ["", "__name__", "api", "job", "pod", "web"];
        let dictionary = sorted(&texts);
        let adopted = table.adopt(&dictionary).unwrap();
        assert_eq!(adopted.symbol(0), Symbol::EMPTY);
        assert_eq!(adopted.symbol(1), Symbol::NAME);
        assert_eq!(adopted.symbol(3), early);
        let late = table.intern("zone");
        for (number, text) in (0..).zip(texts) {
            let symbol = adopted.symbol(number);
            assert_eq!(table.read().get(symbol), text);
            assert_eq!(table.lookup(text), Some(symbol));
            assert_eq!(table.intern(text), symbol);
            assert_ne!(symbol, late);
        }
        assert_eq!(table.lookup("nowhere"), None);
        assert_eq!(table.read().get(late), "zone");
    }

    #[test]
    fn a_string_that_was_missing_is_looked_for_in_what_came_since() {
        let table = SymbolTable::new();
        let [a, z] = ["a", "z"].map(|text| table.find_or_missing(text).unwrap_err());
        let adopted = table.adopt(&sorted(&["a", "b"])).unwrap();
        assert_eq!(table.add("a", a), adopted.symbol(0));
        let late = table.add("z", z);
        assert_eq!(table.intern("z"), late);
        let missing = table.find_or_missing("y").unwrap_err();
        let early = table.intern("y");
        assert_eq!(table.add("y", missing), early);
    }

    #[test]
    fn a_table_has_one_dictionary() {
        let table = SymbolTable::new();
        let (one, other) = (sorted(&["a", "b"]), sorted(&["a", "b"]));
        let first = table.adopt(&one).unwrap();
        assert!(table.adopt(&other).is_none());
        assert_eq!(table.adopt(&one).unwrap().symbol(1), first.symbol(1));
        let crowded = SymbolTable::new();
        (0..200).for_each(|i| _ = crowded.intern(&i.to_string()));
        assert!(crowded.adopt(&one).is_none());
    }

    #[test]
    fn adopted_strings_compare_by_text() {
        let table = SymbolTable::new();
        let early = table.intern("m");
        let adopted = table.adopt(&sorted(&["a", "m", "z"])).unwrap();
        let set = |value| {
            let name = Symbol::NAME;
            [Label { name, value }]
        };
        let [a, m, z] = [0, 1, 2].map(|number| set(adopted.symbol(number)));
        let symbols = table.read();
        assert_eq!(m, set(early));
        assert!(symbols.compare(&a, &m).is_lt() && symbols.compare(&m, &z).is_lt());
        assert!(symbols.compare(&z, &a).is_gt() && symbols.compare(&z, &z).is_eq());
    }
}
