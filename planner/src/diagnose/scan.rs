//! How far numbers, durations and strings reach, and what is wrong with their
//! letters. What a literal means is decided by [`crate::literal`].

use quarrel_functions::fmt::quote;

use super::fault::Step;
use super::lexer::Lexer;
use super::token::{Kind, name_char};

const DECIMAL: &[u8] = b"0123456789";
const HEXADECIMAL: &[u8] = b"0123456789abcdefABCDEF";

impl Lexer<'_> {
    /// Takes the next byte if it is one of `set`, which is ASCII.
    fn accept(&mut self, set: &[u8]) -> bool {
        let accepted = self.is_next(set);
        self.at += usize::from(accepted);
        accepted
    }

    fn is_next(&self, set: &[u8]) -> bool {
        self.text
            .as_bytes()
            .get(self.at)
            .is_some_and(|b| set.contains(b))
    }

    fn accept_all(&mut self, set: &[u8]) {
        while self.accept(set) {}
    }

    /// A number or a duration, whose first character is `first`.
    pub(super) fn number_or_duration(&mut self, first: char) -> Step<Kind> {
        self.at -= first.len_utf8();
        if self.number() {
            return Ok(Kind::Number);
        }
        if self.duration() {
            return Ok(Kind::Duration);
        }
        let shown = quote(&self.text[self.start..self.at]);
        self.fault(format!("bad number or duration syntax: {shown}"))
    }

    /// A number as Prometheus's scanner takes it: points, exponents and
    /// underscores in many places, of which the parser of numbers refuses some.
    /// False leaves the place at what was wrong.
    fn number(&mut self) -> bool {
        let is_hex = self.accept(b"0") && self.accept(b"xX");
        let digits = if is_hex { HEXADECIMAL } else { DECIMAL };
        if is_hex {
            self.accept(b"_");
        }
        self.accept(b".");
        self.accept(digits);
        let (mut had_point, mut had_exponent) = (false, false);
        loop {
            if self.accept(b".") {
                // The point stays taken, so that the error shows it.
                if had_point || self.accept(b"_.") || is_hex {
                    return false;
                }
                had_point = true;
            } else if self.accept(b"eE") {
                if had_exponent {
                    return false;
                }
                had_exponent = true;
                self.accept(b"+-");
                if !self.goes_on() {
                    return false;
                }
            } else if self.accept(b"_") {
                if !self.goes_on() {
                    return false;
                }
            } else if self.is_next(digits) {
                self.accept_all(digits);
            } else {
                break;
            }
        }
        !self.peek().is_some_and(is_alphanumeric)
    }

    /// Whether something may follow an exponent's letter or an underscore.
    fn goes_on(&mut self) -> bool {
        !self.accept(b"._eE") && self.at < self.text.len()
    }

    /// What makes a duration of digits that were read.
    fn duration(&mut self) -> bool {
        if !self.accept(b"smhdwy") {
            return false;
        }
        self.accept(b"s");
        while self.accept(DECIMAL) {
            self.accept_all(DECIMAL);
            if !self.accept(b"smhdw") {
                return false;
            }
            self.accept(b"s");
        }
        if self.peek().is_some_and(is_alphanumeric) {
            // The error shows it.
            self.at += 1;
            return false;
        }
        true
    }

    /// A string in double or single quotes, the first of which was read.
    pub(super) fn string(&mut self, delimiter: char) -> Step<Kind> {
        loop {
            match self.advance() {
                Some('\\') => self.escape(delimiter)?,
                Some(char::REPLACEMENT_CHARACTER) => return self.fault("invalid UTF-8 rune"),
                None | Some('\n') => return self.fault("unterminated quoted string"),
                Some(c) if c == delimiter => return Ok(Kind::String),
                Some(_) => {}
            }
        }
    }

    /// A string in backquotes, the first of which was read.
    pub(super) fn raw_string(&mut self) -> Step<Kind> {
        loop {
            match self.advance() {
                Some(char::REPLACEMENT_CHARACTER) => return self.fault("invalid UTF-8 rune"),
                None => return self.fault("unterminated raw string"),
                Some('`') => return Ok(Kind::String),
                Some(_) => {}
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, delimiter: char) -> Step<()> {
        let (count, radix, most) = match self.advance() {
            None => return self.fault("escape sequence not terminated"),
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\') => return Ok(()),
            Some(c) if c == delimiter => return Ok(()),
            Some('0'..='7') => {
                self.at -= 1;
                (3, 8, 255)
            }
            Some('x') => (2, 16, 255),
            Some('u') => (4, 16, char::MAX as u32),
            Some('U') => (8, 16, char::MAX as u32),
            Some(c) => {
                let message = format!("unknown escape sequence {}", name_char(c));
                let hint = "a backslash is written `\\\\`, or stands in backquotes";
                return Err(self.wrong(message).with_hint(Some(hint)));
            }
        };
        let mut value: u32 = 0;
        for _ in 0..count {
            let Some(c) = self.advance() else {
                return self.fault("escape sequence not terminated");
            };
            let Some(digit) = c.to_digit(radix) else {
                let shown = name_char(c);
                return self.fault(format!("illegal character {shown} in escape sequence"));
            };
            // Eight hexadecimal digits fill the integer.
            value = value.wrapping_mul(radix).wrapping_add(digit);
        }
        if value > most || (0xd800..0xe000).contains(&value) {
            return self.fault("escape sequence is an invalid Unicode code point");
        }
        Ok(())
    }
}

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
