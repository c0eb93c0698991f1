//! Character classes that share the tables of Unicode.

use std::sync::Arc;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// A class with more ranges than this is shared, not copied, where it is part of
/// another one.
const MAX_COPIED: usize = 16;

/// A set of characters: ranges of its own and shared classes, or all others. Its
/// size is in proportion to the text that it was parsed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CharClass {
    /// The ASCII characters in the class, as bits.
    ascii: u128,
    own: ClassUnicode,
    shared: Vec<Arc<CharClass>>,
    negated: bool,
}

/// Collects the parts of a class.
#[derive(Debug, Default)]
pub(crate) struct ClassBuilder {
    ranges: Vec<ClassUnicodeRange>,
    shared: Vec<Arc<CharClass>>,
}

impl ClassBuilder {
    /// Adds the characters of a shared class.
    pub(crate) fn class(&mut self, other: &Arc<CharClass>) {
        let is_new = || !self.shared.iter().any(|known| Arc::ptr_eq(known, other));
        match other.own_ranges() {
            Some(ranges) if ranges.len() <= MAX_COPIED => self.ranges(ranges),
            _ if is_new() => self.shared.push(other.clone()),
            _ => {}
        }
    }

    /// Adds ranges.
    pub(crate) fn ranges(&mut self, ranges: &[ClassUnicodeRange]) {
        self.ranges.extend_from_slice(ranges);
    }

    /// Adds some characters.
    pub(crate) fn chars(&mut self, chars: &[char]) {
        let ranges = chars.iter().map(|&c| ClassUnicodeRange::new(c, c));
        self.ranges.extend(ranges);
    }

    /// The class, or all other characters.
    pub(crate) fn build(self, negated: bool) -> CharClass {
        let mut own = ClassUnicode::new(self.ranges);
        let is_own = self.shared.is_empty();
        if negated && is_own {
            own.negate();
        }
        let mut class = CharClass {
            ascii: 0,
            own,
            shared: self.shared,
            negated: negated && !is_own,
        };
        class.ascii = ('\0'..='\x7f')
            .filter(|&c| class.look_up(c))
            .fold(0, |bits, c| bits | 1 << c as u32);
        class
    }
}

impl CharClass {
    /// The characters that are not in a shared class.
    pub(super) fn negation(class: &Arc<CharClass>) -> Self {
        let mut negation = ClassBuilder::default();
        negation.class(class);
        negation.build(true)
    }

    /// Whether a character is in the class.
    #[inline]
    pub(crate) fn contains(&self, c: char) -> bool {
        if c.is_ascii() {
            self.ascii >> (c as u32) & 1 == 1
        } else {
            self.look_up(c)
        }
    }

    fn look_up(&self, c: char) -> bool {
        let ranges = self.own.ranges();
        let at = ranges.partition_point(|r| r.end() < c);
        let inside = ranges.get(at).is_some_and(|r| r.start() <= c)
            || self.shared.iter().any(|class| class.contains(c));
        inside != self.negated
    }

    /// The ranges, if the class has all of them on its own.
    pub(crate) fn own_ranges(&self) -> Option<&[ClassUnicodeRange]> {
        let is_own = self.shared.is_empty() && !self.negated;
        is_own.then(|| self.own.ranges())
    }

    /// The class as ranges of its own.
    pub(crate) fn ranges(&self) -> ClassUnicode {
        let mut all = self.own.clone();
        for class in &self.shared {
            all.union(&class.ranges());
        }
        if self.negated {
            all.negate();
        }
        all
    }

    /// An upper bound of the number of ranges, and exact for most classes.
    pub(crate) fn count(&self) -> usize {
        let shared = self.shared.iter().map(|class| class.count());
        self.own.ranges().len() + shared.sum::<usize>() + usize::from(self.negated)
    }
}

impl From<ClassUnicode> for CharClass {
    fn from(own: ClassUnicode) -> Self {
        let mut class = ClassBuilder::default();
        class.ranges(own.ranges());
        class.build(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::tables;

    #[test]
    fn unions_and_negations_are_those_of_plain_ranges() {
        let letters = tables::unicode("L", false).unwrap();
        let numbers = tables::unicode("N", false).unwrap();
        let not_numbers = Arc::new(CharClass::negation(&numbers));
        let digits = Arc::new(CharClass::from(ClassUnicode::new([
            ClassUnicodeRange::new('0', '9'),
        ])));
        for negated in [false, true] {
            for parts in [
                vec![&letters, &numbers],
                vec![&not_numbers, &digits],
                vec![&digits],
            ] {
                let mut class = ClassBuilder::default();
                let mut plain = ClassUnicode::empty();
                for part in parts {
                    class.class(part);
                    plain.union(&part.ranges());
                }
                let class = class.build(negated);
                if negated {
                    plain.negate();
                }
                assert_eq!(class.ranges(), plain);
                let plain = CharClass::from(plain);
                assert!(('\0'..='\u{3000}').all(|c| class.contains(c) == plain.contains(c)));
            }
        }
    }

    #[test]
    fn large_classes_are_shared() {
        let letters = tables::unicode("L", false).unwrap();
        assert!(Arc::ptr_eq(&letters, &tables::unicode("L", false).unwrap()));
        let mut class = ClassBuilder::default();
        class.class(&letters);
        class.class(&letters);
        let class = class.build(false);
        assert!(class.own.ranges().is_empty() && class.shared.len() == 1);
        assert!(class.count() > 500);
    }
}
