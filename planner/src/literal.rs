//! Numbers, durations and strings as PromQL writes them.

use quarrel_functions::fmt::{quote, try_parse_float};

/// White space between tokens.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// The value of a number or a duration, which is in seconds.
///
/// # Errors
/// In Prometheus's words.
pub(crate) fn parse_literal(text: &str, is_duration: bool) -> Result<f64, String> {
    if is_duration {
        Ok(parse_duration(text)? as f64 / 1000.0)
    } else {
        parse_number(text)
    }
}

/// A number: decimal, hexadecimal, octal (leading zero), with underscores,
/// `Inf`, `NaN`.
///
/// # Errors
/// In Go's words when the text is no number.
pub fn parse_number(text: &str) -> Result<f64, String> {
    if let Some(integer) = parse_integer(text) {
        return Ok(integer as f64);
    }
    try_parse_float(text).map_err(|why| {
        let text = quote(text);
        format!("error parsing number: strconv.ParseFloat: parsing {text}: {why}")
    })
}

/// Go's `strconv.ParseInt` with base 0.
fn parse_integer(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None if lower.len() > 1 && lower.starts_with('0') => (&lower[1..], 8),
        None => (lower.as_str(), 10),
    };
    // Underscores stand between digits, or between the prefix and a digit.
    if digits.ends_with('_') || digits.contains("__") || (radix == 10 && digits.starts_with('_')) {
        return None;
    }
    i64::from_str_radix(&digits.replace('_', ""), radix)
        .ok()
        .filter(|_| !digits.starts_with(['+', '-']))
}

/// From large to small, as they have to follow each other.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// The largest duration, ms: what Go's nanoseconds hold.
const MAX_DURATION_MS: i64 = i64::MAX / 1_000_000;

/// A duration such as `1h30m`: units from large to small, each once. In ms.
///
/// # Errors
/// In Prometheus's words.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    if text.is_empty() {
        return Err("empty duration string".into());
    }
    if text == "0" {
        return Ok(0);
    }
    let invalid = || format!("not a valid duration string: {}", quote(text));
    let too_long = || "duration out of range".to_string();
    let is_digit = |c: char| c.is_ascii_digit();
    let mut rest = text;
    let mut total: i64 = 0;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits_end = rest.find(|c| !is_digit(c)).ok_or_else(invalid)?;
        let (digits, behind) = rest.split_at(digits_end);
        // Go's integer has 64 bits, and no sign.
        let amount: u64 = digits.parse().map_err(|_| invalid())?;
        let (unit, behind) = behind.split_at(behind.find(is_digit).unwrap_or(behind.len()));
        if !UNITS.iter().any(|(name, _)| *name == unit) {
            let (unit, text) = (quote(unit), quote(text));
            return Err(format!("unknown unit {unit} in duration {text}"));
        }
        let (_, ms) = units.by_ref().find(|u| u.0 == unit).ok_or_else(invalid)?;
        total = i64::try_from(amount)
            .ok()
            .and_then(|amount| amount.checked_mul(*ms))
            .and_then(|ms| total.checked_add(ms))
            .filter(|total| *total <= MAX_DURATION_MS)
            .ok_or_else(too_long)?;
        rest = behind;
    }
    Ok(total)
}

/// Whether Go's nanoseconds hold so many seconds.
pub(crate) fn is_duration(seconds: f64) -> bool {
    // Prometheus lets pass what is no number.
    seconds.is_nan() || seconds.abs() <= i64::MAX as f64 / 1e9
}

/// Seconds as nanoseconds, in the way that Prometheus rounds them.
pub(crate) fn to_nanos(seconds: f64) -> i64 {
    let nanos = (seconds * 1e9).round();
    // What is too much for Go's integer, or no number, becomes the least one.
    if nanos.is_nan() || nanos >= i64::MAX as f64 {
        i64::MIN
    } else {
        nanos as i64
    }
}

/// The value of a quoted string: `"..."` and `'...'` with Go's escapes,
/// `` `...` `` as it stands. Escapes can make bytes that are no UTF-8.
///
/// # Errors
/// When an escape is none, or a U+FFFD stands in the string, which Go does not tell
/// from bytes that are no UTF-8.
pub fn unquote(quoted: &str) -> Result<Vec<u8>, String> {
    if quoted.contains('\u{fffd}') {
        return Err("invalid UTF-8 rune".to_string());
    }
    let bad = |why: &str| format!("error unquoting string {}: {why}", quote(quoted));
    let delimiter = quoted.chars().next().ok_or_else(|| bad("invalid syntax"))?;
    let inner = quoted
        .get(1..quoted.len().saturating_sub(1))
        .filter(|_| quoted.len() >= 2 && quoted.ends_with(delimiter))
        .ok_or_else(|| bad("invalid syntax"))?;
    if delimiter == '`' || !inner.contains('\\') {
        return Ok(inner.into());
    }
    let mut out: Vec<u8> = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        unescape(&mut chars, delimiter, &mut out).ok_or_else(|| bad("invalid syntax"))?;
    }
    Ok(out)
}

