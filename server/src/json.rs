//! A JSON writer whose bytes are those of Prometheus's HTTP API.
//!
//! It appends to a plain byte buffer, so that a long answer can be cut into
//! pieces and sent while it is written. There is no state: commas and
//! brackets are the caller's.

use quarrel_engine::histogram::HistogramRef;
use quarrel_engine::labels::{Label, Symbols};
use quarrel_functions::fmt::{append_integer, append_json, format_f};

/// Appends `"text"`, with the escapes of json-iterator's `WriteString`: quote,
/// backslash and control characters only. Labels are written this way.
pub fn string(out: &mut Vec<u8>, text: &str) {
    quoted(out, text, |byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
}

/// Appends `"text"` as json-iterator does where HTML is escaped, too: `<`, `>`,
/// `&` and the line separators U+2028 and U+2029. Everything but labels is
/// written this way.
pub fn string_html(out: &mut Vec<u8>, text: &str) {
    /// The first byte of the line separators, and of other characters.
    const SEPARATOR: u8 = 0xe2;
    quoted(out, text, |byte| {
        matches!(
            byte,
            b'"' | b'\\' | 0..=0x1f | b'<' | b'>' | b'&' | SEPARATOR
        )
    });
}

/// `may_escape` tells of bytes that begin a character which is perhaps escaped.
fn quoted(out: &mut Vec<u8>, text: &str, may_escape: impl Fn(u8) -> bool) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(&may_escape) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut chars = tail.chars();
        if let Some(c) = chars.next() {
            escape(out, c);
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, c: char) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match c {
        '"' | '\\' => out.extend_from_slice(&[b'\\', c as u8]),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        // Begins with the byte of the separators, and is none.
        c if !c.is_ascii() && !matches!(c, '\u{2028}' | '\u{2029}') => {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        c => {
            out.extend_from_slice(b"\\u");
            for shift in [12, 8, 4, 0] {
                out.push(HEX[(c as usize >> shift) & 15]);
            }
        }
    }
}

/// Appends a sample's value, a number in quotes.
pub fn float(out: &mut Vec<u8>, value: f64) {
    out.push(b'"');
    digits(out, value);
    out.push(b'"');
}

/// Appends a sample's value without quotes.
pub fn digits(out: &mut Vec<u8>, value: f64) {
    let from = out.len();
    append_json(value, out);
    // Exponents have two digits here, one in Go's `encoding/json`.
    if let [.., b'e', b'-', _] = out[from..]
        && let Some(digit) = out.pop()
    {
        out.extend_from_slice(&[b'0', digit]);
    }
}

/// Appends an integer.
pub fn integer(out: &mut Vec<u8>, value: i64) {
    append_integer(value, out);
}

/// Appends a sample's time, given in ms, in seconds.
pub fn timestamp(out: &mut Vec<u8>, ms: i64) {
    if ms < 0 {
        out.push(b'-');
    }
    let (seconds, fraction) = (ms.unsigned_abs() / 1000, (ms.unsigned_abs() % 1000) as u16);
    integer(out, seconds as i64);
    if fraction != 0 {
        out.push(b'.');
        for digit in [fraction / 100, fraction / 10 % 10, fraction % 10] {
            out.push(b'0' + digit as u8);
        }
    }
}

/// Appends a sample that is a histogram: its time, and total, sum and
/// populated buckets.
pub fn histogram_point(out: &mut Vec<u8>, ms: i64, h: &HistogramRef<'_>) {
    out.push(b'[');
    timestamp(out, ms);
    out.extend_from_slice(b",{\"count\":");
    float(out, h.count);
    out.extend_from_slice(b",\"sum\":");
    float(out, h.sum);
    let mut any = false;
    for bucket in h.shown_buckets() {
        out.extend_from_slice(if any { b"," } else { b",\"buckets\":[" });
        any = true;
        // Which bounds the bucket includes.
        let bounds = match (bucket.lower_inclusive, bucket.upper_inclusive) {
            (false, true) => b'0',
            (true, false) => b'1',
            (false, false) => b'2',
            (true, true) => b'3',
        };
        out.extend_from_slice(&[b'[', bounds]);
        for number in [bucket.lower, bucket.upper, bucket.count] {
            out.push(b',');
            float(out, number);
        }
        out.push(b']');
    }
    out.extend_from_slice(if any { b"]}]" } else { b"}]" });
}

/// Appends a number of seconds as Go's `encoding/json` writes floats: no
/// quotes, shortest digits. Finite numbers only.
pub fn number(out: &mut Vec<u8>, value: f64) {
    append_json(value, out);
}

/// Appends `[time,"number"]`, the result of a query for one scalar: its time
/// goes through a float, its value has no exponent.
pub fn scalar(out: &mut Vec<u8>, ms: i64, value: f64) {
    out.push(b'[');
    number(out, ms as f64 / 1000.0);
    out.extend_from_slice(b",\"");
    out.extend_from_slice(format_f(value).as_bytes());
    out.extend_from_slice(b"\"]");
}

/// Appends `[time,"text"]`, the result of a query for a string.
pub fn string_result(out: &mut Vec<u8>, ms: i64, text: &str) {
    out.push(b'[');
    number(out, ms as f64 / 1000.0);
    out.push(b',');
    string_html(out, text);
    out.push(b']');
}

/// Appends `[time,"value"]`.
pub fn point(out: &mut Vec<u8>, ms: i64, value: f64) {
    out.push(b'[');
    timestamp(out, ms);
    out.push(b',');
    float(out, value);
    out.push(b']');
}

/// Appends a label set as an object.
pub fn labels(out: &mut Vec<u8>, labels: &[Label], symbols: &Symbols<'_>) {
    out.push(b'{');
    for (i, label) in labels.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        string(out, symbols.get(label.name));
        out.push(b':');
        string(out, symbols.get(label.value));
    }
    out.push(b'}');
}

