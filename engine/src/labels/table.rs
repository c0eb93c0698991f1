//! The strings of a query.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{self, AtomicUsize};

use parking_lot::{RwLock, RwLockReadGuard};
use rustc_hash::FxHasher;

use super::dictionary::{self, Adopted, Dictionary, Lent};
use super::{Label, Symbol, WELL_KNOWN, find_label};

/// The strings of a query, each stored once.
///
/// Connectors intern while they select, binding while it makes new labels;
/// reading takes a shared lock once for many look-ups. A store may lend its
/// strings instead, see [`SymbolTable::adopt`].
#[derive(Debug)]
pub struct SymbolTable {
    inner: RwLock<Inner>,
    /// What `inner` holds, bytes, to be read without its lock.
    bytes: AtomicUsize,
}

#[derive(Debug)]
struct Inner {
    /// All strings one after the other; `ends[i]` closes symbol `i`.
    text: String,
    ends: Vec<u32>,
    index: hashbrown::HashTable<u32>,
    /// Strings of a store, whose symbols begin behind all others.
    lent: Option<Lent>,
}

/// A string was not in a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missing {
    /// Whether it was not in a dictionary either.
    is_lent: bool,
}

/// Strings that a table may have to take a dictionary in: each is looked for in
/// it.
const MOST_KNOWN: usize = 128;

fn hash_text(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Inner {
    fn get(&self, symbol: u32) -> &str {
        if symbol >= dictionary::FIRST {
            return self.lent.as_ref().map_or("", |lent| lent.get(symbol));
        }
        self.own(symbol)
    }

    /// A string that is no adopted one.
    fn own(&self, symbol: u32) -> &str {
        let i = symbol as usize;
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        &self.text[start..self.ends[i] as usize]
    }

    fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * 4 + self.index.capacity() * 5
    }

    fn find(&self, text: &str) -> Option<Symbol> {
        self.find_own(text)
            .or_else(|| self.lent.as_ref()?.find(text))
    }

    fn find_own(&self, text: &str) -> Option<Symbol> {
        let is_it = |&s: &u32| self.own(s) == text;
        self.index.find(hash_text(text), is_it).map(|&s| Symbol(s))
    }

    fn adopt(&mut self, dictionary: &Arc<dyn Dictionary>) -> Option<Adopted> {
        if let Some(lent) = &self.lent {
            return lent.of(dictionary);
        }
        if self.ends.len() > MOST_KNOWN {
            return None;
        }
        let known = (0..self.ends.len() as u32).map(|i| (self.own(i), Symbol(i)));
        let lent = Lent::new(Arc::clone(dictionary), known)?;
        let adopted = lent.adopted();
        self.lent = Some(lent);
        Some(adopted)
    }

    fn intern(&mut self, text: &str) -> Symbol {
        self.find(text).unwrap_or_else(|| self.add(text))
    }

    /// Takes in a string that is not known.
    fn add(&mut self, text: &str) -> Symbol {
        let end = u32::try_from(self.text.len() + text.len())
            .expect("a query's label strings stay below 4 GiB: the memory limit is far below");
        self.text.push_str(text);
        let symbol = self.ends.len() as u32;
        self.ends.push(end);
        let Inner {
            text: all,
            ends,
            index,
            ..
        } = self;
        let get = |i: u32| {
            let i = i as usize;
            let start = if i == 0 { 0 } else { ends[i - 1] as usize };
            &all[start..ends[i] as usize]
        };
        index.insert_unique(hash_text(text), symbol, |&s| hash_text(get(s)));
        Symbol(symbol)
    }
}

impl Default for SymbolTable {
    fn default() -> Self {
        SymbolTable::new()
    }
}

impl SymbolTable {
    /// A table that knows the strings behind [`Symbol`]'s constants.
    pub fn new() -> Self {
        let mut inner = Inner {
            text: String::new(),
            ends: Vec::new(),
            index: hashbrown::HashTable::new(),
            lent: None,
        };
        for (i, text) in WELL_KNOWN.iter().enumerate() {
            let symbol = inner.intern(text);
            debug_assert_eq!(symbol.0 as usize, i);
        }
        SymbolTable {
            bytes: AtomicUsize::new(inner.bytes()),
            inner: RwLock::new(inner),
        }
    }

    /// The symbol of `text`, made if it is new.
    pub fn intern(&self, text: &str) -> Symbol {
        self.find_or_missing(text)
            .unwrap_or_else(|missing| self.add(text, missing))
    }

    /// The symbol of `text`, or what [`SymbolTable::add`] needs to know.
    pub(crate) fn find_or_missing(&self, text: &str) -> Result<Symbol, Missing> {
        let inner = self.inner.read();
        let is_lent = inner.lent.is_some();
        inner.find(text).ok_or(Missing { is_lent })
    }

    /// Makes a symbol of a string that was missing; it is not looked for in lent
    /// strings again.
    pub(crate) fn add(&self, text: &str, missing: Missing) -> Symbol {
        let SymbolsMut { inner, .. } = &mut self.write();
        let found = match inner.lent.is_some() == missing.is_lent {
            true => inner.find_own(text),
            false => inner.find(text),
        };
        found.unwrap_or_else(|| inner.add(text))
    }

