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

impl CharClass {
    /// Adds the characters of a shared class.
    pub(super) fn union(&mut self, other: &Arc<CharClass>) {
        let is_new = || !self.shared.iter().any(|known| Arc::ptr_eq(known, other));
        if other.shared.is_empty() && !other.negated && other.own.ranges().len() <= MAX_COPIED {
            self.own.union(&other.own);
        } else if is_new() {
            self.shared.push(other.clone());
        }
    }

    /// Adds ranges.
    pub(super) fn union_ranges(&mut self, ranges: &ClassUnicode) {
        self.own.union(ranges);
    }

    /// Completes a class that was extended.
    pub(super) fn finished(mut self, negated: bool) -> Self {
        if self.shared.is_empty() {
            if negated {
                self.own.negate();
            }
        } else {
            self.negated = negated;
        }
        self.ascii = ('\0'..='\x7f')
            .filter(|&c| self.look_up(c))
            .fold(0, |bits, c| bits | 1 << c as u32);
        self
    }

    /// An empty class to extend.
    pub(super) fn empty() -> Self {
        CharClass {
            ascii: 0,
            own: ClassUnicode::empty(),
            shared: Vec::new(),
            negated: false,
        }
    }

    /// The characters that are not in a shared class.
    pub(super) fn negation(class: &Arc<CharClass>) -> Self {
        let mut negation = CharClass::empty();
        negation.union(class);
        negation.finished(true)
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
        self.shared.is_empty().then(|| self.own.ranges())
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
        let mut class = CharClass::empty();
        class.own = own;
        class.finished(false)
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
                let mut class = CharClass::empty();
                let mut plain = ClassUnicode::empty();
                for part in parts {
                    class.union(part);
                    plain.union(&part.ranges());
                }
                let class = class.finished(negated);
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
        let mut class = CharClass::empty();
        class.union(&letters);
        class.union(&letters);
        assert!(class.own.ranges().is_empty() && class.shared.len() == 1);
        assert!(class.count() > 500);
    }
}
