//! Go's `fmt`: `print`, `println` and `printf`.

use quarrel_functions::fmt::{format_g, quote};

use super::floats::{binary, exponential, general, hexadecimal};
use super::time::duration_text;
use super::value::{Sample, SampleValue, Value};

/// The widest field and the most digits, as in Go.
const MOST: i64 = 1_000_000;

/// `print`: spaces stand between values of which none is a string.
pub(super) fn print(values: &[Value]) -> String {
    let mut out = String::new();
    let mut last_is_text = true;
    for (i, value) in values.iter().enumerate() {
        let is_text = matches!(value, Value::Text(_) | Value::Html(_));
        if i > 0 && !is_text && !last_is_text {
            out.push(' ');
        }
        out.push_str(&plain(value));
        last_is_text = is_text;
    }
    out
}

/// `println`: a space stands between any two values.
pub(super) fn println(values: &[Value]) -> String {
    let texts: Vec<String> = values.iter().map(plain).collect();
    texts.join(" ") + "\n"
}

/// `%v`
pub(super) fn plain(value: &Value) -> String {
    let mut out = String::new();
    Verb::new('v').argument(value, &mut out);
    out
}

/// `printf`
pub(super) fn printf(format: &str, values: &[Value]) -> String {
    let mut out = String::new();
    let mut arguments = Arguments {
        values,
        next: 0,
        reordered: false,
    };
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = conversion(&rest[at + 1..], &mut arguments, &mut out);
    }
    out.push_str(rest);
    if !arguments.reordered && arguments.next < values.len() {
        let extra = values[arguments.next..].iter().map(|value| match value {
            Value::Nothing => "<nil>".to_string(),
            value => format!("{}={}", value.type_name(), plain(value)),
        });
        let extra: Vec<String> = extra.collect();
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

struct Arguments<'a> {
    values: &'a [Value],
    next: usize,
    /// Whether `[n]` was used.
    reordered: bool,
}

impl<'a> Arguments<'a> {
    fn take(&mut self) -> Option<&'a Value> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        Some(value)
    }

    /// `[n]`; whether it is valid, and the rest.
    fn index<'t>(&mut self, rest: &'t str) -> (Option<bool>, &'t str) {
        let Some(inner) = rest.strip_prefix('[') else {
            return (None, rest);
        };
        self.reordered = true;
        let Some(end) = inner.find(']') else {
            return (Some(false), inner);
        };
        let behind = &inner[end + 1..];
        match inner[..end].parse::<usize>() {
            Ok(n) if (1..=self.values.len()).contains(&n) => {
                self.next = n - 1;
                (Some(true), behind)
            }
            _ => (Some(false), behind),
        }
    }

    /// A width or a precision from an argument.
    fn size(&mut self) -> Option<i64> {
        match self.take() {
            Some(Value::Int(n) | Value::Int64(n)) if n.unsigned_abs() <= MOST.unsigned_abs() => {
                Some(*n)
            }
            _ => None,
        }
    }
}

/// Writes what stands behind a `%`; returns the rest.
fn conversion<'t>(format: &'t str, arguments: &mut Arguments<'_>, out: &mut String) -> &'t str {
    let mut verb = Verb::new('v');
    let mut rest = flags(format, &mut verb);
    let mut bad_index = false;
    let mut was_index;
    let (found, behind) = arguments.index(rest);
    (was_index, rest) = (found.is_some(), behind);
    bad_index |= found == Some(false);
    if let Some(behind) = rest.strip_prefix('*') {
        rest = behind;
        match arguments.size() {
            Some(width) => {
                verb.minus |= width < 0;
                verb.width = Some(width.unsigned_abs() as usize);
            }
            None => out.push_str("%!(BADWIDTH)"),
        }
        was_index = false;
    } else {
        let (width, behind) = number(rest);
        bad_index |= was_index && width.is_some();
        (verb.width, rest) = (width, behind);
    }
    if let Some(behind) = rest.strip_prefix('.') {
        bad_index |= was_index;
        let (found, behind) = arguments.index(behind);
        (was_index, rest) = (found.is_some(), behind);
        bad_index |= found == Some(false);
        if let Some(behind) = rest.strip_prefix('*') {
            rest = behind;
            match arguments.size() {
                Some(digits) if digits >= 0 => verb.precision = Some(digits as usize),
                _ => out.push_str("%!(BADPREC)"),
            }
            was_index = false;
        } else {
            let (digits, behind) = number(rest);
            verb.precision = Some(digits.unwrap_or(0));
            rest = behind;
        }
    }
    if !was_index {
        let (found, behind) = arguments.index(rest);
        rest = behind;
        bad_index |= found == Some(false);
    }
    let mut chars = rest.chars();
    let Some(c) = chars.next() else {
        out.push_str("%!(NOVERB)");
        return rest;
    };
    verb.verb = c;
    if c == '%' {
        out.push('%');
    } else if bad_index {
        out.push_str(&format!("%!{c}(BADINDEX)"));
    } else {
        // For `%v` the flag asks for names of fields.
        verb.plus &= c != 'v';
        match arguments.take() {
            Some(value) => verb.argument(value, out),
            None => out.push_str(&format!("%!{c}(MISSING)")),
        }
    }
    chars.as_str()
}

