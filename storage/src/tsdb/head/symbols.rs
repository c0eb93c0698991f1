//! The strings of a head's labels, each stored once.
//!
//! The reader interns them during the replay; a view holds the pages of its
//! moment. Only the last page changes; it is copied if a view holds it.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Number of strings in a page.
const PAGE: usize = 1024;

/// A string of a head's [`Symbols`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeadSymbol(pub u32);

#[derive(Clone, Debug, Default)]
struct Page {
    text: String,
    ends: Vec<u32>,
}

impl Page {
    fn get(&self, i: usize) -> &str {
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        &self.text[start..self.ends[i] as usize]
    }
}

/// The strings of [`HeadSymbol`]s.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    pages: Vec<Arc<Page>>,
}

impl Symbols {
    /// The number of strings; symbols are numbered from 0 on.
    pub fn len(&self) -> usize {
        match self.pages.last() {
            Some(last) => (self.pages.len() - 1) * PAGE + last.ends.len(),
            None => 0,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// The string of a symbol.
    ///
    /// # Panics
    /// When the symbol is of another head, or newer than this view.
    pub fn get(&self, symbol: HeadSymbol) -> &str {
        let i = symbol.0 as usize;
        self.pages[i / PAGE].get(i % PAGE)
    }

    fn push(&mut self, text: &str) -> HeadSymbol {
        let symbol = HeadSymbol(self.len() as u32);
        if (symbol.0 as usize).is_multiple_of(PAGE) {
            self.pages.push(Arc::default());
        }
        if let Some(page) = self.pages.last_mut().map(Arc::make_mut) {
            page.text.push_str(text);
            page.ends.push(page.text.len() as u32);
        }
        symbol
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = FxBuildHasher.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// Finds or adds the symbol of a string.
#[derive(Debug, Default)]
pub(super) struct Interner {
    pub symbols: Symbols,
    index: HashTable<u32>,
}

impl Interner {
    pub fn intern(&mut self, bytes: &[u8]) -> HeadSymbol {
        let found = self.index.find(hash(bytes), |s| {
            self.symbols.get(HeadSymbol(*s)).as_bytes() == bytes
        });
        if let Some(symbol) = found {
            return HeadSymbol(*symbol);
        }
        // Prometheus accepts only UTF-8, so this changes none of its strings.
        let text = String::from_utf8_lossy(bytes);
        if let std::borrow::Cow::Owned(replaced) = &text {
            return self.intern(replaced.as_bytes());
        }
        let Interner { symbols, index } = self;
        let symbol = symbols.push(&text);
        index.insert_unique(hash(bytes), symbol.0, |s| {
            hash(symbols.get(HeadSymbol(*s)).as_bytes())
        });
        symbol
    }
}
