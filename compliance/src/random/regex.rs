//! Regular expressions of all classes, and matchers.

use quarrel_matchers::{MatchOp, Matcher};

use super::generator::Generator;
use super::literals::is_plain_label;
use super::metric::{LabelSet, Metric};

/// A text as an expression that matches it alone.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

impl Generator {
    /// A regular expression. It usually matches `value`, and may match other
    /// values of the label.
    pub(super) fn regex(&mut self, value: &str, values: &[String]) -> String {
        let chars: Vec<char> = value.chars().collect();
        let cut = self.dice.below(chars.len() + 1);
        let begin = escape(&chars[..cut].iter().collect::<String>());
        let rest = escape(&chars[cut..].iter().collect::<String>());
        let whole = escape(value);
        match self.dice.below(150) {
            0..12 => whole,
            12..28 => self.alternation(value, values),
            28..38 => begin + ".*",
            38..46 => begin + ".+",
            46..56 => format!(".*{rest}"),
            56..61 => format!(".+{rest}"),
            61..69 => format!(".*{}.*", self.middle(&chars)),
            69..72 => format!(".+{}.+", self.middle(&chars)),
            72..78 => ".*".into(),
            78..84 => ".+".into(),
            84..86 => String::new(),
            86..92 => digits_as_classes(&whole),
            92..96 => format!("(?i){}", swap_case(&whole)),
            96..99 => format!("(?i:{}).*", swap_case(&begin)),
            99..102 => format!("{begin}({rest}|)"),
            102..105 => format!("{begin}(?:{rest})?"),
            105..108 => format!("[^{}].*", first_letter(&chars)),
            108..110 => format!(".{{{}}}", chars.len().min(1000)),
            110..112 => format!(".{{0,{}}}", self.dice.below(12)),
            112..114 => format!("^{whole}$"),
            114..116 => format!("^(?:{begin}.*)$"),
            116..118 => format!(r"\Q{}\E", value.replace('\\', "")),
            118..120 => format!("{begin}.*{rest}"),
            120..122 => r"[a-z]+(-[0-9a-f]+)*".into(),
            122..124 => r"\w+".into(),
            124..126 => "(.*)-(.*)-(.*)".into(),
            126..128 => r".*\d{2,}.*".into(),
            128..130 => "(?s).*".into(),
            130..132 => "[[:alpha:]]+.*".into(),
            132..134 => r"\pL+".into(),
            134..136 => format!("(?:{}|.*z)", self.alternation(value, values)),
            136..138 => format!(".*?{rest}"),
            138..140 => r"(?m)^.*$".into(),
            140..142 => r".*\b.+\B.*".into(),
            142..144 => format!("(?P<x>{begin})(?P<y>.*)"),
            144..146 => r"[^\s\d]{1,3}.*".into(),
            _ => format!("(({begin}).*|{whole})"),
        }
    }

    fn alternation(&mut self, value: &str, values: &[String]) -> String {
        let count = if self.dice.chance(8) {
            30
        } else {
            self.dice.below(5)
        };
        let mut parts = vec![escape(value)];
        for _ in 0..count {
            if let Some(other) = self.dice.maybe(values) {
                parts.push(escape(other));
            }
        }
        if self.dice.chance(10) {
            parts.push(self.dice.pick(&["", "nope", ".*a", "b.+"]).into());
        }
        self.dice.shuffle(&mut parts);
        let text = parts.join("|");
        if self.dice.chance(20) {
            format!("({text})")
        } else {
            text
        }
    }

    fn middle(&mut self, chars: &[char]) -> String {
        let from = self.dice.below(chars.len());
        let to = (from + 1 + self.dice.below(4)).min(chars.len());
        escape(&chars[from..to].iter().collect::<String>())
    }

    /// A matcher on a label. It usually selects the given series.
    pub(super) fn matcher(&mut self, metric: &Metric, label: &str, series: &LabelSet) -> String {
        let own = series.get(label).map_or("", String::as_str);
        let mut condition = self.condition(own, metric.values(label));
        for _ in 0..3 {
            if selects(&condition, own) || self.dice.chance(10) {
                break;
            }
            condition = self.condition(own, metric.values(label));
        }
        let (op, text) = condition;
        let name = self.label_name(label);
        let space = if self.dice.chance(20) { " " } else { "" };
        format!("{name}{space}{op}{space}{}", self.quote(&text))
    }

    /// An operator and a value or an expression.
    fn condition(&mut self, own: &str, values: &[String]) -> (MatchOp, String) {
        let mut value = own;
        if self.dice.chance(5) {
            value = self.dice.pick(&["", "nope", value]);
        }
        let other = self.dice.maybe(values).map_or("x", String::as_str);
        match self.dice.below(100) {
            0..25 => (MatchOp::Equal, value.to_string()),
            25..38 => (MatchOp::NotEqual, other.to_string()),
            38..80 => (MatchOp::Regex, self.regex(value, values)),
            _ => (MatchOp::NotRegex, self.regex(other, values)),
        }
    }
}

/// Whether a condition holds for a value.
fn selects((op, text): &(MatchOp, String), value: &str) -> bool {
    Matcher::new(*op, "label", text).is_ok_and(|matcher| matcher.matches(value))
}

fn first_letter(chars: &[char]) -> char {
    match chars.first() {
        Some(first) if is_plain_label(&first.to_string()) => *first,
        _ => 'x',
    }
}

/// Digits as a class of them.
fn digits_as_classes(text: &str) -> String {
    let mut out = String::new();
    let mut in_digits = false;
    for c in text.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !in_digits {
            out.push_str("[0-9]+");
        }
        in_digits = c.is_ascii_digit();
    }
    out
}

/// The text in upper case, or in lower case if it is in upper case.
fn swap_case(text: &str) -> String {
    if text.contains('\\') {
        // The letter of an escape means something.
        return text.into();
    }
    let upper = text.to_ascii_uppercase();
    if upper == text {
        text.to_ascii_lowercase()
    } else {
        upper
    }
}
