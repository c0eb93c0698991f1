//! Parses escape sequences.

use std::sync::Arc;

use regex_syntax::hir::{ClassUnicode, Look};

use super::charclass::CharClass;
use super::error::RegexErrorKind;
use super::parser::{Parser, Result};
use super::tables;

impl Parser<'_> {
    /// An escape outside of brackets.
    pub(super) fn escape(&mut self) -> Result<()> {
        let start = self.at;
        let look = match self.rest().as_bytes().get(1) {
            Some(b'A') => Some(Look::Start),
            Some(b'z') => Some(Look::End),
            Some(b'b') => Some(Look::WordAscii),
            Some(b'B') => Some(Look::WordAsciiNegate),
            Some(b'C') => {
                self.at += 2;
                return Err(self.error_from(RegexErrorKind::InvalidEscape, start));
            }
            Some(b'Q') => {
                self.quoted();
                return Ok(());
            }
            _ => None,
        };
        if let Some(look) = look {
            self.at += 2;
            self.push_look(look);
            return Ok(());
        }
        if let Some(class) = self.class_escape()? {
            return self.push_class(class);
        }
        match char::from_u32(self.char_escape()?) {
            Some(c) => self.push_char(c),
            // A surrogate, which no text has.
            None => self.push_class(Arc::new(ClassUnicode::empty().into()))?,
        }
        Ok(())
    }

    /// `\Q...\E`, or `\Q` up to the end.
    fn quoted(&mut self) {
        let text = &self.rest()[2..];
        let (text, skip) = match text.find("\\E") {
            Some(end) => (&text[..end], end + 4),
            None => (text, text.len() + 2),
        };
        self.at += skip;
        text.chars().for_each(|c| self.push_char(c));
    }

    /// `\d`, `\pL` and similar classes, if one is next.
    pub(super) fn class_escape(&mut self) -> Result<Option<Arc<CharClass>>> {
        let rest = self.rest();
        let letter = match rest.as_bytes() {
            [b'\\', letter, ..] => *letter,
            _ => return Ok(None),
        };
        if matches!(letter, b'p' | b'P') {
            return self.unicode_class(letter == b'P').map(Some);
        }
        let class = tables::perl(letter, self.flags.fold_case);
        if class.is_some() {
            self.at += 2;
        }
        Ok(class)
    }

    /// `\pL`, `\PL`, `\p{Greek}`, `\p{^Greek}`.
    fn unicode_class(&mut self, mut negated: bool) -> Result<Arc<CharClass>> {
        let start = self.at;
        let rest = self.rest();
        self.at += 2;
        let mut name = match self.bump() {
            Some('{') => {
                let Some(end) = rest.find('}') else {
                    return Err(self.error(RegexErrorKind::InvalidCharRange, rest));
                };
                self.at = start + end + 1;
                &rest[3..end]
            }
            _ => &self.pattern[start + 2..self.at],
        };
        if let Some(positive) = name.strip_prefix('^') {
            (negated, name) = (!negated, positive);
        }
        tables::named(name, self.dialect, self.flags.fold_case, negated)
            .ok_or_else(|| self.error_from(RegexErrorKind::InvalidCharRange, start))
    }

    /// The character of an escape: a code point, which may be a surrogate.
    pub(super) fn char_escape(&mut self) -> Result<u32> {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.bump() else {
            return Err(self.error(RegexErrorKind::TrailingBackslash, ""));
        };
        let octal = |c: Option<char>| c.and_then(|c| c.to_digit(8));
        let code = match c {
            '1'..='7' if octal(self.peek()).is_none() => None,
            '0'..='7' => {
                let mut code = c as u32 - '0' as u32;
                for _ in 0..2 {
                    let Some(digit) = octal(self.peek()) else {
                        break;
                    };
                    code = code * 8 + digit;
                    self.at += 1;
                }
                Some(code)
            }
            'x' => self.hex(),
            'a' => Some(0x07),
            'f' => Some(0x0c),
            'n' => Some(0x0a),
            'r' => Some(0x0d),
            't' => Some(0x09),
            'v' => Some(0x0b),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c as u32),
            _ => None,
        };
        code.ok_or_else(|| self.error_from(RegexErrorKind::InvalidEscape, start))
    }

    /// `f7` or `{10ffff}` after `\x`.
    fn hex(&mut self) -> Option<u32> {
        let first = self.bump()?;
        if first != '{' {
            let second = self.bump();
            return Some(first.to_digit(16)? * 16 + second?.to_digit(16)?);
        }
        let mut code: Option<u32> = None;
        loop {
            let c = self.bump()?;
            if c == '}' {
                return code;
            }
            let value = code.unwrap_or(0) * 16 + c.to_digit(16)?;
            if value > char::MAX as u32 {
                return None;
            }
            code = Some(value);
        }
    }
}
