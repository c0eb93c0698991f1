//! Quoted strings and times.

/// A string in double quotes with Go's escapes (`strconv.Quote`).
pub fn quote(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if is_printable(c) => out.push(c),
            c if (c as u32) < 0x10000 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => {
                let _ = write!(out, "\\U{:08x}", c as u32);
            }
        }
    }
    out.push('"');
    out
}

/// What Go's `strconv.IsPrint` lets through, nearly: no control, format,
/// separator, surrogate or private-use characters.
fn is_printable(c: char) -> bool {
    let u = c as u32;
    let separator = matches!(u, 0xa0 | 0x1680 | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x3000 | 0xfeff);
    let private = matches!(u, 0xe000..=0xf8ff | 0xf0000.. | 0xfff0..=0xfffb | 0xfffe | 0xffff);
    !(c.is_control() || separator || private || u == 0xad)
}

/// A time in seconds as `2006-01-02T15:04:05Z`.
pub fn rfc3339_seconds(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = crate::elementwise::civil_from_days(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_times() {
        let text = "a\"b\\\n\u{7f}ü\u{200b}";
        assert_eq!(quote(text), "\"a\\\"b\\\\\\n\\x7fü\\u200b\"");
        assert_eq!(rfc3339_seconds(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339_seconds(1_709_210_096), "2024-02-29T12:34:56Z");
    }
}
