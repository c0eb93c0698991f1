//! What selects have found out about blocks' labels, bounded in bytes.
//!
//! Two kinds of things are kept: the values of a label laid end to end, and
//! the series that a matcher has found. When there are too many bytes, those
//! go that were not asked for the longest.

use std::sync::Arc;

use parking_lot::Mutex;
use quarrel_matchers::Matcher;
use rustc_hash::FxHashMap;

use super::block::Values;

/// What is kept, and of which block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// All values of a label.
    Values(u64, Arc<str>),
    /// The series whose label has a value that satisfies the matcher.
    Matching(u64, Matcher),
    /// The series whose label has a value that does not.
    Failing(u64, Matcher),
}

impl Key {
    fn block(&self) -> u64 {
        match self {
            Key::Values(block, _) | Key::Matching(block, _) | Key::Failing(block, _) => *block,
        }
    }
}

/// A thing that is kept.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// See [`Key::Values`].
    Values(Arc<Values>),
    /// See [`Key::Matching`] and [`Key::Failing`].
    Series(Arc<[u32]>),
}

impl Found {
    fn bytes(&self) -> usize {
        // A guess of what the entry itself takes.
        const ENTRY: usize = 200;
        ENTRY
            + match self {
                Found::Values(values) => values.bytes(),
                Found::Series(ids) => ids.len() * 4,
            }
    }
}

#[derive(Debug, Default)]
struct Inner {
    found: FxHashMap<Key, (Found, u64)>,
    bytes: usize,
    clock: u64,
}

/// See the module's words. Shared by all blocks of a directory.
#[derive(Debug)]
pub(super) struct Cache {
    inner: Mutex<Inner>,
    limit: usize,
}

impl Cache {
    /// Keeps at most `limit` bytes.
    pub fn new(limit: usize) -> Cache {
        Cache {
            inner: Mutex::default(),
            limit,
        }
    }

    /// What is kept under a key.
    pub fn get(&self, key: &Key) -> Option<Found> {
        let mut inner = self.inner.lock();
        inner.clock += 1;
        let clock = inner.clock;
        let (found, last) = inner.found.get_mut(key)?;
        *last = clock;
        Some(found.clone())
    }

    /// Keeps a thing, if it is not too large by itself.
    pub fn put(&self, key: Key, found: Found) {
        let bytes = found.bytes();
        if bytes > self.limit / 2 {
            return;
        }
        let mut inner = self.inner.lock();
        inner.clock += 1;
        let clock = inner.clock;
        inner.bytes += bytes;
        if let Some((old, _)) = inner.found.insert(key, (found, clock)) {
            inner.bytes -= old.bytes();
        }
        if inner.bytes > self.limit {
            inner.shrink(self.limit / 4 * 3);
        }
    }

    /// Forgets all blocks but some.
    pub fn retain(&self, blocks: impl Fn(u64) -> bool) {
        let mut inner = self.inner.lock();
        let Inner { found, bytes, .. } = &mut *inner;
        found.retain(|key, (found, _)| {
            let keep = blocks(key.block());
            *bytes -= if keep { 0 } else { found.bytes() };
            keep
        });
    }
}

impl Inner {
    /// Forgets the oldest until at most `limit` bytes are left.
    fn shrink(&mut self, limit: usize) {
        let mut ages: Vec<(u64, usize)> = self
            .found
            .values()
            .map(|(found, last)| (*last, found.bytes()))
            .collect();
        ages.sort_unstable();
        let mut left = self.bytes;
        let gone = ages.iter().take_while(|(_, bytes)| {
            let goes = left > limit;
            left -= if goes { *bytes } else { 0 };
            goes
        });
        let Some(&(youngest, _)) = gone.last() else {
            return;
        };
        self.found.retain(|_, (_, last)| *last > youngest);
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
            Matcher::new(MatchOp::Equal, "a", &value.to_string()).unwrap(),
        )
    }

    fn series(count: usize) -> Found {
        Found::Series(vec![0; count].into())
    }

    #[test]
    fn the_oldest_go_when_there_is_too_much() {
        let cache = Cache::new(10_000);
        for i in 0..12 {
            cache.put(key(1, i), series(200));
            assert!(cache.inner.lock().bytes <= 10_000);
            assert!(cache.get(&key(1, 0)).is_some(), "asked for again and again");
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