/// Reads flags; returns the rest.
fn flags<'t>(format: &'t str, verb: &mut Verb) -> &'t str {
    let mut rest = format;
    loop {
        let mut chars = rest.chars();
        match chars.next() {
            Some('#') => verb.sharp = true,
            Some('0') => verb.zero = true,
            Some('+') => verb.plus = true,
            Some('-') => verb.minus = true,
            Some(' ') => verb.space = true,
            _ => return rest,
        }
        rest = chars.as_str();
    }
}

/// Digits, unless they are too many.
fn number(text: &str) -> (Option<usize>, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let value = text[..end].parse().ok().filter(|n| *n <= MOST as usize);
    (value, &text[end..])
}

/// A verb with its flags.
#[derive(Clone, Copy)]
struct Verb {
    verb: char,
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

impl Verb {
    fn new(verb: char) -> Self {
        Verb {
            verb,
            plus: false,
            minus: false,
            sharp: false,
            space: false,
            zero: false,
            width: None,
            precision: None,
        }
    }

    /// Writes a value.
    fn argument(self, value: &Value, out: &mut String) {
        if self.verb == 'T' {
            return self.padded(value.type_name(), out);
        }
        match value {
            Value::Nothing if self.verb == 'v' => self.padded("<nil>", out),
            Value::Nothing => out.push_str(&format!("%!{}(<nil>)", self.verb)),
            Value::Bool(value) if matches!(self.verb, 't' | 'v') => {
                self.padded(if *value { "true" } else { "false" }, out);
            }
            Value::Int(n) | Value::Int64(n) => self.integer(value, *n, out),
            Value::Float(number) => self.float(value, *number, out),
            Value::Text(text) | Value::Html(text) => self.text(value, text, out),
            Value::Labels(labels) => {
                let pairs = labels.iter();
                let pairs = pairs.map(|(name, text)| (name.as_str(), Value::text(text.as_str())));
                self.map(pairs, out);
            }
            Value::Map(map) => {
                self.map(
                    map.iter()
                        .map(|(name, value)| (name.as_str(), value.clone())),
                    out,
                );
            }
            Value::Named(_, name, n) => match self.verb {
                'v' | 's' | 'q' | 'x' | 'X' => self.text(value, name, out),
                _ => self.integer(value, *n, out),
            },
            Value::Time(time) => self.text(value, &time.to_string(), out),
            Value::Duration(ns) => match self.verb {
                'v' | 's' | 'q' | 'x' | 'X' => self.text(value, &duration_text(*ns), out),
                _ => self.integer(value, *ns, out),
            },
            Value::Histogram(histogram) => self.text(value, &histogram.to_text(), out),
            Value::Sample(sample) => self.sample(sample, out),
            Value::Samples(samples) => {
                out.push('[');
                for (i, sample) in samples.iter().enumerate() {
                    out.push_str(if i > 0 { " " } else { "" });
                    self.sample(sample, out);
                }
                out.push(']');
            }
            Value::Alert(data) => {
                out.push('{');
                self.argument(&Value::Labels(data.labels.clone()), out);
                out.push(' ');
                self.argument(&Value::Labels(data.external_labels.clone()), out);
                out.push(' ');
                self.argument(&Value::Text(data.external_url.clone()), out);
                out.push(' ');
                self.argument(&Value::from(&data.value), out);
                out.push('}');
            }
            Value::Bool(_) => self.bad(value, out),
        }
    }

    fn sample(self, sample: &Sample, out: &mut String) {
        out.push_str("&{");
        self.argument(&Value::Labels(sample.labels.clone()), out);
        out.push(' ');
        match &sample.value {
            SampleValue::Float(value) => self.argument(&Value::Float(*value), out),
            SampleValue::Histogram(h) => self.argument(&Value::Histogram(h.clone()), out),
        }
        out.push('}');
    }

