//! Floats from texts.

use std::fmt;

/// Why a text is no float, in Go's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatError {
    /// It is not written as one.
    Syntax,
    /// No float is so large.
    Range,
}

impl std::error::Error for FloatError {}

impl fmt::Display for FloatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FloatError::Syntax => "invalid syntax",
            FloatError::Range => "value out of range",
        })
    }
}

/// As [`try_parse_float`]; `None` where Go gives an error, also for numbers that
/// are out of range.
pub fn parse_float(text: &str) -> Option<f64> {
    try_parse_float(text).ok()
}

/// Go's `strconv.ParseFloat(text, 64)`: decimal and hexadecimal forms,
/// underscores between digits, `Inf`, `Infinity` and `NaN` in any case.
///
/// # Errors
/// Where Go gives one.
pub fn try_parse_float(text: &str) -> Result<f64, FloatError> {
    let (negative, magnitude) = match text.as_bytes().first().ok_or(FloatError::Syntax)? {
        b'+' => (false, &text[1..]),
        b'-' => (true, &text[1..]),
        _ => (false, text),
    };
    let signed = |value: f64| if negative { -value } else { value };
    let lower = magnitude.to_ascii_lowercase();
    match lower.as_str() {
        "inf" | "infinity" => return Ok(signed(f64::INFINITY)),
        "nan" if magnitude.len() == text.len() => return Ok(f64::NAN),
        _ => {}
    }
    if !underscores_separate_digits(&lower) {
        return Err(FloatError::Syntax);
    }
    let digits = lower.replace('_', "");
    let value = match digits.strip_prefix("0x") {
        Some(hexadecimal) => parse_hexadecimal(hexadecimal),
        None => parse_decimal(&digits),
    };
    let value = value.ok_or(FloatError::Syntax)?;
    if value.is_finite() {
        Ok(signed(value))
    } else {
        Err(FloatError::Range)
    }
}

/// Whether each underscore stands between digits, or behind a base prefix.
fn underscores_separate_digits(lower: &str) -> bool {
    let hexadecimal = lower.starts_with("0x");
    let digits = if hexadecimal { &lower[2..] } else { lower };
    let is_digit = |c: u8| c.is_ascii_digit() || (hexadecimal && (b'a'..=b'f').contains(&c));
    let mut before_is_digit = hexadecimal;
    let mut bytes = digits.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'_' && !(before_is_digit && bytes.peek().is_some_and(|&next| is_digit(next))) {
            return false;
        }
        before_is_digit = is_digit(byte);
    }
    true
}

fn parse_decimal(digits: &str) -> Option<f64> {
    // Rust takes the same forms as Go but for signs, and names of infinity.
    let is_number = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-');
    let begins = digits
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_digit() || b == b'.');
    (begins && digits.bytes().all(is_number)).then(|| digits.parse().ok())?
}

/// What stands behind `0x`: digits, and an exponent of two, which is needed.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once('p')?;
    let exponent = parse_exponent(exponent)?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // The first 64 significant bits, and whether anything follows them.
    let (mut mantissa, mut sticky, mut scale) = (0u64, false, 0i64);
    for (i, c) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(c.to_digit(16)?);
        let in_fraction = i >= whole.len();
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
            scale -= if in_fraction { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            scale += if in_fraction { 0 } else { 4 };
        }
    }
    Some(compose(mantissa, sticky, exponent.saturating_add(scale)))
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Far beyond what a float holds, the size does not matter.
    let size: i64 = digits.parse().unwrap_or(i64::MAX).min(1 << 40);
    Some(if text.starts_with('-') { -size } else { size })
}

/// `mantissa * 2^exponent`, and a bit more if `sticky`, rounded to even.
fn compose(mantissa: u64, sticky: bool, exponent: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let zeros = mantissa.leading_zeros();
    let mantissa = mantissa << zeros;
    // The value lies in [2^top, 2^(top+1)).
    let top = exponent.saturating_sub(i64::from(zeros)).saturating_add(63);
    if top > 1023 {
        return f64::INFINITY;
    }
    // Subnormal numbers have fewer bits.
    let drop = 11 + (-1022 - top).max(0);
    if drop > 64 {
        return 0.0;
    }
    let (kept, rest) = match drop {
        64 => (0, mantissa),
        _ => (mantissa >> drop, mantissa << (64 - drop)),
    };
    const HALF: u64 = 1 << 63;
    let up = rest > HALF || (rest == HALF && (sticky || kept & 1 == 1));
    let kept = kept + u64::from(up);
    // A carry out of the mantissa runs into the exponent, as it should.
    let biased = if top < -1022 { 0 } else { (top + 1022) as u64 };
    f64::from_bits((biased << 52) + kept)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::golden;

    #[test]
    fn texts_are_read_as_go_reads_them() {
        let mut lines = 0;
        for fields in golden::lines("P") {
            let text = fields[0].trim_matches('"');
            let want = (fields[2] == "ok").then(|| golden::float(fields[1]));
            let got = parse_float(text);
            assert!(
                golden::same_option(got, want),
                "{text}: {got:?}, want {want:?}"
            );
            lines += 1;
        }
        assert!(lines > 50);
    }

    #[test]
    fn errors_are_in_the_words_of_go() {
        let why = |text| try_parse_float(text).unwrap_err().to_string();
        for text in ["", "-", "+nan", "1__0", "0x10", "1e", "1_"] {
            assert_eq!(why(text), "invalid syntax", "{text}");
        }
        for text in ["1e999", "-1_0e999", "1e1_000", "0x1p99999"] {
            assert_eq!(why(text), "value out of range", "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            let got = parse_float(&crate::fmt::format_f(value)).unwrap();
            prop_assert!(got.to_bits() == bits || (got.is_nan() && value.is_nan()));
            if value.is_finite() {
                let (mantissa, exponent) = match bits >> 52 & 0x7ff {
                    0 => (bits & ((1 << 52) - 1), -1074),
                    e => (bits & ((1 << 52) - 1) | 1 << 52, e as i64 - 1075),
                };
                let sign = if value.is_sign_negative() { "-" } else { "" };
                let text = format!("{sign}0x{mantissa:x}p{exponent}");
                prop_assert_eq!(parse_float(&text).unwrap().to_bits(), bits);
            }
        }

        #[test]
        fn no_text_panics(text in "[-+]?(0[xX])?[0-9a-fA-F_.pPeExnNiIüs+-]{0,12}") {
            parse_float(&text);
        }
    }
}
