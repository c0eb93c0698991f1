//! Parses classes in brackets.

use std::sync::Arc;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::charclass::ClassBuilder;
use super::error::RegexErrorKind;
use super::parser::{Parser, Result};
use super::tables;

impl Parser<'_> {
    /// `[...]`
    pub(super) fn bracket_class(&mut self) -> Result<()> {
        let start = self.at;
        self.at += 1;
        let negated = self.peek() == Some('^');
        self.at += usize::from(negated);
        let mut class = ClassBuilder::default();
        let mut first = true;
        while first || self.peek() != Some(']') {
            first = false; // a bracket at the first position is literal
            if let Some(named) = self.posix_class()? {
                class.ranges(named.ranges());
            } else if let Some(named) = self.class_escape()? {
                class.class(&named);
            } else {
                self.range(start, &mut class)?;
            }
        }
        self.at += 1;
        self.push_class(Arc::new(class.build(negated)))
    }

    /// `[:alpha:]`, if one is next.
    fn posix_class(&mut self) -> Result<Option<ClassUnicode>> {
        let start = self.at;
        let Some(behind) = self.rest().strip_prefix("[:") else {
            return Ok(None);
        };
        let Some(end) = behind.find(":]") else {
            return Ok(None);
        };
        self.at += end + 4;
        match tables::posix(&behind[..end], self.flags.fold_case) {
            Some(class) => Ok(Some(class)),
            None => Err(self.error_from(RegexErrorKind::InvalidCharRange, start)),
        }
    }

    /// One character, or two with a dash between.
    fn range(&mut self, class_start: usize, class: &mut ClassBuilder) -> Result<()> {
        let start = self.at;
        let low = self.class_char(class_start)?;
        let mut high = low;
        let rest = self.rest();
        if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
            self.at += 1;
            high = self.class_char(class_start)?;
            if high < low {
                return Err(self.error_from(RegexErrorKind::InvalidCharRange, start));
            }
        }
        let low = without_surrogates(low, '\u{e000}');
        let high = without_surrogates(high, '\u{d7ff}');
        if low <= high {
            let mut range = ClassUnicode::new([ClassUnicodeRange::new(low, high)]);
            if self.flags.fold_case {
                tables::fold(&mut range);
            }
            class.ranges(range.ranges());
        }
        Ok(())
    }

    fn class_char(&mut self, class_start: usize) -> Result<u32> {
        match self.peek() {
            None => {
                let whole = &self.pattern[class_start..];
                Err(self.error(RegexErrorKind::MissingBracket, whole))
            }
            Some('\\') => self.char_escape(),
            Some(c) => {
                self.at += c.len_utf8();
                Ok(c as u32)
            }
        }
    }
}

/// Replaces a surrogate, which classes of Go may have but no text does.
fn without_surrogates(code: u32, instead: char) -> char {
    char::from_u32(code).unwrap_or(instead)
}
