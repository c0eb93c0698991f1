//! Ascending lists of series and their set operations.

use std::sync::Arc;

use crate::tsdb::decbuf::{Decbuf, DecodeError};

/// The postings of a label pair in the file, big-endian.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Postings<'a>(&'a [[u8; 4]]);

impl<'a> Postings<'a> {
    /// Reads the content of a list: a number, and as many series.
    ///
    /// # Errors
    /// When it is longer or shorter.
    pub fn decode(content: &'a [u8]) -> Result<Self, DecodeError> {
        let mut buf = Decbuf::new(content);
        let count = buf.be32()? as usize;
        let (list, rest) = buf.rest().as_chunks();
        if list.len() != count || !rest.is_empty() {
            return Err(DecodeError("has a wrong length"));
        }
        Ok(Postings(list))
    }

    #[inline]
    fn get(&self, i: usize) -> u32 {
        u32::from_be_bytes(self.0[i])
    }

    /// All series, decoded.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u32> + 'a {
        self.0.iter().map(|b| u32::from_be_bytes(*b))
    }

    /// The number of series.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The last series, which is the greatest.
    #[cfg(feature = "bucket")]
    pub fn last(&self) -> Option<u32> {
        self.0.last().map(|bytes| u32::from_be_bytes(*bytes))
    }
}

/// Series of a block, ascending.
#[derive(Clone, Debug)]
pub(crate) enum Ids<'a> {
    /// A list in the file.
    File(Postings<'a>),
    /// A union of lists.
    Owned(Arc<[u32]>),
}

impl Ids<'_> {
    /// The number of series.
    pub fn len(&self) -> usize {
        match self {
            Ids::File(postings) => postings.len(),
            Ids::Owned(ids) => ids.len(),
        }
    }

    /// Copies the list.
    pub fn to_vec(&self) -> Vec<u32> {
        match self {
            Ids::File(postings) => postings.iter().collect(),
            Ids::Owned(ids) => ids.to_vec(),
        }
    }

    /// Keeps the series of `base` that are in this list.
    pub fn intersect(&self, base: &mut Vec<u32>) {
        match self {
            Ids::File(p) => intersect(base, p.len(), |i| p.get(i)),
            Ids::Owned(ids) => intersect(base, ids.len(), |i| ids[i]),
        }
    }

    /// Removes the series of this list from `base`.
    pub fn subtract(&self, base: &mut Vec<u32>) {
        match self {
            Ids::File(p) => retain(base, p.len(), |i| p.get(i), false),
            Ids::Owned(ids) => retain(base, ids.len(), |i| ids[i], false),
        }
    }
}

/// Intersects by galloping through the longer list.
fn intersect(base: &mut Vec<u32>, len: usize, get: impl Fn(usize) -> u32) {
    if base.len() <= len {
        return retain(base, len, get, true);
    }
    let (mut from, mut kept) = (0, 0);
    for i in 0..len {
        let id = get(i);
        from = gallop(from, base.len(), |j| base[j] < id);
        if base.get(from) == Some(&id) {
            // The write position never overtakes the read position.
            base[kept] = id;
            kept += 1;
            from += 1;
        }
    }
    base.truncate(kept);
}

fn retain(base: &mut Vec<u32>, len: usize, get: impl Fn(usize) -> u32, present: bool) {
    let mut from = 0;
    base.retain(|id| {
        from = gallop(from, len, |i| get(i) < *id);
        (from < len && get(from) == *id) == present
    });
}

/// The first position from `from` on for which `before` is false. Near positions
/// are found fast.
#[inline]
fn gallop(from: usize, len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (from, 1);
    while low + step <= len && before(low + step - 1) {
        low += step;
        step *= 2;
    }
    let mut high = len.min(low + step - 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// The union of lists, which may overlap. `end` is above all series.
pub(crate) fn union<'a>(lists: &[Postings<'a>], end: usize) -> Ids<'a> {
    if let [only] = lists {
        return Ids::File(*only);
    }
    let total: usize = lists.iter().map(Postings::len).sum();
    let all = lists.iter().flat_map(|list| list.iter());
    // Sorting takes tens of operations for each series, a bitmap one for each
    // word.
    if total.saturating_mul(16) < end.div_ceil(64) {
        let mut ids: Vec<u32> = all.collect();
        ids.sort_unstable();
        ids.dedup();
        return Ids::Owned(ids.into());
    }
    let mut bitmap = vec![0u64; end.div_ceil(64)];
    for id in all {
        if let Some(word) = bitmap.get_mut(id as usize / 64) {
            *word |= 1 << (id % 64);
        }
    }
    let mut ids = Vec::with_capacity(total);
    for (i, mut word) in bitmap.into_iter().enumerate() {
        while word != 0 {
            ids.push((i * 64) as u32 + word.trailing_zeros());
            word &= word - 1;
        }
    }
    Ids::Owned(ids.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set() -> impl Strategy<Value = BTreeSet<u32>> {
        (1..4u32).prop_flat_map(|k| proptest::collection::btree_set(0..40 * k * k, 0..40))
    }

    fn bytes(set: &BTreeSet<u32>) -> Vec<[u8; 4]> {
        set.iter().map(|id| id.to_be_bytes()).collect()
    }

    proptest! {
        #[test]
        fn sets_agree_with_plain_ones(a in set(), b in set(), c in set()) {
            let (bytes_b, bytes_c) = (bytes(&b), bytes(&c));
            let lists = [Postings(&bytes_b), Postings(&bytes_c)];
            let both: BTreeSet<u32> = b.union(&c).copied().collect();
            // Above and below the threshold of the bitmap.
            for end in [400, 1_000_000] {
                let union = union(&lists, end);
                prop_assert!(union.to_vec().iter().eq(&both));
                prop_assert_eq!(union.len(), both.len());
                let mut base: Vec<u32> = a.iter().copied().collect();
                union.intersect(&mut base);
                prop_assert!(base.iter().eq(a.intersection(&both)));
                let mut base: Vec<u32> = a.iter().copied().collect();
                union.subtract(&mut base);
                prop_assert!(base.iter().eq(a.difference(&both)));
            }
            let file = Ids::File(lists[0]);
            let mut base: Vec<u32> = a.iter().copied().collect();
            file.intersect(&mut base);
            prop_assert!(base.iter().eq(a.intersection(&b)));
            let mut base: Vec<u32> = a.iter().copied().collect();
            file.subtract(&mut base);
            prop_assert!(base.iter().eq(a.difference(&b)));
        }
    }
}
