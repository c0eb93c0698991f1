//! Floats as texts.

use std::fmt::Write;

/// Go's `strconv.FormatFloat(v, 'f', -1, 64)`: the shortest digits that read
/// back as `v`, never an exponent. The values of `count_values` are these.
pub fn format_f(value: f64) -> String {
    special(value).map_or_else(|| format!("{value}"), str::to_owned)
}

/// Go's `%g` and `%v`, `strconv.FormatFloat(v, 'g', -1, 64)`: shortest digits,
/// an exponent below 1e-4 and from 1e6 on.
pub fn format_g(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    general(&format!("{value:e}"), 6, |out| {
        let _ = write!(out, "{value}");
    })
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
    let plain = magnitude == 0.0 || (1e-6..1e21).contains(&magnitude);
    // Writing into a string can't fail.
    let _ = if plain {
        write!(out, "{value}")
    } else {
        let text = format!("{value:e}");
        match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => {
                write!(out, "{digits}e+{exponent}")
            }
            _ => write!(out, "{text}"),
        }
    };
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
