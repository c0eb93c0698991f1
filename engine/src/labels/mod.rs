//! Label sets as a query sees them: interned symbols in one dense list.
//!
//! A plan node's rows are numbered, and the node's [`LabelList`] gives each
//! row's labels. Strings are interned once for a query in a [`SymbolTable`], or
//! lent to it by a store; a label set is a slice of symbol pairs sorted by label
//! name, so that sets compare and hash as integers. Names and values as text
//! appear only where order or output need them.

mod dictionary;
mod grouper;
mod list;
mod table;

pub use dictionary::{Adopted, Dictionary};
pub use grouper::Grouper;
pub use list::LabelList;
pub use table::{SymbolTable, Symbols, SymbolsMut};

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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Label {
    /// The label's name.
    pub name: Symbol,
    /// The label's value, never the empty string.
    pub value: Symbol,
}

/// The value symbol of the label `name` in a set.
pub fn find_label(labels: &[Label], name: Symbol) -> Option<Symbol> {
    labels.iter().find(|l| l.name == name).map(|l| l.value)
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
    use std::cmp::Ordering;

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