/// Appends what an escape stands for; its backslash was read.
fn unescape(chars: &mut std::str::Chars<'_>, delimiter: char, out: &mut Vec<u8>) -> Option<()> {
    let byte = |value: u32| u8::try_from(value).ok();
    let next = chars.next()?;
    let mut number = |count: usize, radix: u32, first: u32| {
        let mut value = first;
        for _ in 0..count {
            value = value
                .checked_mul(radix)?
                .checked_add(chars.next()?.to_digit(radix)?)?;
        }
        Some(value)
    };
    match next {
        'a' => out.push(0x07),
        'b' => out.push(0x08),
        'f' => out.push(0x0c),
        'n' => out.push(b'\n'),
        'r' => out.push(b'\r'),
        't' => out.push(b'\t'),
        'v' => out.push(0x0b),
        '\\' => out.push(b'\\'),
        quote if quote == delimiter => out.push(quote as u8),
        'x' => out.push(byte(number(2, 16, 0)?)?),
        '0'..='7' => out.push(byte(number(2, 8, next.to_digit(8)?)?)?),
        'u' | 'U' => {
            let value = number(if next == 'u' { 4 } else { 8 }, 16, 0)?;
            let c = char::from_u32(value)?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let value = |text: &str| parse_number(text).unwrap();
        assert_eq!(value("0x1F"), 31.0);
        assert_eq!(value("017"), 15.0);
        assert_eq!(value("08"), 8.0);
        assert_eq!(value("1_000"), 1000.0);
        assert_eq!(value(".5e3"), 500.0);
        assert_eq!(value("5."), 5.0);
        assert_eq!(value("iNf"), f64::INFINITY);
        assert!(value("NaN").is_nan());
        assert!(parse_number("1__0").is_err());
        assert_eq!(value("1_0.5"), 10.5);
        assert!(parse_number("1e999").is_err());
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("1h30m"), Ok(5_400_000));
        assert_eq!(parse_duration("1y2w3d4h5m6s7ms").map(|d| d % 1000), Ok(7));
        assert_eq!(parse_duration("0"), Ok(0));
        for (bad, why) in [
            ("5m1h", r#"not a valid duration string: "5m1h""#),
            ("5m5m", r#"not a valid duration string: "5m5m""#),
            ("5", r#"not a valid duration string: "5""#),
            ("m", r#"not a valid duration string: "m""#),
            ("", "empty duration string"),
            ("1x", r#"unknown unit "x" in duration "1x""#),
            ("1.5m", r#"unknown unit "." in duration "1.5m""#),
            ("1mü", r#"unknown unit "mü" in duration "1mü""#),
            ("300y", "duration out of range"),
            ("292y300d", "duration out of range"),
            ("9223372036855ms", "duration out of range"),
            ("10000000000000000000ms", "duration out of range"),
            (
                "99999999999999999999s",
                r#"not a valid duration string: "99999999999999999999s""#,
            ),
        ] {
            assert_eq!(parse_duration(bad), Err(why.to_string()));
        }
        assert_eq!(parse_duration("9223372036854ms"), Ok(9_223_372_036_854));
    }

    #[test]
    fn durations_end_where_nanoseconds_do() {
        assert!(is_duration(9_223_372_036.0));
        assert!(is_duration(-9_223_372_036.854));
        assert!(!is_duration(9_223_372_036.9));
        assert!(!is_duration(-9_223_372_037.0));
        assert!(!is_duration(f64::INFINITY));
    }

    #[test]
    fn strings() {
        let text = |quoted: &str| String::from_utf8(unquote(quoted).unwrap()).unwrap();
        assert_eq!(text(r#""a\n\x41\u00fc\101'""#), "a\nAüA'");
        assert_eq!(text(r"'\'\xc3\xbc'"), "'ü");
        assert_eq!(text(r"`\n`"), "\\n");
        assert_eq!(unquote(r#""\xff""#).as_deref(), Ok(&[0xff][..]));
        for bad in [r#""\q""#, r#""\u12""#, "\"", r#""\400""#, "`\u{fffd}`"] {
            assert!(unquote(bad).is_err(), "{bad}");
        }
    }
}
