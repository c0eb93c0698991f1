//! Floats as texts. The digits are those of the crate `zmij`: the shortest that
//! read back as the value, of those the closest, of two as close the one with the
//! even last digit, which are Go's. This file puts the point where Go puts it.

use std::ops::Range;

/// Go's `strconv.FormatFloat(v, 'f', -1, 64)`: the shortest digits that read
/// back as `v`, never an exponent. The values of `count_values` are these.
pub fn format_f(value: f64) -> String {
    text(|out| append_f(value, out))
}

/// Go's `%g` and `%v`, `strconv.FormatFloat(v, 'g', -1, 64)`: shortest digits,
/// an exponent below 1e-4 and from 1e6 on.
pub fn format_g(value: f64) -> String {
    text(|out| {
        if let Some(text) = special(value) {
            out.extend_from_slice(text);
            return;
        }
        Digits::of(value).general(6, out);
    })
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
    if let Some(special) = special(value) {
        return text(|out| out.extend_from_slice(special));
    }
    // Two digits, rounded by the exact value.
    let digits = Digits::read(&format!("{:.1e}", value.abs()), value);
    text(|out| digits.general(2, out))
}

/// Go's `%f`: six digits behind the point.
pub fn format_fixed6(value: f64) -> String {
    match special(value) {
        Some(special) => text(|out| out.extend_from_slice(special)),
        None => format!("{value:.6}"),
    }
}

/// Appends a value as Prometheus's JSON shows it (without quotes): shortest
/// digits, an exponent below 1e-6 and from 1e21 on, of one digit or more.
pub fn append_json(value: f64, out: &mut Vec<u8>) {
    /// Whole numbers below it are their digits.
    const WHOLE: f64 = 1e15;
    /// From here to [`WHOLE`], `zmij` writes no exponent.
    const SMALL: f64 = 1e-5;
    let magnitude = value.abs();
    // Most values are whole numbers, which are printed faster than others.
    let whole = value as i64;
    if magnitude < WHOLE && whole as f64 == value && (whole != 0 || value.is_sign_positive()) {
        append_integer(whole, out);
    } else if (SMALL..WHOLE).contains(&magnitude) {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else if let Some(text) = special(value) {
        out.extend_from_slice(text);
    } else if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        Digits::of(value).plain(out);
    } else {
        Digits::of(value).scientific(1, out);
    }
}

/// Appends a whole number.
pub fn append_integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// [`format_f`], appended.
fn append_f(value: f64, out: &mut Vec<u8>) {
    match special(value) {
        Some(text) => out.extend_from_slice(text),
        None => Digits::of(value).plain(out),
    }
}

/// A text of what is appended: digits, letters and signs.
fn text(append: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::with_capacity(24);
    append(&mut out);
    out.into_iter().map(char::from).collect()
}

/// The shortest digits of a finite float.
struct Digits {
    negative: bool,
    /// The digits, without zeros at the begin and the end but for a zero that
    /// stands alone, behind room for zeros.
    digits: [u8; 17],
    len: usize,
    /// The exponent of ten of the first digit.
    exponent: i32,
}

impl Digits {
    fn of(value: f64) -> Self {
        let mut buffer = zmij::Buffer::new();
        Digits::read(buffer.format_finite(value.abs()), value)
    }

    /// Those of a text without a sign, which stands for `value`.
    fn read(text: &str, value: f64) -> Self {
        let text = text.as_bytes();
        let (mantissa, exponent) = match text.iter().position(|&b| b == b'e') {
            Some(at) => (&text[..at], number(&text[at + 1..])),
            None => (text, 0),
        };
        let point = mantissa.iter().position(|&b| b == b'.');
        let whole = point.unwrap_or(mantissa.len()) as i32;
        let mut digits = [0; 17];
        let (mut len, mut zeros, mut end) = (0, 0, 0);
        for &digit in mantissa.iter().filter(|&&b| b != b'.') {
            if len == 0 && digit == b'0' {
                zeros += 1;
                continue;
            }
            digits[len] = digit;
            len += 1;
            end = if digit == b'0' { end } else { len };
        }
        if end == 0 {
            digits[0] = b'0';
            (end, zeros) = (1, whole - 1);
        }
        Digits {
            negative: value.is_sign_negative(),
            digits,
            len: end,
            exponent: exponent + whole - 1 - zeros,
        }
    }

