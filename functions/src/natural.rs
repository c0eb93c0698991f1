//! The natural order of `sort_by_label`: digits count as numbers.
//!
//! Prometheus's comparison is no order. A text with nothing in it comes
//! neither before nor after another one, `1` and `01` each come before the
//! other, and numbers beyond an int64 are compared as texts. What sorting makes
//! of that depends on the way of sorting, so this follows Go's as far as it is
//! simple: up to twelve items are sorted by insertion.

/// Whether `a` comes before `b`.
pub fn precedes(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (Pieces(a).peekable(), Pieces(b).peekable());
    while let Some(left) = a.next() {
        let Some(right) = b.next() else {
            return false;
        };
        let same = match (left.parse::<i64>(), right.parse::<i64>()) {
            (Ok(left), Ok(right)) if left != right => return left < right,
            (Ok(_), Ok(_)) => true,
            _ => left == right,
        };
        if !same {
            return left < right;
        }
        if a.peek().is_none() {
            return true;
        }
        if b.peek().is_none() {
            return false;
        }
    }
    false
}

/// The runs of digits of a text, and what stands between them.
struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let digits = self.0.as_bytes().first()?.is_ascii_digit();
        let other = |byte: &u8| byte.is_ascii_digit() != digits;
        let end = self.0.bytes().position(|byte| other(&byte));
        let (piece, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        Some(piece)
    }
}

/// The most items that Go sorts by insertion.
const INSERTION: usize = 12;

/// Sorts by `less`, which need not be an order: without one the result is some
/// arrangement of the items. What is equal stays as it was.
pub fn sort<T: Copy>(items: &mut [T], less: &mut impl FnMut(&T, &T) -> bool) {
    for run in items.chunks_mut(INSERTION) {
        for i in 1..run.len() {
            let mut j = i;
            while j > 0 && less(&run[j], &run[j - 1]) {
                run.swap(j, j - 1);
                j -= 1;
            }
        }
    }
    let mut width = INSERTION;
    let mut merged = Vec::with_capacity(items.len());
    while width < items.len() {
        merged.clear();
        for pair in items.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            merge(left, right, &mut merged, less);
        }
        items.copy_from_slice(&merged);
        width *= 2;
    }
}

fn merge<T: Copy>(
    mut left: &[T],
    mut right: &[T],
    out: &mut Vec<T>,
    less: &mut impl FnMut(&T, &T) -> bool,
) {
    while let ([l, more_left @ ..], [r, more_right @ ..]) = (left, right) {
        if less(r, l) {
            out.push(*r);
            right = more_right;
        } else {
            out.push(*l);
            left = more_left;
        }
    }
    out.extend_from_slice(left);
    out.extend_from_slice(right);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_count_as_numbers() {
        let mut texts = ["10", "9", "a10", "a2b", "a2", "1.5", "é3", "b"];
        sort(&mut texts, &mut |a, b| precedes(a, b));
        assert_eq!(texts, ["1.5", "9", "10", "a2", "a2b", "a10", "b", "é3"]);
    }

    #[test]
    fn it_is_no_order() {
        assert!(precedes("1", "01") && precedes("01", "1"));
        assert!(!precedes("", "x") && !precedes("x", ""));
        assert!(precedes("x", "x"));
        let huge = "10000000000000000000000";
        assert!(precedes("100", huge) && precedes(huge, "5") && precedes("5", "100"));
    }

    proptest! {
        #[test]
        fn sorts_as_the_library(mut items in proptest::collection::vec((0u8..9, 0u32..9), 0..100)) {
            let mut expected = items.clone();
            expected.sort_by_key(|item| item.0);
            sort(&mut items, &mut |a, b| a.0 < b.0);
            prop_assert_eq!(items, expected);
        }

        #[test]
        fn whatever_is_compared_nothing_is_lost(texts in proptest::collection::vec("[0-2a]{0,3}", 0..60)) {
            let mut sorted: Vec<&str> = texts.iter().map(String::as_str).collect();
            sort(&mut sorted, &mut |a, b| precedes(a, b));
            sorted.sort_unstable();
            let mut expected: Vec<&str> = texts.iter().map(String::as_str).collect();
            expected.sort_unstable();
            prop_assert_eq!(sorted, expected);
        }
    }
}
