//! Numbers and strings as Go prints and parses them, where results show them.

/// Go's `strconv.FormatFloat(v, 'f', -1, 64)`: the shortest digits that read
/// back as `v`, never an exponent.
pub fn format_f(value: f64) -> String {
    special(value).unwrap_or_else(|| format!("{value}"))
}

fn special(value: f64) -> Option<String> {
    if value.is_nan() {
        Some("NaN".into())
    } else if value.is_infinite() {
        Some(if value > 0.0 { "+Inf" } else { "-Inf" }.into())
    } else {
        None
    }
}

/// Go's `%g`: shortest digits, an exponent below 1e-4 and from 1e21 on.
pub fn format_g(value: f64) -> String {
    general(value, 21)
}

/// A value as Prometheus's JSON shows it: an exponent below 1e-6 and from
/// 1e21 on.
pub fn format_json(value: f64, out: &mut String) {
    use std::fmt::Write;
    if let Some(text) = special(value) {
        out.push_str(&text);
        return;
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        // Go writes at least one digit here and a plus sign.
        let _ = match exponent.strip_prefix('-') {
            Some(digits) => write!(out, "{mantissa}e-{digits:0>1}"),
            None => write!(out, "{mantissa}e+{exponent:0>1}"),
        };
    } else {
        let _ = write!(out, "{value}");
    }
}

fn general(value: f64, limit: i32) -> String {
    if let Some(text) = special(value) {
        return text;
    }
    if value == 0.0 {
        return if value.is_sign_negative() {
            "-0".into()
        } else {
            "0".into()
        };
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let number: i32 = exponent.parse().unwrap_or(0);
    if (-4..limit).contains(&number) {
        return format!("{value}");
    }
    let sign = if number < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", number.abs())
}

/// Go's `%f`: six digits behind the point.
pub fn format_fixed6(value: f64) -> String {
    special(value).unwrap_or_else(|| format!("{value:.6}"))
}

/// Go's `%.2g`.
pub fn format_g2(value: f64) -> String {
    if let Some(text) = special(value) {
        return text;
    }
    if value == 0.0 {
        return "0".into();
    }
    let text = format!("{value:.1e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let number: i32 = exponent.parse().unwrap_or(0);
    let trimmed = mantissa.strip_suffix(".0").unwrap_or(mantissa);
    if (-4..2).contains(&number) {
        let rounded: f64 = text.parse().unwrap_or(value);
        return format!("{rounded}");
    }
    let sign = if number < 0 { '-' } else { '+' };
    format!("{trimmed}e{sign}{:02}", number.abs())
}

/// Go's `strconv.ParseFloat` as `le` labels need it: decimal and hexadecimal
/// forms, `Inf` and `NaN` in any case, underscores not allowed.
pub fn parse_float(text: &str) -> Option<f64> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'+' => (false, &text[1..]),
        b'-' => (true, &text[1..]),
        _ => (false, text),
    };
    let magnitude = match rest.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => f64::INFINITY,
        "nan" => return (rest.len() == text.len()).then_some(f64::NAN),
        lower if lower.starts_with("0x") => parse_hex_float(&lower[2..])?,
        lower => {
            let plain = lower
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-'));
            if !plain || !lower.bytes().any(|b| b.is_ascii_digit()) {
                return None;
            }
            let value: f64 = lower.parse().ok()?;
            if value.is_infinite() {
                return None; // out of range is an error in Go
            }
            value
        }
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// The digits behind `0x` of Go's hexadecimal floats, which need `p`.
fn parse_hex_float(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0f64;
    let mut scale = 0i32;
    for (i, c) in whole.chars().chain(fraction.chars()).enumerate() {
        value = value * 16.0 + f64::from(c.to_digit(16)?);
        if i >= whole.len() {
            scale -= 4;
        }
    }
    let result = value * 2f64.powi(exponent.saturating_add(scale));
    result.is_finite().then_some(result)
}

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
    fn floats_as_go_prints_them() {
        assert_eq!(format_f(1e21), "1000000000000000000000");
        assert_eq!(format_f(0.5), "0.5");
        assert_eq!(format_f(f64::NEG_INFINITY), "-Inf");
        assert_eq!(format_g(1e21), "1e+21");
        assert_eq!(format_g(1e20), "100000000000000000000");
        assert_eq!(format_g(0.00001), "1e-05");
        assert_eq!(format_g(-0.0), "-0");
        assert_eq!(format_g2(0.123), "0.12");
        assert_eq!(format_g2(1234.0), "1.2e+03");
        assert_eq!(format_g2(12.0), "12");
        let json = |v| {
            let mut out = String::new();
            format_json(v, &mut out);
            out
        };
        assert_eq!(json(1e-7), "1e-7");
        assert_eq!(json(1.5e22), "1.5e+22");
        assert_eq!(json(0.000001), "0.000001");
        assert_eq!(json(f64::NAN), "NaN");
        assert_eq!(json(-0.0), "-0");
    }

    #[test]
    fn bounds_as_go_parses_them() {
        assert_eq!(parse_float("+Inf"), Some(f64::INFINITY));
        assert_eq!(parse_float("-infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(parse_float("0.5e1"), Some(5.0));
        assert_eq!(parse_float("0x1p-2"), Some(0.25));
        assert!(parse_float("NaN").is_some_and(f64::is_nan));
        for bad in ["", "+", "1_0", "abc", "1e", "0x1", "+NaN", "1e999", " 1"] {
            assert_eq!(parse_float(bad), None, "{bad}");
        }
    }

    #[test]
    fn quotes_and_times() {
        assert_eq!(
            quote("a\"b\\\n\u{7f}ü\u{200b}"),
            "\"a\\\"b\\\\\\n\\x7fü\\u200b\""
        );
        assert_eq!(rfc3339_seconds(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339_seconds(1_709_210_096), "2024-02-29T12:34:56Z");
    }
}
