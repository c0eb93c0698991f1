//! Floats as texts.

use std::fmt::Write;

/// Go's `strconv.FormatFloat(v, 'f', -1, 64)`: the shortest digits that read
/// back as `v`, never an exponent. The values of `count_values` are these.
pub fn format_f(value: f64) -> String {
    special(value).map_or_else(|| plain(value), str::to_owned)
}

/// Go's `%g` and `%v`, `strconv.FormatFloat(v, 'g', -1, 64)`: shortest digits,
/// an exponent below 1e-4 and from 1e6 on.
pub fn format_g(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    general(&scientific(value), 6, |out| out.push_str(&plain(value)))
}

/// As OpenMetrics writes floats: as [`format_g`], but whole numbers with `.0`.
pub fn format_openmetrics(value: f64) -> String {
    let mut text = format_g(value);
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        text.push_str(".0");
    }
    if value == 0.0 { "0.0".to_owned() } else { text }
}

/// Go's `%.2g`: two significant digits.
pub fn format_g2(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let text = format!("{value:.1e}");
    let rounded: f64 = text.parse().unwrap_or(value);
    general(&text, 2, |out| {
        let _ = write!(out, "{rounded}");
    })
}

/// Go's `%f`: six digits behind the point.
pub fn format_fixed6(value: f64) -> String {
    special(value).map_or_else(|| format!("{value:.6}"), str::to_owned)
}

/// Appends a value as Prometheus's JSON shows it (without quotes): shortest
/// digits, an exponent below 1e-6 and from 1e21 on.
pub fn format_json(value: f64, out: &mut String) {
    if let Some(text) = special(value) {
        out.push_str(text);
        return;
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        let from = out.len();
        // Writing into a string can't fail.
        let _ = write!(out, "{value}");
        settle_tie(value, out, from);
        return;
    }
    let text = scientific(value);
    let _ = match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => {
            write!(out, "{digits}e+{exponent}")
        }
        _ => write!(out, "{text}"),
    };
}

/// Shortest digits without exponent.
fn plain(value: f64) -> String {
    let mut text = format!("{value}");
    settle_tie(value, &mut text, 0);
    text
}

/// Shortest digits with an exponent.
fn scientific(value: f64) -> String {
    let mut text = format!("{value:e}");
    settle_tie(value, &mut text, 0);
    text
}

/// Where two texts of the shortest length are equally close to the value, Go
/// takes the one with the even last digit, Rust the larger one.
fn settle_tie(value: f64, out: &mut String, from: usize) {
    let Some(exact) = exact_decimal(value) else {
        return;
    };
    let text = &out[from..];
    let mantissa = text.split('e').next().unwrap_or(text);
    let significant = mantissa.trim_start_matches(['-', '0', '.']);
    let digits = significant.bytes().filter(u8::is_ascii_digit).count();
    // It is a tie if the exact value has one digit more, which is then a 5.
    if exact.ilog10() as usize != digits {
        return;
    }
    let down = exact / 10 % 10;
    let even = down + down % 2;
    let last = from + mantissa.len() - 1;
    let old = out.split_off(last);
    let _ = write!(out, "{even}{}", &old[1..]);
    // Below a power of two, floats lie closer: the even digit may be of another.
    if out[from..].parse() != Ok(value) {
        out.truncate(last);
        out.push_str(&old);
    }
}

/// The digits of a float that is no whole number, if they are 17 or 18: with
/// fewer there can be no tie, and more are too many for one.
fn exact_decimal(value: f64) -> Option<u64> {
    const MANTISSA_BITS: u32 = 52;
    /// What the exponent of the mantissa as a whole number is biased by.
    const BIAS: i64 = 1075;
    let bits = value.to_bits();
    let exponent = bits >> MANTISSA_BITS & 0x7ff;
    if exponent == 0 {
        return None;
    }
    let mantissa = bits & ((1 << MANTISSA_BITS) - 1) | 1 << MANTISSA_BITS;
    let zeros = mantissa.trailing_zeros();
    // The value is an odd number over 2^places, so it has as many decimals.
    let places = BIAS - exponent as i64 - i64::from(zeros);
    let power = 5u64.checked_pow(u32::try_from(places).ok().filter(|&p| p > 0)?)?;
    let exact = (mantissa >> zeros).checked_mul(power)?;
    (10u64.pow(16)..10u64.pow(18))
        .contains(&exact)
        .then_some(exact)
}

/// What is no number.
fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        None
    }
}

/// Go's choice between plain digits and an exponent of two digits or more.
/// `scientific` is the number as Rust's `{:e}` writes it.
fn general(scientific: &str, limit: i32, plain: impl FnOnce(&mut String)) -> String {
    let mut out = String::new();
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..limit).contains(&exponent) {
        plain(&mut out);
        return out;
    }
    let digits = match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    };
    let sign = if exponent < 0 { '-' } else { '+' };
    // Writing into a string can't fail.
    let _ = write!(out, "{digits}e{sign}{:02}", exponent.abs());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    #[test]
    fn ties_end_in_an_even_digit() {
        for (quarters, text) in [
            (4_348_628_370_864_697.0, "1087157092716174.2"),
            (3_021_222_145_395_965.0, "755305536348991.2"),
            (3_021_222_145_395_967.0, "755305536348991.8"),
            (-7_421_273_701_086_617.0, "-1855318425271654.2"),
            (7_421_273_701_086_619.0, "1855318425271654.8"),
        ] {
            let value = quarters / 4.0;
            assert_eq!(format_f(value), text);
            assert_eq!(text.parse(), Ok(value));
            let mut json = String::from("x");
            format_json(value, &mut json);
            assert_eq!(json, format!("x{text}"));
        }
        let value = 4_348_628_370_864_697.0 / 4.0;
        assert_eq!(format_g(value), "1.0871570927161742e+15");
        assert_eq!(format_g(5.960_464_477_539_063e-8), "5.960464477539063e-08");
    }

    #[test]
    fn floats_are_as_go_prints_them() {
        let json = |value: f64| {
            let mut out = String::new();
            format_json(value, &mut out);
            out
        };
        let mut lines = 0;
        for fields in golden::lines("F") {
            let value = golden::float(fields[0]);
            assert_eq!(format_f(value), fields[1]);
            assert_eq!(format_g(value), fields[2]);
            assert_eq!(format_g2(value), fields[3]);
            assert_eq!(format_fixed6(value), fields[4]);
            // Go's JSON has no texts for those that are no numbers.
            assert_eq!(json(value), fields.get(5).copied().unwrap_or(fields[1]));
            lines += 1;
        }
        assert!(lines > 30);
    }
}
