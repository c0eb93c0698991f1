//! Label sets as a query sees them: interned symbols in one dense list.
//!
//! A plan node's rows are numbered, and the node's [`LabelList`] gives each
//! row's labels. Strings are interned once for a query in a [`SymbolTable`];
//! a label set is a slice of symbol pairs sorted by label name, so that sets
//! compare and hash as integers. Names and values as text appear only where
//! order or output need them.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{self, AtomicUsize};

use parking_lot::{RwLock, RwLockReadGuard};
use rustc_hash::{FxHashMap, FxHasher};

/// An interned string of one [`SymbolTable`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Symbol(pub u32);

/// The symbols that every table knows, in this order.
const WELL_KNOWN: [&str; 5] = ["", "__name__", "__type__", "__unit__", "le"];

impl Symbol {
    /// The empty string.
    pub const EMPTY: Symbol = Symbol(0);
    /// `__name__`
    pub const NAME: Symbol = Symbol(1);
    /// `__type__`
    pub const TYPE: Symbol = Symbol(2);
    /// `__unit__`
    pub const UNIT: Symbol = Symbol(3);
    /// `le`, the upper bound of a classic histogram's bucket
    pub const LE: Symbol = Symbol(4);

    /// Whether a label of this name goes when the metric name is dropped:
    /// the name, its type and its unit.
    pub fn is_metadata(self) -> bool {
        matches!(self, Symbol::NAME | Symbol::TYPE | Symbol::UNIT)
    }
}

/// One label: name and value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Label {
    /// The label's name.
    pub name: Symbol,
    /// The label's value, never the empty string.
    pub value: Symbol,
}

/// The strings of a query, each stored once.
///
/// Connectors intern while they select, binding while it makes new labels;
/// reading takes a shared lock once for many look-ups.
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
}

