//! Literals that ignore case.

use std::ops::Range;

use crate::literals::LiteralSet;
use crate::searcher::Searcher;
use crate::syntax::tables::Cases;

/// Most spellings of a search; a vector search slows down with more.
const MAX_SPELLINGS: usize = 16;
/// Most positions of a window; a search gets no faster with more.
const MAX_WINDOW: usize = 8;

/// A literal with alternative characters at each position, such as all cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldLiteral {
    /// The alternatives at each position, ascending.
    positions: Vec<Cases>,
    /// The positions that are searched for, in all spellings.
    window: Range<usize>,
}

impl FoldLiteral {
    pub(crate) fn new(positions: Vec<Cases>) -> Self {
        let window = best_window(&positions);
        FoldLiteral { positions, window }
    }

    /// The spellings of the window. The literal occurs only where one of them
    /// does.
    pub(crate) fn spellings(&self) -> LiteralSet {
        let mut all = vec![String::new()];
        for choices in &self.positions[self.window.clone()] {
            let longer = all
                .iter()
                .flat_map(|text| choices.iter().map(move |c| format!("{text}{c}")));
            all = longer.collect();
        }
        LiteralSet::new(all.into_iter().map(String::into_bytes).collect())
    }

    /// The first occurrence in `text` with at least `before` and `after` bytes
    /// around it, as start and end. `searcher` searches for
    /// [`FoldLiteral::spellings`].
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
            let ahead = ends_with(&self.positions[..self.window.start], &text[before..start]);
            let behind = begins_with(&self.positions[self.window.end..], &text[end..]);
            if let (Some(ahead), Some(behind)) = (ahead, behind) {
                return Some((start - ahead, end + behind));
            }
            from = start + 1;
        }
    }

    /// The length of the beginning of `value` that equals the literal.
    pub(crate) fn begins(&self, value: &[u8]) -> Option<usize> {
        begins_with(&self.positions, value)
    }

    /// The length of the end of `value` that equals the literal.
    pub(crate) fn ends(&self, value: &[u8]) -> Option<usize> {
        ends_with(&self.positions, value)
    }
}

fn begins_with(positions: &[Cases], value: &[u8]) -> Option<usize> {
    let mut at = 0;
    for choices in positions {
        let (c, len) = first_char(value.get(at..)?)?;
        if !choices.contains(&c) {
            return None;
        }
        at += len;
    }
    Some(at)
}

fn ends_with(positions: &[Cases], value: &[u8]) -> Option<usize> {
    let mut rest = value;
    for choices in positions.iter().rev() {
        let (c, len) = last_char(rest)?;
        if !choices.contains(&c) {
            return None;
        }
        rest = &rest[..rest.len() - len];
    }
    Some(value.len() - rest.len())
}

/// The longest window with few spellings.
fn best_window(positions: &[Cases]) -> Range<usize> {
    let mut best = 0..0;
    for start in 0..positions.len() {
        let mut spellings = 1;
        let fits = positions[start..].iter().take_while(|choices| {
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

/// The first character and its length in bytes; `None` at the end and where the
/// bytes are not UTF-8.
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

/// The last character and its length, as [`first_char`].
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

    proptest! {
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
