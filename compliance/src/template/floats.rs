//! The digits of floats for the verbs of Go's `fmt`.

use quarrel_functions::fmt::format_f;

/// The mantissa as a whole number, and the exponent of two.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match (bits >> 52) as i32 & 0x7ff {
        0 => (fraction, -1074),
        exponent => (fraction | 1 << 52, exponent - 1075),
    }
}

/// `%b` of a number that is not negative.
pub(super) fn binary(value: f64) -> String {
    let (mantissa, exponent) = parts(value);
    format!("{mantissa}p{exponent:+}")
}

/// `%x` of a number that is not negative, with all of its digits.
pub(super) fn hexadecimal(value: f64) -> String {
    let (mut mantissa, mut exponent) = parts(value);
    if mantissa == 0 {
        return "0x0p+00".to_string();
    }
    // One bit in front of the point.
    let shift = mantissa.leading_zeros() - 11;
    mantissa <<= shift;
    exponent += 52 - shift as i32;
    let digits = format!("{:013x}", mantissa & ((1 << 52) - 1));
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("0x1{point}{digits}p{sign}{:02}", exponent.abs())
}

/// `%e` of a number that is not negative.
pub(super) fn exponential(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{exponent:0>2}")
}

/// `%.Ng` of a number that is not negative.
pub(super) fn general(value: f64, digits: usize) -> String {
    let precision = digits.max(1);
    if value == 0.0 {
        return "0".to_string();
    }
    let text = format!("{value:.*e}", precision - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => mantissa,
    };
    let count = mantissa.chars().filter(char::is_ascii_digit).count() as i64;
    let mut most = precision as i64;
    if most > count && count > exponent {
        most = count;
    }
    if exponent < -4 || exponent >= most {
        let rounded: f64 = text.parse().unwrap_or(value);
        return exponential(rounded, usize::try_from(count - 1).unwrap_or(0));
    }
    let behind = usize::try_from(count - 1 - exponent).unwrap_or(0);
    let rounded: f64 = text.parse().unwrap_or(value);
    match behind {
        0 => format_f(rounded),
        _ => format!("{rounded:.behind$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_gos() {
        assert_eq!(general(123_456.0, 4), "1.235e+05");
        assert_eq!(general(1000.0, 4), "1000");
        assert_eq!(general(0.000_012_34, 2), "1.2e-05");
        assert_eq!(general(99_999.0, 3), "1e+05");
        assert_eq!(general(0.5, 0), "0.5");
        assert_eq!(exponential(0.0, 2), "0.00e+00");
        assert_eq!(hexadecimal(0.0), "0x0p+00");
        assert_eq!(hexadecimal(1.5), "0x1.8p+00");
        assert_eq!(hexadecimal(f64::MIN_POSITIVE / 4.0), "0x1p-1024");
        assert_eq!(binary(1.0), "4503599627370496p-52");
    }
}