    fn map<'a>(self, pairs: impl Iterator<Item = (&'a str, Value)>, out: &mut String) {
        out.push_str("map[");
        for (i, (name, value)) in pairs.enumerate() {
            out.push_str(if i > 0 { " " } else { "" });
            self.argument(&Value::text(name), out);
            out.push(':');
            self.argument(&value, out);
        }
        out.push(']');
    }

    /// What Go writes for a verb that does not go with a value. The flags count
    /// for the value in it.
    fn bad(self, value: &Value, out: &mut String) {
        out.push_str(&format!("%!{}({}=", self.verb, value.type_name()));
        Verb { verb: 'v', ..self }.argument(value, out);
        out.push(')');
    }

    fn text(self, value: &Value, text: &str, out: &mut String) {
        let cut = match self.precision {
            Some(most) => text
                .char_indices()
                .nth(most)
                .map_or(text, |(end, _)| &text[..end]),
            None => text,
        };
        match self.verb {
            'v' if self.sharp => self.padded(&quote(text), out),
            'v' | 's' => self.padded(cut, out),
            'q' if self.sharp
                && !cut.contains('`')
                && !cut.contains(|c: char| c.is_control() && c != '\t') =>
            {
                self.padded(&format!("`{cut}`"), out);
            }
            'q' if self.plus => {
                let ascii: String = quote(cut).chars().map(escaped).collect();
                self.padded(&ascii, out);
            }
            'q' => self.padded(&quote(cut), out),
            'x' | 'X' => {
                let bytes =
                    &text.as_bytes()[..self.precision.unwrap_or(text.len()).min(text.len())];
                let hex = bytes.iter().enumerate().map(|(i, byte)| {
                    let prefix = if self.sharp && (self.space || i == 0) {
                        "0x"
                    } else {
                        ""
                    };
                    let space = if self.space && i > 0 { " " } else { "" };
                    format!("{space}{prefix}{byte:02x}")
                });
                let hex: String = hex.collect();
                let hex = if self.verb == 'X' {
                    hex.to_uppercase()
                } else {
                    hex
                };
                self.padded(&hex, out);
            }
            _ => self.bad(value, out),
        }
    }

    fn integer(self, value: &Value, n: i64, out: &mut String) {
        let magnitude = n.unsigned_abs();
        let (digits, prefix) = match self.verb {
            'v' | 'd' => (magnitude.to_string(), ""),
            'b' => (format!("{magnitude:b}"), if self.sharp { "0b" } else { "" }),
            'o' => (format!("{magnitude:o}"), if self.sharp { "0" } else { "" }),
            'O' => (format!("{magnitude:o}"), "0o"),
            'x' => (format!("{magnitude:x}"), if self.sharp { "0x" } else { "" }),
            'X' => (format!("{magnitude:X}"), if self.sharp { "0X" } else { "" }),
            'c' => return self.padded(&character(n).to_string(), out),
            'q' => {
                let c = character(n);
                let inner = quote(&c.to_string());
                let inner = match c {
                    '\'' => "\\'",
                    '"' => "\"",
                    _ => &inner[1..inner.len() - 1],
                };
                return self.padded(&format!("'{inner}'"), out);
            }
            'U' => {
                let width = self.precision.unwrap_or(4).max(4);
                let mut text = format!("U+{n:0width$X}");
                if self.sharp {
                    text.push_str(&format!(" '{}'", character(n)));
                }
                return Verb {
                    zero: false,
                    ..self
                }
                .padded(&text, out);
            }
            _ => return self.bad(value, out),
        };
        let sign = self.sign(n < 0);
        let mut digits = match self.precision {
            Some(0) if n == 0 => String::new(),
            Some(least) => format!("{digits:0>least$}"),
            None => digits,
        };
        if let (Some(width), true, false, None) =
            (self.width, self.zero, self.minus, self.precision)
        {
            let least = width.saturating_sub(sign.len());
            digits = format!("{digits:0>least$}");
        }
        Verb {
            zero: false,
            ..self
        }
        .padded(&format!("{sign}{prefix}{digits}"), out);
    }

    fn sign(self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        }
    }

    fn float(self, value: &Value, number: f64, out: &mut String) {
        if !matches!(
            self.verb,
            'v' | 'g' | 'G' | 'e' | 'E' | 'f' | 'F' | 'x' | 'X' | 'b'
        ) {
            return self.bad(value, out);
        }
        let magnitude = number.abs();
        let sign = self.sign(number.is_sign_negative() && !number.is_nan());
        let finite = number.is_finite();
        let digits = match self.verb {
            _ if number.is_nan() => "NaN".to_string(),
            _ if !finite => "Inf".to_string(),
            'e' => exponential(magnitude, self.precision.unwrap_or(6)),
            'E' => exponential(magnitude, self.precision.unwrap_or(6)).to_uppercase(),
            'f' | 'F' => format!("{magnitude:.*}", self.precision.unwrap_or(6)),
            'x' => hexadecimal(magnitude),
            'X' => hexadecimal(magnitude).to_uppercase(),
            'b' => binary(magnitude),
            verb => {
                let text = match self.precision {
                    Some(digits) => general(magnitude, digits),
                    None => format_g(magnitude),
                };
                if verb == 'G' {
                    text.to_uppercase()
                } else {
                    text
                }
            }
        };
        // As in Go an infinite number has its sign.
        let sign = match number == f64::INFINITY && sign.is_empty() {
            true => "+",
            false => sign,
        };
        if let (Some(width), true, true, false) = (self.width, self.zero, finite, self.minus) {
            let least = width.saturating_sub(sign.len());
            out.push_str(&format!("{sign}{digits:0>least$}"));
            return;
        }
        Verb {
            zero: false,
            ..self
        }
        .padded(&format!("{sign}{digits}"), out);
    }

    /// Writes a text with spaces up to the width; zeros, if the flag says so.
    fn padded(self, text: &str, out: &mut String) {
        let length = text.chars().count();
        let missing = self.width.unwrap_or(0).saturating_sub(length);
        let fill = if self.zero && !self.minus { "0" } else { " " };
        if self.minus {
            out.push_str(text);
        }
        out.push_str(&fill.repeat(missing));
        if !self.minus {
            out.push_str(text);
        }
    }
}

