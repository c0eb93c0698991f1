//! Caches label values and matched series of blocks, bounded in bytes.
//!
//! An entry holds the values of a label in one piece, or the series that a
//! matcher has found. Above the bound the least recently used entries are
//! dropped.

use std::sync::Arc;

use parking_lot::Mutex;
use quarrel_matchers::{MatchOp, Matcher};
use rustc_hash::FxHashMap;

use super::block::index::Values;

/// Longest key, bytes; longer ones are not likely to be asked again.
const MAX_KEY: usize = 16 << 10;

/// What a matcher asks, as text: a matcher itself would hold its automaton, and
/// the budget of the query that it came with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Condition {
    op: MatchOp,
    name: Box<str>,
    value: Box<str>,
}

impl From<&Matcher> for Condition {
    fn from(matcher: &Matcher) -> Self {
        Condition {
            op: matcher.op(),
            name: matcher.name().into(),
            value: matcher.value().into(),
        }
    }
}

/// The key of an entry: block number and content.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// All values of a label.
    Values(u64, Arc<str>),
    /// The series whose label has a value that satisfies the matcher.
    Matching(u64, Condition),
    /// The series whose label has a value that does not satisfy the matcher.
    Failing(u64, Condition),
}

impl Key {
    fn block(&self) -> u64 {
        match self {
            Key::Values(block, _) | Key::Matching(block, _) | Key::Failing(block, _) => *block,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Key::Values(_, name) => name.len(),
            Key::Matching(_, asked) | Key::Failing(_, asked) => {
                asked.name.len() + asked.value.len()
            }
        }
    }
}

/// The content of an entry.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// The content for [`Key::Values`].
    Values(Arc<Values>),
    /// The content for [`Key::Matching`] and [`Key::Failing`].
    Series(Arc<[u32]>),
}

impl Entry {
    fn bytes(&self) -> usize {
        // An estimate of key, map slot and allocations.
        const OVERHEAD: usize = 200;
        OVERHEAD
            + match self {
                Entry::Values(values) => values.bytes(),
                Entry::Series(ids) => ids.len() * 4,
            }
    }
}

#[derive(Debug, Default)]
struct Inner {
    /// Entries with the clock of their last use.
    entries: FxHashMap<Key, (Entry, u64)>,
    bytes: usize,
    clock: u64,
}

/// A cache that the blocks of a directory share.
#[derive(Debug)]
pub(super) struct Cache {
    inner: Mutex<Inner>,
    limit: usize,
}

impl Cache {
    /// An empty cache of at most `limit` bytes.
    pub fn new(limit: usize) -> Cache {
        Cache {
            inner: Mutex::default(),
            limit,
        }
    }

    /// The entry of a key.
    pub fn get(&self, key: &Key) -> Option<Entry> {
        let mut inner = self.inner.lock();
        inner.clock += 1;
        let clock = inner.clock;
        let (entry, last) = inner.entries.get_mut(key)?;
        *last = clock;
        Some(entry.clone())
    }

    /// Inserts an entry unless it takes more than half of the limit.
    pub fn put(&self, key: Key, entry: Entry) {
        if key.bytes() > MAX_KEY {
            return;
        }
        let bytes = entry.bytes();
        if bytes > self.limit / 2 {
            return;
        }
        let mut inner = self.inner.lock();
        inner.clock += 1;
        let clock = inner.clock;
        inner.bytes += bytes;
        if let Some((old, _)) = inner.entries.insert(key, (entry, clock)) {
            inner.bytes -= old.bytes();
        }
        if inner.bytes > self.limit {
            inner.shrink(self.limit / 4 * 3);
        }
    }

    /// Keeps the entries of some blocks.
    pub fn retain(&self, blocks: impl Fn(u64) -> bool) {
        let mut inner = self.inner.lock();
        let Inner { entries, bytes, .. } = &mut *inner;
        entries.retain(|key, (entry, _)| {
            let keep = blocks(key.block());
            *bytes -= if keep { 0 } else { entry.bytes() };
            keep
        });
    }
}

impl Inner {
    /// Drops the least recently used entries until at most `limit` bytes are
    /// left.
    fn shrink(&mut self, limit: usize) {
        let mut ages: Vec<(u64, usize)> = self
            .entries
            .values()
            .map(|(entry, last)| (*last, entry.bytes()))
            .collect();
        ages.sort_unstable();
        let mut left = self.bytes;
        let dropped = ages.iter().take_while(|(_, bytes)| {
            let drop = left > limit;
            left -= if drop { *bytes } else { 0 };
            drop
        });
        let Some(&(youngest, _)) = dropped.last() else {
            return;
        };
        self.entries.retain(|_, (_, last)| *last > youngest);
        self.bytes = left;
    }
}

#[cfg(test)]
mod tests {
    use quarrel_matchers::MatchOp;

    use super::*;

    fn key(block: u64, value: usize) -> Key {
        Key::Matching(
            block,
            (&Matcher::new(MatchOp::Equal, "a", &value.to_string()).unwrap()).into(),
        )
    }

    fn series(count: usize) -> Entry {
        Entry::Series(vec![0; count].into())
    }

    #[test]
    fn the_least_recently_used_entries_are_dropped() {
        let cache = Cache::new(10_000);
        for i in 0..12 {
            cache.put(key(1, i), series(200));
            assert!(cache.inner.lock().bytes <= 10_000);
            assert!(cache.get(&key(1, 0)).is_some(), "used repeatedly");
        }
        assert!(cache.get(&key(1, 1)).is_none());
        assert!(cache.get(&key(1, 11)).is_some());
        cache.put(key(1, 99), series(5000));
        assert!(cache.get(&key(1, 99)).is_none(), "too large");
        cache.put(key(2, 9), series(100));
        cache.put(key(2, 9), series(200));
        cache.retain(|block| block == 2);
        assert!(cache.get(&key(1, 11)).is_none());
        assert_eq!(cache.inner.lock().bytes, series(200).bytes());
    }
}
