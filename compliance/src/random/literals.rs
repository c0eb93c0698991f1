//! Numbers, strings, durations and names in all their notations.

use quarrel_functions::fmt;

use super::generator::Generator;

/// Words that stand for something else where a name could stand.
const RESERVED: &[&str] = &[
    "and",
    "or",
    "unless",
    "atan2",
    "bool",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "by",
    "without",
    "offset",
    "inf",
    "nan",
    "start",
    "end",
    "step",
    "range",
    "fill",
    "fill_left",
    "fill_right",
    "anchored",
    "smoothed",
    "max_of",
    "min_of",
];

/// Whether a label needs no quotes.
pub(super) fn is_plain_label(name: &str) -> bool {
    is_plain_metric(name) && !name.contains(':')
}

/// Whether a metric needs no quotes.
pub(super) fn is_plain_metric(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    let lower = name.to_ascii_lowercase();
    name.starts_with(letter)
        && name.chars().all(|c| letter(c) || c.is_ascii_digit())
        && !RESERVED.contains(&lower.as_str())
        && quarrel_functions::table::aggregator(&lower).is_none()
}

/// A text in double quotes. Prometheus takes U+FFFD for what is no UTF-8, so it is
/// escaped.
pub(super) fn quote(text: &str) -> String {
    fmt::quote(text).replace('\u{fffd}', "\\ufffd")
}

/// Milliseconds as seconds.
pub(super) fn seconds(millis: i64) -> String {
    (millis as f64 / 1000.0).to_string()
}

impl Generator {
    /// A string literal.
    pub(super) fn quote(&mut self, text: &str) -> String {
        match self.dice.below(100) {
            0..15 if !text.contains(['`', '\r', '\u{fffd}']) => format!("`{text}`"),
            15..32 => {
                let quoted = quote(text);
                let inside = quoted[1..quoted.len() - 1].replace("\\\"", "\"");
                format!("'{}'", inside.replace('\'', "\\'"))
            }
            32..40 => quote_ascii(text),
            _ => quote(text),
        }
    }

    /// A label's name, in quotes where it needs them, and seldom elsewhere.
    pub(super) fn label_name(&mut self, name: &str) -> String {
        if is_plain_label(name) && !self.dice.chance(3) {
            return name.into();
        }
        quote(name)
    }

    /// A list of labels in parentheses.
    pub(super) fn label_list(&mut self, names: &[String]) -> String {
        let written: Vec<String> = names.iter().map(|name| self.label_name(name)).collect();
        let mut list = written.join(self.dice.pick(&[", ", ",", " , "]));
        if !list.is_empty() && self.dice.chance(3) {
            list.push(',');
        }
        format!("({list})")
    }

    /// A number that is not negative, in one of its many notations.
    fn number(&mut self, value: f64) -> String {
        let whole = value.fract() == 0.0 && value < 1e9;
        let int = value as u64;
        match self.dice.below(100) {
            0..2 if whole && is_safe_hex(int) => format!("0x{int:X}"),
            2..4 if whole && is_safe_hex(int) => format!("0x{int:x}"),
            4..6 if whole && int > 0 => format!("0{int:o}"),
            6..8 => format!("{value:e}"),
            8 => format!("{value:e}").replace('e', "E+").replace("E+-", "E-"),
            9..11 if whole && int >= 1000 => format!("{}_{:03}", int / 1000, int % 1000),
            11..13 if whole && int > 0 => format!("{int}s"),
            13..15 if value > 0.0 && value < 1.0 => value.to_string().replacen('0', "", 1),
            15 if whole => format!("{int}."),
            16 if whole => format!("{int}.0"),
            _ => value.to_string(),
        }
    }

    /// Any number; whether it has no sign.
    pub(super) fn any_number(&mut self) -> (String, bool) {
        let small = |g: &mut Self| {
            let value = g.dice.below(11) as f64;
            g.number(value)
        };
        match self.dice.below(100) {
            0..2 => {
                let odd = [
                    "Inf", "inf", "NaN", "nan", "1e308", "1e-308", "5m", "1h30m", "1d",
                ];
                (self.dice.pick(&odd).into(), true)
            }
            2 => (
                self.dice
                    .pick(&["-Inf", "+Inf", "-0", "-NaN", "-5m"])
                    .into(),
                false,
            ),
            3..55 => (small(self), true),
            55..70 => (format!("-{}", small(self)), false),
            70..72 => (format!("+{}", small(self)), false),
            72..90 => {
                let value = self.dice.below(1000) as f64 / 100.0;
                (self.number(value), true)
            }
            _ => {
                let value = self.dice.below(2_000_000) as f64;
                (self.number(value), true)
            }
        }
    }

    /// A duration in one of its notations.
    pub(super) fn duration(&mut self, millis: i64) -> String {
        if millis <= 0 {
            return self.dice.pick(&["0s", "0m", "0"]).into();
        }
        let whole = millis % 1000 == 0;
        match self.dice.below(100) {
            // A number means seconds.
            0..7 if whole => (millis / 1000).to_string(),
            7..10 => seconds(millis),
            10..13 => format!("{millis}ms"),
            13 if whole && is_safe_hex(millis.unsigned_abs() / 1000) => {
                format!("0x{:x}", millis / 1000)
            }
            14..22 if self.options.experimental => self.computed_duration(millis),
            _ => quarrel_planner::format_duration(millis),
        }
    }

    /// A duration in brackets, where an expression needs no parentheses.
    pub(super) fn length(&mut self, millis: i64) -> String {
        if self.options.experimental && self.dice.chance(3) {
            let half = seconds(millis / 2 + 1);
            return format!("{half} * 2 + 1s ^ 2 - 1");
        }
        self.duration(millis)
    }

    /// A duration as an expression.
    fn computed_duration(&mut self, millis: i64) -> String {
        let value = seconds(millis);
        let (half, thrice) = (seconds(millis / 2 + 1), seconds(millis.saturating_mul(3)));
        match self.dice.below(11) {
            0 => format!("({half} + {half})"),
            1 => format!("({half} * 2)"),
            2 => format!("({} - 7s)", seconds(millis.saturating_add(7_000))),
            3 => format!("({thrice} / 3)"),
            4 => format!("max_of({millis}ms, 1s)"),
            5 => format!("min_of({value}, 9h)"),
            6 => format!("(step() + {value})"),
            7 => format!("max_of(step(), {value})"),
            8 => format!("({value} + range() % 7m)"),
            9 => format!("({value} * 2 ^ -1 + {half})"),
            _ => format!("(-(-{millis}ms))"),
        }
    }

    /// Seldom a comment or odd white space.
    pub(super) fn comment(&mut self) -> &'static str {
        if !self.dice.chance(2) {
            return "";
        }
        self.dice
            .pick(&[" # a comment\n", "\n", "\t", "  ", " #\n ", "#)\r\n"])
    }
}

/// Whether Prometheus takes a number in hexadecimal digits: not all that have an
/// `e`, which it may read as an exponent.
fn is_safe_hex(number: u64) -> bool {
    !format!("{number:x}").contains('e')
}

/// A text in double quotes with all beyond ASCII escaped.
fn quote_ascii(text: &str) -> String {
    let mut out = String::new();
    for c in quote(text).chars() {
        match c {
            '\0'..='\x7f' => out.push(c),
            '\u{80}'..='\u{ffff}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out
}