    /// Digits of the range; those behind the last one are zeros.
    fn append(&self, range: Range<usize>, out: &mut Vec<u8>) {
        let known = range.start.min(self.len)..range.end.min(self.len);
        let zeros = range.len() - known.len();
        out.extend_from_slice(&self.digits[known]);
        out.extend(std::iter::repeat_n(b'0', zeros));
    }

    fn sign(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
    }

    /// Without an exponent.
    fn plain(&self, out: &mut Vec<u8>) {
        self.sign(out);
        if self.exponent < 0 {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', (-1 - self.exponent) as usize));
            self.append(0..self.len, out);
            return;
        }
        let whole = self.exponent as usize + 1;
        self.append(0..whole, out);
        if whole < self.len {
            out.push(b'.');
            self.append(whole..self.len, out);
        }
    }

    /// With an exponent of so many digits or more.
    fn scientific(&self, width: usize, out: &mut Vec<u8>) {
        self.sign(out);
        self.append(0..1, out);
        if self.len > 1 {
            out.push(b'.');
            self.append(1..self.len, out);
        }
        let sign = if self.exponent < 0 { '-' } else { '+' };
        let exponent = format!("e{sign}{:0width$}", self.exponent.abs());
        out.extend_from_slice(exponent.as_bytes());
    }

    /// Go's choice between plain digits and an exponent of two digits or more.
    fn general(&self, limit: i32, out: &mut Vec<u8>) {
        if (-4..limit).contains(&self.exponent) {
            self.plain(out);
        } else {
            self.scientific(2, out);
        }
    }
}

/// A small number with an optional sign.
fn number(text: &[u8]) -> i32 {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let digits = digits.iter().map(|&b| i32::from(b - b'0'));
    let number = digits.fold(0, |n, digit| n * 10 + digit);
    if negative { -number } else { number }
}

/// What is no number.
fn special(value: f64) -> Option<&'static [u8]> {
    if value.is_nan() {
        Some(b"NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { b"+Inf" } else { b"-Inf" })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;
    use proptest::prelude::*;

    fn json(value: f64) -> String {
        text(|out| append_json(value, out))
    }

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
            assert_eq!(json(value), text);
        }
        let value = 4_348_628_370_864_697.0 / 4.0;
        assert_eq!(format_g(value), "1.0871570927161742e+15");
        assert_eq!(format_g(5.960_464_477_539_063e-8), "5.960464477539063e-08");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// As many digits as those of the standard library, which may differ in
        /// the last one where two are as close, and they read back.
        #[test]
        fn digits_are_the_shortest(bits in any::<u64>(), scale in -12i32..30) {
            let decimal = (bits >> 20) as f64 / 10f64.powi(scale);
            for value in [f64::from_bits(bits), decimal, decimal.trunc(), (bits >> 11) as f64 / 4.0] {
                if !value.is_finite() {
                    continue;
                }
                let (plain, std) = (format_f(value), format!("{value}"));
                prop_assert_eq!(plain.parse(), Ok(value), "{}", plain);
                prop_assert_eq!(plain.len(), std.len());
                let same = plain.bytes().zip(std.bytes()).filter(|(a, b)| a == b).count();
                prop_assert!(same + 1 >= plain.len(), "{} {}", plain, std);
                prop_assert_eq!(json(value).parse(), Ok(value));
                prop_assert_eq!(format_g(value).parse(), Ok(value));
            }
        }
    }

    #[test]
    fn any_float_is_as_go_prints_it() {
        let mut lines = 0;
        for fields in golden::lines("R") {
            let value = golden::float(fields[0]);
            assert_eq!(format_g(value), fields[1]);
            assert_eq!(json(value), fields[2]);
            lines += 1;
        }
        assert!(lines > 1000);
    }

    #[test]
    fn floats_are_as_go_prints_them() {
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