fn character(n: i64) -> char {
    u32::try_from(n)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or('\u{fffd}')
}

fn escaped(c: char) -> String {
    match u32::from(c) {
        0..0x80 => c.to_string(),
        code @ 0x80..0x10000 => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

/// `%.4g`
pub(super) fn four_digits(value: f64) -> String {
    printf("%.4g", &[Value::Float(value)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_gos() {
        let text = |s: &str| Value::text(s);
        let (int, float) = (Value::Int, Value::Float);
        for (format, values, want) in [
            (
                "%d|%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%q|%U",
                vec![int(5); 12],
                "5|    5|5    |00005|+5|5|5|5|101|\u{5}|'\\x05'|U+0005",
            ),
            (
                "%s|%10s|%-10s|%q|%x|%.2s|%v",
                vec![text("abc"); 7],
                "abc|       abc|abc       |\"abc\"|616263|ab|abc",
            ),
            (
                "%f|%.2f|%8.3f|%-8.1f|%e|%g|%G|%v|%06.1f|%+.1f",
                vec![float(1234.5678); 10],
                "1234.567800|1234.57|1234.568|1234.6  |1.234568e+03|1234.5678|1234.5678|1234.5678|1234.6|+1234.6",
            ),
            (
                "%.3g|%.3g|%.10g|%g",
                vec![float(1234.5), float(0.000012345), float(100.0), float(1e6)],
                "1.23e+03|1.23e-05|100|1e+06",
            ),
            (
                "%d %s %t",
                vec![float(1.0), int(1), text("x")],
                "%!d(float64=1) %!s(int=1) %!t(string=x)",
            ),
            ("%d", vec![], "%!d(MISSING)"),
            (
                "%d",
                vec![int(1), int(2), text("a")],
                "1%!(EXTRA int=2, string=a)",
            ),
            ("100%% %z %", vec![int(1)], "100% %!z(int=1) %!(NOVERB)"),
            (
                "%[2]d %[1]d %[3]d",
                vec![int(1), int(2)],
                "2 1 %!d(BADINDEX)",
            ),
            (
                "%*d|%.*f",
                vec![int(4), int(7), int(2), float(1.0)],
                "   7|1.00",
            ),
            (
                "%v %v %v",
                vec![
                    float(f64::NAN),
                    float(f64::INFINITY),
                    float(f64::NEG_INFINITY),
                ],
                "NaN +Inf -Inf",
            ),
            (
                "%t %v %T",
                vec![Value::Bool(true), Value::Nothing, int(1)],
                "true <nil> int",
            ),
        ] {
            assert_eq!(printf(format, &values), want, "{format}");
        }
        assert_eq!(print(&[int(1), int(2), text("a"), int(3)]), "1 2a3");
        assert_eq!(println(&[int(1), text("a")]), "1 a\n");
    }
}
