//! Numbers as Go writes them.

use quarrel_functions::fmt::{parse_float, quote};

/// A number of a template with the values that it stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    /// As it is written.
    pub(super) text: String,
    /// Its value, if it is an integer of 64 bits.
    pub(super) int: Option<i64>,
    /// Whether it is an integer that needs 64 bits without a sign.
    pub(super) unsigned: bool,
    /// Its value as a float.
    pub(super) float: f64,
}

impl Number {
    /// A number without quotes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.ends_with('i') {
            return Err(format!("complex number {text} is not supported"));
        }
        let plain = without_underscores(text).ok_or_else(|| illegal(text))?;
        let (int, unsigned) = match integer(&plain) {
            Some(wide) => {
                let int = i64::try_from(wide).ok();
                (int, int.is_none() && u64::try_from(wide).is_ok())
            }
            None => (None, false),
        };
        let mut number = Number {
            text: text.to_string(),
            int,
            unsigned,
            float: int.map_or(0.0, |i| i as f64),
        };
        if int.is_some() || unsigned {
            return Ok(number);
        }
        let value = parse_float(&plain).ok_or_else(|| illegal(text))?;
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote(text)));
        }
        number.float = value;
        let whole = value as i64;
        if whole as f64 == value && value.abs() < 9.2e18 {
            number.int = Some(whole);
        }
        Ok(number)
    }

    /// A character in single quotes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse_char(text: &str) -> Result<Self, String> {
        let malformed = || format!("malformed character constant: {text}");
        let bytes =
            quarrel_planner::literal::unquote(text).map_err(|_| "invalid syntax".to_string())?;
        let value = String::from_utf8(bytes).map_err(|_| malformed())?;
        let mut chars = value.chars();
        let c = chars.next().ok_or_else(|| "invalid syntax".to_string())?;
        if chars.next().is_some() {
            return Err(malformed());
        }
        let value = u32::from(c);
        Ok(Number {
            text: text.to_string(),
            int: Some(i64::from(value)),
            unsigned: false,
            float: f64::from(value),
        })
    }

    /// Whether it is a float where nothing says which type is wanted.
    pub(super) fn is_float(&self) -> bool {
        let text = &self.text;
        let hex = text.starts_with("0x") || text.starts_with("0X");
        let hex = hex && !text.contains(['p', 'P']);
        !hex && !text.starts_with('\'') && text.contains(['.', 'e', 'E', 'p', 'P'])
    }
}

fn illegal(text: &str) -> String {
    format!("illegal number syntax: {}", quote(text))
}

/// The text without `_`, each of which stands between digits or behind a base.
fn without_underscores(text: &str) -> Option<String> {
    if !text.contains('_') {
        return Some(text.to_string());
    }
    let unsigned = text.trim_start_matches(['+', '-']);
    let has_base = unsigned.starts_with('0') && unsigned.len() > 1;
    let mut last = if has_base { '0' } else { ' ' };
    for (i, c) in unsigned.chars().enumerate() {
        let is_base = has_base && i == 1 && c.is_ascii_alphabetic();
        if c == '_' && !last.is_ascii_hexdigit() || last == '_' && !c.is_ascii_hexdigit() {
            return None;
        }
        last = if is_base { '0' } else { c };
    }
    (last != '_').then(|| text.replace('_', ""))
}

/// An integer with Go's prefixes of bases.
fn integer(text: &str) -> Option<i128> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some(_) if lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_gos() {
        let int = |text: &str| Number::parse(text).unwrap().int;
        assert_eq!(int("0x1F"), Some(31));
        assert_eq!(int("017"), Some(15));
        assert_eq!(int("0b11"), Some(3));
        assert_eq!(int("1_000"), Some(1000));
        assert_eq!(int("-5"), Some(-5));
        assert_eq!(int("1e3"), Some(1000));
        assert_eq!(int("1.5"), None);
        assert!(Number::parse("1e3").unwrap().is_float());
        assert!(!Number::parse("0x1e3").unwrap().is_float());
        assert!(Number::parse("18446744073709551615").unwrap().unsigned);
        assert_eq!(Number::parse_char("'a'").unwrap().int, Some(97));
        for bad in ["1__0", "08", "18446744073709551616", "2i", "."] {
            assert!(Number::parse(bad).is_err(), "{bad}");
        }
        assert!(Number::parse_char("'ab'").is_err());
    }
}
