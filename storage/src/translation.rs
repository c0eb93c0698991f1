//! Symbols of a store's own table, as those of a query.

use quarrel_engine::labels::{Label, Symbol, SymbolTable, Symbols, SymbolsMut};

/// What a table's symbols are in another one, as far as it is known: each string is
/// hashed once.
#[derive(Debug, Default)]
pub(crate) struct Known(Vec<Option<Symbol>>);

impl Known {
    /// Translates from one table to another; both are locked meanwhile. The tables
    /// are the same each time.
    pub(crate) fn between<'a>(
        &'a mut self,
        from: &'a SymbolTable,
        to: &'a SymbolTable,
    ) -> Translation<'a> {
        Translation {
            known: &mut self.0,
            from: from.read(),
            to: to.write(),
        }
    }
}

/// See [`Known::between`].
pub(crate) struct Translation<'a> {
    known: &'a mut Vec<Option<Symbol>>,
    from: Symbols<'a>,
    to: SymbolsMut<'a>,
}

impl Translation<'_> {
    fn symbol(&mut self, symbol: Symbol) -> Symbol {
        let at = symbol.0 as usize;
        if at >= self.known.len() {
            self.known.resize(at + 1, None);
        }
        *self.known[at].get_or_insert_with(|| self.to.intern(self.from.get(symbol)))
    }

    /// The label of the other table.
    pub(crate) fn label(&mut self, label: &Label) -> Label {
        Label {
            name: self.symbol(label.name),
            value: self.symbol(label.value),
        }
    }
}
