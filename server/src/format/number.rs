//! Numbers for people to read.

/// A number for people to read: integers in full, others with six digits.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return quarrel_functions::fmt::format_f(value);
    }
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e15 {
        // Adding zero makes a negative zero positive.
        return format!("{:.0}", value + 0.0);
    }
    if !(1e-4..1e15).contains(&size) {
        let text = format!("{value:.5e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", trim(digits));
    }
    let decimals = (5 - size.log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.decimals$}");
    trim(&text).to_string()
}

/// Removes zeros at the end of a fraction.
fn trim(digits: &str) -> &str {
    if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_digits() {
        for (value, want) in [
            (0.0, "0"),
            (-0.0, "0"),
            (42.0, "42"),
            (123456789012.0, "123456789012"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.333333"),
            (-12345.678901, "-12345.7"),
            (1234567.89, "1234568"),
            (0.00012345678, "0.000123457"),
            (0.000012345678, "1.23457e-5"),
            (1e15, "1e15"),
            (1.5e300, "1.5e300"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(number(value), want);
        }
    }
}