    /// The symbol of `text` if some label set has it.
    pub fn lookup(&self, text: &str) -> Option<Symbol> {
        self.inner.read().find(text)
    }

    /// Makes symbols of a store's strings without a copy. The strings stay with
    /// the store: they count against no query, and the dictionary lives as long
    /// as the table, which answers hold.
    ///
    /// `None` if the table has too many strings already, or those of another
    /// store; then strings are interned one by one.
    pub fn adopt(&self, dictionary: &Arc<dyn Dictionary>) -> Option<Adopted> {
        self.inner.write().adopt(dictionary)
    }

    /// A view for many look-ups under one lock. Do not intern while holding it.
    pub fn read(&self) -> Symbols<'_> {
        Symbols {
            inner: self.inner.read(),
        }
    }

    /// An exclusive view for interning many strings under one lock.
    pub fn write(&self) -> SymbolsMut<'_> {
        SymbolsMut {
            inner: self.inner.write(),
            bytes: &self.bytes,
        }
    }

    /// By how many bytes the table would grow if a string of `length` bytes were
    /// interned; `None` if it has no room for it: all strings together stay
    /// below 4 GiB.
    pub fn growth(&self, length: usize) -> Option<usize> {
        const PLACE: usize = 16;
        let inner = self.inner.read();
        let needed = inner.text.len() + length;
        u32::try_from(needed).ok()?;
        let capacity = inner.text.capacity();
        let grown = if needed <= capacity {
            capacity
        } else {
            needed.max(2 * capacity)
        };
        Some(grown - capacity + PLACE)
    }

    /// Bytes that the table holds. Takes no lock; strings count when the view
    /// that interned them is dropped.
    pub fn bytes(&self) -> usize {
        self.bytes.load(atomic::Ordering::Relaxed)
    }
}

/// A shared view of a [`SymbolTable`].
pub struct Symbols<'a> {
    inner: RwLockReadGuard<'a, Inner>,
}

impl Symbols<'_> {
    /// The text of a symbol.
    pub fn get(&self, symbol: Symbol) -> &str {
        self.inner.get(symbol.0)
    }

    /// The symbol of `text`, if it is known.
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.inner.find(text)
    }

    /// Orders two strings byte by byte.
    pub fn compare_text(&self, a: Symbol, b: Symbol) -> Ordering {
        // Those of a dictionary are sorted.
        if a.0.min(b.0) >= dictionary::FIRST {
            return a.cmp(&b);
        }
        self.get(a).cmp(self.get(b))
    }

    /// Orders two label sets as Prometheus does: label by label, first by
    /// name, then by value; a set that is a prefix of the other comes first.
    pub fn compare(&self, a: &[Label], b: &[Label]) -> Ordering {
        for (x, y) in a.iter().zip(b) {
            if x.name != y.name {
                return self.compare_text(x.name, y.name);
            }
            if x.value != y.value {
                return self.compare_text(x.value, y.value);
            }
        }
        a.len().cmp(&b.len())
    }

    /// The value of a label in a set, the empty string if it has none.
    pub fn value_of(&self, labels: &[Label], name: Symbol) -> &str {
        find_label(labels, name).map_or("", |s| self.get(s))
    }

    /// A label set as Prometheus prints it: `{__name__="up", job="x"}` as
    /// `up{job="x"}`, and `{}` for the empty one (Go's `labels.Labels.String`
    /// prints the name inside the braces; see [`Symbols::display_braces`]).
    pub fn display(&self, labels: &[Label]) -> String {
        let name = self.value_of(labels, Symbol::NAME);
        let rest: Vec<Label> = labels
            .iter()
            .copied()
            .filter(|l| l.name != Symbol::NAME)
            .collect();
        if name.is_empty() {
            return self.display_braces(&rest);
        }
        if rest.is_empty() {
            name.to_string()
        } else {
            format!("{name}{}", self.display_braces(&rest))
        }
    }

    /// A label set with all its labels in braces, as in error texts.
    pub fn display_braces(&self, labels: &[Label]) -> String {
        let mut out = String::from("{");
        for (i, label) in labels.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            let name = self.get(label.name);
            if is_legacy_label_name(name) {
                out.push_str(name);
            } else {
                out.push_str(&quarrel_functions::fmt::quote(name));
            }
            out.push('=');
            out.push_str(&quarrel_functions::fmt::quote(self.get(label.value)));
        }
        out.push('}');
        out
    }
}

fn is_legacy_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// An exclusive view of a [`SymbolTable`].
pub struct SymbolsMut<'a> {
    inner: parking_lot::RwLockWriteGuard<'a, Inner>,
    bytes: &'a AtomicUsize,
}

impl Drop for SymbolsMut<'_> {
    fn drop(&mut self) {
        self.bytes
            .store(self.inner.bytes(), atomic::Ordering::Relaxed);
    }
}

impl SymbolsMut<'_> {
    /// The symbol of `text`, made if it is new.
    pub fn intern(&mut self, text: &str) -> Symbol {
        self.inner.intern(text)
    }

    /// The text of a symbol.
    pub fn get(&self, symbol: Symbol) -> &str {
        self.inner.get(symbol.0)
    }
}