/// What a label set takes, roughly, bytes.
pub fn labels_size(labels: &[Label], symbols: &Symbols<'_>) -> usize {
    let size = |label: &Label| symbols.get(label.name).len() + symbols.get(label.value).len() + 6;
    labels.iter().map(size).sum()
}

/// Appends a list of strings.
pub fn strings<T: AsRef<str>>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>) {
    out.push(b'[');
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        string_html(out, item.as_ref());
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_are_as_prometheus_writes_them() {
        for (value, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-17.0, "-17"),
            (0.1, "0.1"),
            (1.5e300, "1.5e+300"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
            (123456789012345680.0, "123456789012345680"),
            (1e-6, "0.000001"),
            (1e-7, "1e-07"),
            (1.25e-10, "1.25e-10"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (5e-324, "5e-324"),
            (999999999999999.0, "999999999999999"),
            (9007199254740993.0, "9007199254740992"),
        ] {
            assert_eq!(text(|o| float(o, value)), format!("\"{want}\""));
        }
    }

    #[test]
    fn times_are_seconds() {
        for (ms, want) in [
            (0, "0"),
            (1, "0.001"),
            (10, "0.010"),
            (120, "0.120"),
            (1_700_011_200_000, "1700011200"),
            (1_700_011_200_050, "1700011200.050"),
            (-1500, "-1.500"),
            (i64::MIN, "-9223372036854775.808"),
            (i64::MAX, "9223372036854775.807"),
        ] {
            assert_eq!(text(|o| timestamp(o, ms)), want);
        }
        assert_eq!(
            text(|o| scalar(o, 1_700_011_200_050, 1e-7)),
            "[1700011200.05,\"0.0000001\"]"
        );
        assert_eq!(
            text(|o| string_result(o, 5000, "<a>")),
            "[5,\"\\u003ca\\u003e\"]"
        );
        assert_eq!(text(|o| point(o, 1500, 2.5)), "[1.500,\"2.5\"]");
    }

    #[test]
    fn strings_are_escaped_as_in_prometheus() {
        let all = "a\"b\\c\nd\re\tf\x01g\x7fh<i>&ü\u{2028}€🦀";
        assert_eq!(
            text(|o| string(o, all)),
            "\"a\\\"b\\\\c\\nd\\re\\tf\\u0001g\x7fh<i>&ü\u{2028}€🦀\""
        );
        assert_eq!(
            text(|o| string_html(o, all)),
            "\"a\\\"b\\\\c\\nd\\re\\tf\\u0001g\x7fh\\u003ci\\u003e\\u0026ü\\u2028€🦀\""
        );
        assert_eq!(text(|o| strings(o, ["a", "b"])), r#"["a","b"]"#);
        assert_eq!(text(|o| strings(o, [""; 0])), "[]");
    }

    #[test]
    fn any_string_is_read_back_by_another_parser() {
        let mut seed = 1u64;
        for _ in 0..2000 {
            let mut any = String::new();
            for _ in 0..seed % 20 {
                seed = seed
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                let code = (seed >> 33) as u32 % 0x300;
                any.push(char::from_u32(code).unwrap_or('x'));
            }
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1);
            for written in [text(|o| string(o, &any)), text(|o| string_html(o, &any))] {
                assert_eq!(serde_json::from_str::<String>(&written).unwrap(), any);
            }
        }
    }
}
