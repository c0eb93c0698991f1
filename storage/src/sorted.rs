//! Sorted lists become one.

use std::cmp::Ordering;

/// Merges sorted lists to one. What compares equal stands in the order of the lists.
/// Takes as many passes as the number of lists has binary digits.
pub(crate) fn merge_sorted<T: Copy>(
    mut lists: Vec<Vec<T>>,
    compare: &mut impl FnMut(&T, &T) -> Ordering,
) -> Vec<T> {
    while lists.len() > 1 {
        let mut merged = Vec::with_capacity(lists.len().div_ceil(2));
        let mut rest = lists.into_iter();
        while let Some(first) = rest.next() {
            merged.push(match rest.next() {
                Some(second) => merge_two(first, second, compare),
                None => first,
            });
        }
        lists = merged;
    }
    lists.pop().unwrap_or_default()
}

fn merge_two<T: Copy>(
    first: Vec<T>,
    second: Vec<T>,
    compare: &mut impl FnMut(&T, &T) -> Ordering,
) -> Vec<T> {
    if first.is_empty() {
        return second;
    }
    let mut out = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (&first[..], &second[..]);
    while let (Some(a), Some(b)) = (first.first(), second.first()) {
        let from = match compare(a, b) {
            Ordering::Greater => &mut second,
            Ordering::Less | Ordering::Equal => &mut first,
        };
        out.push(from[0]);
        *from = &from[1..];
    }
    out.extend_from_slice(first);
    out.extend_from_slice(second);
    out
}

/// The distinct texts of several lists, sorted, at most `limit` of them if it is not
/// 0. The lists need not be sorted.
#[cfg(any(feature = "store_api", feature = "fanout", test))]
pub(crate) fn merge_texts(lists: Vec<Vec<String>>, limit: usize) -> Vec<String> {
    let mut all: Vec<String> = lists.into_iter().flatten().collect();
    all.sort_unstable();
    all.dedup();
    if limit > 0 {
        all.truncate(limit);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn merging_is_a_stable_sort(lists in prop::collection::vec(prop::collection::vec(0u8..20, 0..30), 0..9)) {
            let mut lists: Vec<Vec<(u8, usize)>> = lists
                .iter()
                .enumerate()
                .map(|(number, list)| list.iter().map(|&key| (key, number)).collect())
                .collect();
            lists.iter_mut().for_each(|list| list.sort_unstable());
            let mut expected = lists.concat();
            expected.sort_by_key(|&(key, _)| key);
            let merged = merge_sorted(lists, &mut |a, b| a.0.cmp(&b.0));
            prop_assert_eq!(merged, expected);
        }

        #[test]
        fn texts_are_a_set(lists in prop::collection::vec(prop::collection::vec("[a-c]{0,2}", 0..9), 0..5), limit in 0usize..8) {
            let set: BTreeSet<String> = lists.iter().flatten().cloned().collect();
            let most = if limit == 0 { usize::MAX } else { limit };
            let expected: Vec<String> = set.into_iter().take(most).collect();
            prop_assert_eq!(merge_texts(lists, limit), expected);
        }
    }
}
