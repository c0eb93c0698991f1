//! Quotes text as Go's `strconv.Quote` does.

use std::fmt::{self, Write};
use std::sync::OnceLock;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use crate::syntax::tables;

/// `text` in double quotes, with escapes for unprintable characters.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    // Writing to a string cannot fail.
    let _ = write_quoted(&mut out, text);
    out
}

/// Writes `text` in double quotes, with escapes for unprintable characters.
pub(crate) fn write_quoted(f: &mut impl Write, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            c if is_print(c) => f.write_char(c)?,
            '\x07' => f.write_str("\\a")?,
            '\x08' => f.write_str("\\b")?,
            '\x0c' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\x0b' => f.write_str("\\v")?,
            c if c < ' ' || c == '\x7f' => write!(f, "\\x{:02x}", c as u32)?,
            c if (c as u32) < 0x10000 => write!(f, "\\u{:04x}", c as u32)?,
            c => write!(f, "\\U{:08x}", c as u32)?,
        }
    }
    f.write_char('"')
}

fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    tables::contains(print_class(), c)
}

/// Letters, marks, numbers, punctuation, symbols and the ASCII space.
pub(crate) fn print_class() -> &'static ClassUnicode {
    static PRINT: OnceLock<ClassUnicode> = OnceLock::new();
    PRINT.get_or_init(|| {
        let mut all = ClassUnicode::new([ClassUnicodeRange::new(' ', ' ')]);
        for name in ["L", "M", "N", "P", "S"] {
            if let Some(class) = tables::unicode(name, false) {
                all.union(&class.ranges());
            }
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_go_escapes() {
        assert_eq!(quote("a.b ü 日"), "\"a.b ü 日\"");
        assert_eq!(quote("\"\\\n\t\0\x7f"), r#""\"\\\n\t\x00\x7f""#);
        assert_eq!(quote("\u{a0}\u{ad}\u{2028}"), r#""\u00a0\u00ad\u2028""#);
        assert_eq!(quote("\u{e0001}😀"), "\"\\U000e0001😀\"");
        assert_eq!(quote("\x07\x08\x0b\x0c\r"), r#""\a\b\v\f\r""#);
    }
}
