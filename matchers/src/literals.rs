//! Sets of literals, and literals that ignore case.

use std::cmp::Ordering;
use std::hash::{BuildHasher, BuildHasherDefault};
use std::ops::Range;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use crate::regex::Searcher;

type Hash = BuildHasherDefault<FxHasher>;

/// From so many literals on, a lookup hashes.
const HASHED_FROM: usize = 8;
/// Spellings that are searched for at once: as many as a vector search takes
/// without getting slower.
const MAX_SPELLINGS: usize = 16;
/// Places after which more would not make a search quicker.
const MAX_WINDOW: usize = 8;

/// Literals in ascending order, no two equal.
#[derive(Clone)]
pub struct LiteralSet {
    sorted: Vec<Box<[u8]>>,
    /// Places in `sorted`; empty for a few literals.
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

    /// Whether one of them begins `value`, and at least `more` bytes follow.
    /// Only for sets from [`LiteralSet::prefixes`].
    pub(crate) fn begins(&self, value: &[u8], more: usize) -> bool {
        let hit =
            |literal: &[u8]| value.len() >= literal.len() + more && value.starts_with(literal);
        match self.sorted.as_slice() {
            [only] => hit(only),
            // None begins another, so only the greatest that is not above
            // the value can begin it.
            all => {
                let at = all.partition_point(|literal| **literal <= *value);
                at.checked_sub(1).is_some_and(|at| hit(&all[at]))
            }
        }
    }

    /// The literals without those that begin with another one.
    pub(crate) fn prefixes(literals: Vec<Vec<u8>>) -> Self {
        let mut set = LiteralSet::new(literals);
        let mut kept: Vec<Box<[u8]>> = Vec::with_capacity(set.sorted.len());
        for literal in std::mem::take(&mut set.sorted) {
            // What begins with a kept literal follows it at once.
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

/// Literals of which any may end a value: none ends another. They are kept
/// from back to front, in that order.
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

    /// Whether one of them ends `value`, and at least `more` bytes stand before.
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

/// A literal with a choice of characters at each place, such as all cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldLiteral {
    /// The choices, each ascending.
    places: Vec<Vec<char>>,
    /// The places that a search looks for first, in all spellings.
    window: Range<usize>,
}

impl FoldLiteral {
    pub(crate) fn new(places: Vec<Vec<char>>) -> Self {
        let window = best_window(&places);
        FoldLiteral { places, window }
    }

    /// The spellings of a few places in a row. Where none of them is, the
    /// literal is not either.
    pub(crate) fn spellings(&self) -> LiteralSet {
        let mut all = vec![String::new()];
        for choices in &self.places[self.window.clone()] {
            let longer = all.iter().flat_map(|text| {
                let longer = move |c: &char| format!("{text}{c}");
                choices.iter().map(longer)
            });
            all = longer.collect();
        }
        LiteralSet::new(all.into_iter().map(String::into_bytes).collect())
    }

    /// The first place in `text`, with gaps of so many bytes around it, as
    /// start and end. `searcher` is one for [`FoldLiteral::spellings`].
    pub(crate) fn find(
        &self,
        searcher: &Searcher,
        text: &[u8],
        before: usize,
        after: usize,
    ) -> Option<(usize, usize)> {
        let text = text.get(..text.len().checked_sub(after)?)?;
        let mut from = before;
        loop {
            let (start, end) = searcher.find(text.get(from..)?)?;
            let (start, end) = (from + start, from + end);
            let ahead = ends_with(&self.places[..self.window.start], &text[before..start]);
            let behind = begins_with(&self.places[self.window.end..], &text[end..]);
            if let (Some(ahead), Some(behind)) = (ahead, behind) {
                return Some((start - ahead, end + behind));
            }
            from = start + 1;
        }
    }

    /// The length of the beginning of `value` that equals the literal.
    pub(crate) fn begins(&self, value: &[u8]) -> Option<usize> {
        begins_with(&self.places, value)
    }

    /// The length of the end of `value` that equals the literal.
    pub(crate) fn ends(&self, value: &[u8]) -> Option<usize> {
        ends_with(&self.places, value)
    }
}

fn begins_with(places: &[Vec<char>], value: &[u8]) -> Option<usize> {
    let mut at = 0;
    for choices in places {
        let (c, len) = first_char(value.get(at..)?)?;
        if !choices.contains(&c) {
            return None;
        }
        at += len;
    }
    Some(at)
}

fn ends_with(places: &[Vec<char>], value: &[u8]) -> Option<usize> {
    let mut rest = value;
    for choices in places.iter().rev() {
        let (c, len) = last_char(rest)?;
        if !choices.contains(&c) {
            return None;
        }
        rest = &rest[..rest.len() - len];
    }
    Some(value.len() - rest.len())
}

/// The longest row of places that has few spellings.
fn best_window(places: &[Vec<char>]) -> Range<usize> {
    let mut best = 0..0;
    for start in 0..places.len() {
        let mut spellings = 1;
        let fits = places[start..].iter().take_while(|choices| {
            spellings *= choices.len();
            spellings <= MAX_SPELLINGS
        });
        let end = start + fits.take(MAX_WINDOW).count();
        if end - start > best.len() {
            best = start..end;
        }
    }
    best
}

/// The first character and its bytes; `None` at the end and where the bytes
/// are not UTF-8.
fn first_char(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    let len = match first {
        0..=0x7f => return Some((first as char, 1)),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let text = std::str::from_utf8(bytes.get(..len)?).ok()?;
    Some((text.chars().next()?, len))
}

/// The last character and its bytes, as [`first_char`].
fn last_char(bytes: &[u8]) -> Option<(char, usize)> {
    let last = *bytes.last()?;
    if last.is_ascii() {
        return Some((last as char, 1));
    }
    let is_start = |len: &usize| bytes[bytes.len() - len] & 0xc0 != 0x80;
    let len = (2..=bytes.len().min(4)).find(is_start)?;
    let (c, whole) = first_char(&bytes[bytes.len() - len..])?;
    (whole == len).then_some((c, len))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::syntax::tables;

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

        #[test]
        fn folding_agrees_with_characters(
            literal in "[aksKü]{0,4}",
            value in "[aAkKsSüÜſ\u{212a}]{0,6}",
            junk in proptest::collection::vec(any::<u8>(), 0..4),
        ) {
            let fold = FoldLiteral::new(literal.chars().map(tables::cases).collect());
            let chars: Vec<char> = value.chars().collect();
            let same = |part: &[char]| {
                part.iter().zip(literal.chars()).all(|(a, b)| tables::cases(b).contains(a))
            };
            let n = literal.chars().count();
            let size = |part: &[char]| part.iter().map(|c| c.len_utf8()).sum::<usize>();
            let begins = chars.get(..n).filter(|part| same(part)).map(size);
            prop_assert_eq!(fold.begins(value.as_bytes()), begins);
            let from = chars.len().checked_sub(n);
            let ends = from.map(|from| &chars[from..]).filter(|part| same(part)).map(size);
            prop_assert_eq!(fold.ends(value.as_bytes()), ends);
            let _ = (fold.begins(&junk), fold.ends(&junk)); // no panic
        }
    }
}
