//! Sets of literals: exact, prefixes and suffixes.

use std::cmp::Ordering;
use std::hash::{BuildHasher, BuildHasherDefault};

use hashbrown::HashTable;
use rustc_hash::FxHasher;

type Hash = BuildHasherDefault<FxHasher>;

/// From this number of literals on a lookup hashes.
const HASHED_FROM: usize = 8;

/// Distinct literals in ascending order.
#[derive(Clone)]
pub struct LiteralSet {
    sorted: Vec<Box<[u8]>>,
    /// Positions in `sorted`; empty for few literals.
    hashed: HashTable<u32>,
}

impl LiteralSet {
    pub(crate) fn new(mut literals: Vec<Vec<u8>>) -> Self {
        literals.sort_unstable();
        literals.dedup();
        let sorted: Vec<Box<[u8]>> = literals.into_iter().map(Vec::into_boxed_slice).collect();
        let mut hashed = HashTable::new();
        if sorted.len() >= HASHED_FROM {
            let hash = |place: &u32| Hash::default().hash_one(&sorted[*place as usize]);
            hashed.reserve(sorted.len(), hash);
            for place in 0..sorted.len() as u32 {
                hashed.insert_unique(hash(&place), place, hash);
            }
        }
        LiteralSet { sorted, hashed }
    }

    /// The literals, ascending.
    pub fn as_slice(&self) -> &[Box<[u8]>] {
        &self.sorted
    }

    /// Whether `value` is one of them.
    pub fn contains(&self, value: &[u8]) -> bool {
        if self.hashed.is_empty() {
            return self.sorted.iter().any(|literal| **literal == *value);
        }
        let hash = Hash::default().hash_one(value);
        let same = |place: &u32| *self.sorted[*place as usize] == *value;
        self.hashed.find(hash, same).is_some()
    }

    /// The length of the literal that `value` begins with. Only for sets in which
    /// none is a prefix of another.
    pub(crate) fn prefix_of(&self, value: &[u8]) -> Option<usize> {
        let at = self.sorted.partition_point(|literal| **literal <= *value);
        let literal = &self.sorted[at.checked_sub(1)?];
        value.starts_with(literal).then_some(literal.len())
    }

    /// Whether `value` begins with one of them and at least `more` bytes. Only
    /// for sets of [`LiteralSet::prefixes`].
    pub(crate) fn begins(&self, value: &[u8], more: usize) -> bool {
        let hit =
            |literal: &[u8]| value.len() >= literal.len() + more && value.starts_with(literal);
        match self.sorted.as_slice() {
            [only] => hit(only),
            // None is a prefix of another, so only the greatest that is not
            // above the value can be a prefix of it.
            all => {
                let at = all.partition_point(|literal| **literal <= *value);
                at.checked_sub(1).is_some_and(|at| hit(&all[at]))
            }
        }
    }

    /// The literals that do not begin with another one.
    pub(crate) fn prefixes(literals: Vec<Vec<u8>>) -> Self {
        let mut set = LiteralSet::new(literals);
        let mut kept: Vec<Box<[u8]>> = Vec::with_capacity(set.sorted.len());
        for literal in std::mem::take(&mut set.sorted) {
            // Literals with a kept prefix follow it directly.
            if !kept.last().is_some_and(|last| literal.starts_with(last)) {
                kept.push(literal);
            }
        }
        LiteralSet {
            sorted: kept,
            hashed: HashTable::new(),
        }
    }
}

impl std::fmt::Debug for LiteralSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |literal: &[u8]| String::from_utf8_lossy(literal).into_owned();
        f.debug_set()
            .entries(self.sorted.iter().map(|literal| text(literal)))
            .finish()
    }
}

impl PartialEq for LiteralSet {
    fn eq(&self, other: &Self) -> bool {
        self.sorted == other.sorted
    }
}

impl Eq for LiteralSet {}

/// Suffixes, none of which is a suffix of another. They are stored reversed, in
/// ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuffixSet {
    reversed: LiteralSet,
    single: Option<Box<[u8]>>,
}

impl SuffixSet {
    pub(crate) fn new(literals: Vec<Vec<u8>>) -> Self {
        let reverse = |literal: Vec<u8>| literal.into_iter().rev().collect();
        let reversed = LiteralSet::prefixes(literals.into_iter().map(reverse).collect());
        let single = match reversed.as_slice() {
            [only] => Some(only.iter().rev().copied().collect()),
            _ => None,
        };
        SuffixSet { reversed, single }
    }

    /// The literals.
    pub fn iter(&self) -> impl Iterator<Item = Vec<u8>> {
        let all = self.reversed.as_slice().iter();
        all.map(|literal| literal.iter().rev().copied().collect())
    }

    /// Whether `value` ends with one of them after at least `more` bytes.
    pub(crate) fn ends(&self, value: &[u8], more: usize) -> bool {
        if let Some(single) = &self.single {
            return value.len() >= single.len() + more && value.ends_with(single);
        }
        let all = self.reversed.as_slice();
        let backward = || value.iter().rev();
        let at = all.partition_point(|literal| literal.iter().cmp(backward()) != Ordering::Greater);
        at.checked_sub(1).is_some_and(|at| {
            let literal = &all[at];
            value.len() >= literal.len() + more && backward().take(literal.len()).eq(literal.iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(all: &[String]) -> Vec<Vec<u8>> {
        all.iter().map(|s| s.clone().into_bytes()).collect()
    }

    proptest! {
        #[test]
        fn sets_agree_with_their_definition(
            literals in proptest::collection::vec("[ab]{0,4}", 0..20),
            value in "[ab]{0,6}",
            more in 0..2usize,
        ) {
            let v = value.as_bytes();
            let set = LiteralSet::new(bytes(&literals));
            prop_assert_eq!(set.contains(v), literals.contains(&value));
            let long = |l: &String| v.len() >= l.len() + more;
            let begins = literals.iter().any(|l| value.starts_with(l) && long(l));
            prop_assert_eq!(LiteralSet::prefixes(bytes(&literals)).begins(v, more), begins);
            let ends = literals.iter().any(|l| value.ends_with(l) && long(l));
            prop_assert_eq!(SuffixSet::new(bytes(&literals)).ends(v, more), ends);
        }
    }
}