fn hash_text(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Inner {
    fn get(&self, symbol: u32) -> &str {
        let i = symbol as usize;
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        &self.text[start..self.ends[i] as usize]
    }

    fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * 4 + self.index.capacity() * 5
    }

    fn find(&self, text: &str) -> Option<Symbol> {
        self.index
            .find(hash_text(text), |&s| self.get(s) == text)
            .map(|&s| Symbol(s))
    }

    fn intern(&mut self, text: &str) -> Symbol {
        if let Some(symbol) = self.find(text) {
            return symbol;
        }
        let end = u32::try_from(self.text.len() + text.len())
            .expect("a query's label strings stay below 4 GiB: the memory limit is far below");
        self.text.push_str(text);
        let symbol = self.ends.len() as u32;
        self.ends.push(end);
        let Inner {
            text: all,
            ends,
            index,
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
        if let Some(symbol) = self.inner.read().find(text) {
            return symbol;
        }
        self.write().intern(text)
    }

    /// The symbol of `text` if some label set has it.
    pub fn lookup(&self, text: &str) -> Option<Symbol> {
        self.inner.read().find(text)
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

    /// Orders two label sets as Prometheus does: label by label, first by
    /// name, then by value; a set that is a prefix of the other comes first.
    pub fn compare(&self, a: &[Label], b: &[Label]) -> Ordering {
        for (x, y) in a.iter().zip(b) {
            if x.name != y.name {
                return self.get(x.name).cmp(self.get(y.name));
            }
            if x.value != y.value {
                return self.get(x.value).cmp(self.get(y.value));
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

/// The value symbol of the label `name` in a set.
pub fn find_label(labels: &[Label], name: Symbol) -> Option<Symbol> {
    labels.iter().find(|l| l.name == name).map(|l| l.value)
}

/// The label sets of a plan node's rows, row by row.
#[derive(Clone, Debug, Default)]
pub struct LabelList {
    labels: Vec<Label>,
    ends: Vec<u32>,
}

impl LabelList {
    /// A list without rows.
    pub fn new() -> Self {
        LabelList::default()
    }

    /// A list of one row without labels, as scalars have it.
    pub fn one_empty() -> Self {
        LabelList {
            labels: Vec::new(),
            ends: vec![0],
        }
    }

    /// Room for `rows` rows of about `labels` labels each.
    pub fn with_capacity(rows: usize, labels: usize) -> Self {
        LabelList {
            labels: Vec::with_capacity(rows * labels),
            ends: Vec::with_capacity(rows),
        }
    }

    /// Appends a row; its labels are sorted by name and none has an empty value.
    pub fn push(&mut self, labels: impl IntoIterator<Item = Label>) {
        self.labels.extend(labels);
        let end = u32::try_from(self.labels.len()).expect("a label list stays below 2^32 labels");
        self.ends.push(end);
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The labels of a row.
    pub fn get(&self, row: usize) -> &[Label] {
        let start = if row == 0 {
            0
        } else {
            self.ends[row - 1] as usize
        };
        &self.labels[start..self.ends[row] as usize]
    }

    /// All rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[Label]> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Bytes that the list holds.
    pub fn bytes(&self) -> usize {
        self.labels.capacity() * size_of::<Label>() + self.ends.capacity() * 4
    }

    /// About the bytes that `rows` of its rows hold.
    pub fn bytes_of(&self, rows: usize) -> usize {
        let labels = self.labels.len().div_ceil(self.len().max(1));
        rows * (labels * size_of::<Label>() + size_of::<u32>())
    }

    /// The rows at `order`, in that order.
    pub fn take(&self, order: &[u32]) -> LabelList {
        let mut out = LabelList::with_capacity(order.len(), 8);
        for &row in order {
            out.push(self.get(row as usize).iter().copied());
        }
        out
    }

    /// Every row changed by `edit`, which gets the row's labels and an empty
    /// buffer to fill.
    pub fn map(&self, mut edit: impl FnMut(&[Label], &mut Vec<Label>)) -> LabelList {
        let mut out = LabelList::with_capacity(self.len(), 8);
        let mut buffer = Vec::new();
        for row in self.iter() {
            buffer.clear();
            edit(row, &mut buffer);
            out.push(buffer.iter().copied());
        }
        out
    }

    /// Every row without its metric name, type and unit, and whether all rows
    /// had the same of these, so that rows that differed still differ. `None`
    /// if no row has any.
    pub fn without_metadata(&self) -> Option<(LabelList, bool)> {
        let first = self.iter().next().map(metadata)?;
        let same = self.has_one_metadata();
        if same && first.is_empty() {
            return None;
        }
        let list =
            self.map(|row, out| out.extend(row.iter().copied().filter(|l| !l.name.is_metadata())));
        Some((list, same))
    }

    /// Whether all rows have the same name, type and unit.
    pub fn has_one_metadata(&self) -> bool {
        let mut rows = self.iter().map(metadata);
        let first = rows.next();
        rows.all(|row| Some(row) == first)
    }

    /// Groups equal rows: for each row the number of its group, in order of
    /// first appearance, and the number of groups.
    pub fn distinct(&self) -> (Vec<u32>, usize) {
        let mut groups = Grouper::default();
        let ids = self.iter().map(|row| groups.id_of(row)).collect();
        (ids, groups.len())
    }
}

/// The labels of a row that are metadata.
fn metadata(row: &[Label]) -> smallvec::SmallVec<[Label; 3]> {
    let own = row.iter().copied();
    own.filter(|label| label.name.is_metadata()).collect()
}

/// Numbers label sets in order of first appearance.
#[derive(Default, Debug)]
pub struct Grouper {
    ids: FxHashMap<Box<[Label]>, u32>,
}

impl Grouper {
    /// The number of `labels`, a new one if the set was not seen yet.
    pub fn id_of(&mut self, labels: &[Label]) -> u32 {
        if let Some(&id) = self.ids.get(labels) {
            return id;
        }
        let id = self.ids.len() as u32;
        self.ids.insert(labels.into(), id);
        id
    }

    /// The number of `labels` if the set was seen.
    pub fn find(&self, labels: &[Label]) -> Option<u32> {
        self.ids.get(labels).copied()
    }

    /// How many sets were seen.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether no set was seen.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Sets a label in a set that is sorted by name; an empty value removes it.
pub fn set_label(labels: &mut Vec<Label>, label: Label, symbols: &Symbols<'_>) {
    if label.value == Symbol::EMPTY {
        labels.retain(|l| l.name != label.name);
        return;
    }
    if let Some(found) = labels.iter_mut().find(|l| l.name == label.name) {
        found.value = label.value;
        return;
    }
    let name = symbols.get(label.name);
    let at = labels.partition_point(|l| symbols.get(l.name) < name);
    labels.insert(at, label);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(table: &SymbolTable, pairs: &[(&str, &str)]) -> Vec<Label> {
        pairs
            .iter()
            .map(|(n, v)| Label {
                name: table.intern(n),
                value: table.intern(v),
            })
            .collect()
    }

    #[test]
    fn interning_gives_one_symbol_a_string() {
        let table = SymbolTable::new();
        assert_eq!(table.intern("__name__"), Symbol::NAME);
        assert_eq!(table.intern("le"), Symbol::LE);
        let a = table.intern("pod");
        assert_eq!(table.intern("pod"), a);
        assert_ne!(table.intern("po"), a);
        assert_eq!(table.read().get(a), "pod");
        for i in 0..1000 {
            table.intern(&format!("value-{i}"));
        }
        assert_eq!(
            table
                .lookup("value-777")
                .map(|s| table.read().get(s).to_string())
                .as_deref(),
            Some("value-777")
        );
        assert_eq!(table.lookup("nope"), None);
    }

    #[test]
    fn sets_compare_by_text_not_by_symbol() {
        let table = SymbolTable::new();
        let b = set(&table, &[("a", "2")]);
        let a = set(&table, &[("a", "1")]);
        let long = set(&table, &[("a", "1"), ("b", "1")]);
        let symbols = table.read();
        assert_eq!(symbols.compare(&a, &b), Ordering::Less);
        assert_eq!(symbols.compare(&a, &long), Ordering::Less);
        assert_eq!(symbols.compare(&long, &long), Ordering::Equal);
    }

    #[test]
    fn set_label_keeps_the_order_of_names() {
        let table = SymbolTable::new();
        let mut labels = set(&table, &[("a", "1"), ("c", "3")]);
        let b = Label {
            name: table.intern("b"),
            value: table.intern("2"),
        };
        set_label(&mut labels, b, &table.read());
        let names: Vec<String> = labels
            .iter()
            .map(|l| table.read().get(l.name).to_string())
            .collect();
        assert_eq!(names, ["a", "b", "c"]);
        set_label(
            &mut labels,
            Label {
                value: Symbol::EMPTY,
                ..b
            },
            &table.read(),
        );
        assert_eq!(labels.len(), 2);
    }

    #[test]
    fn display_is_as_prometheus_prints() {
        let table = SymbolTable::new();
        let labels = set(&table, &[("__name__", "up"), ("job", "a\"b")]);
        assert_eq!(table.read().display(&labels), "up{job=\"a\\\"b\"}");
        assert_eq!(
            table.read().display_braces(&labels),
            "{__name__=\"up\", job=\"a\\\"b\"}"
        );
        assert_eq!(table.read().display(&[]), "{}");
    }
}
