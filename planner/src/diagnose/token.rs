//! Tokens of PromQL, and what Prometheus's errors call them.

use quarrel_functions::fmt::quote;
use quarrel_functions::table::{self, Aggregator};

use crate::ast::{BinaryOp, Span};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Eof,
    Comma,
    Colon,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    /// `=`, which is an operator of matchers alone.
    Equal,
    /// `=~`
    EqualRegex,
    /// `!~`
    NotEqualRegex,
    /// `@`
    At,
    /// An operator between expressions, words among them.
    Operator(BinaryOp),
    Aggregator(&'static Aggregator),
    Word(Word),
    /// A name without a colon.
    Identifier,
    /// A name with a colon.
    MetricIdentifier,
    Number,
    Duration,
    String,
}

/// Words with a meaning that are neither operators nor aggregators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Anchored,
    Bool,
    By,
    Fill,
    FillLeft,
    FillRight,
    GroupLeft,
    GroupRight,
    Ignoring,
    Offset,
    On,
    Smoothed,
    Without,
    Start,
    End,
    Step,
    Range,
    MaxOf,
    MinOf,
}

const WORDS: [(&str, Word); 19] = [
    ("anchored", Word::Anchored),
    ("bool", Word::Bool),
    ("by", Word::By),
    ("fill", Word::Fill),
    ("fill_left", Word::FillLeft),
    ("fill_right", Word::FillRight),
    ("group_left", Word::GroupLeft),
    ("group_right", Word::GroupRight),
    ("ignoring", Word::Ignoring),
    ("offset", Word::Offset),
    ("on", Word::On),
    ("smoothed", Word::Smoothed),
    ("without", Word::Without),
    ("start", Word::Start),
    ("end", Word::End),
    ("step", Word::Step),
    ("range", Word::Range),
    ("max_of", Word::MaxOf),
    ("min_of", Word::MinOf),
];

const OPERATORS: [(&str, BinaryOp); 4] = [
    ("and", BinaryOp::And),
    ("atan2", BinaryOp::Atan2),
    ("or", BinaryOp::Or),
    ("unless", BinaryOp::Unless),
];

impl Word {
    /// Whether it is the name of a function to the grammar, though none is
    /// called so.
    pub fn is_callable(self) -> bool {
        use Word as W;
        matches!(
            self,
            W::Start | W::End | W::Step | W::Range | W::MaxOf | W::MinOf
        )
    }

    /// `fill`, `fill_left`, `fill_right`
    pub fn is_fill(self) -> bool {
        matches!(self, Word::Fill | Word::FillLeft | Word::FillRight)
    }

    /// Whether it may be the name of a metric.
    fn names_metric(self) -> bool {
        use Word as W;
        !matches!(
            self,
            W::Bool | W::On | W::Ignoring | W::GroupLeft | W::GroupRight
        )
    }
}

/// What a name means outside of braces.
pub(super) fn kind_of_name(name: &str) -> Kind {
    let is = |word: &str| word.eq_ignore_ascii_case(name);
    if is("inf") || is("nan") {
        return Kind::Number;
    }
    if let Some((_, word)) = WORDS.iter().find(|(text, _)| is(text)) {
        return Kind::Word(*word);
    }
    if let Some((_, op)) = OPERATORS.iter().find(|(text, _)| is(text)) {
        return Kind::Operator(*op);
    }
    match table::aggregator(&name.to_ascii_lowercase()) {
        Some(aggregator) => Kind::Aggregator(aggregator),
        None if name.contains(':') => Kind::MetricIdentifier,
        None => Kind::Identifier,
    }
}

/// The word that a range may hold under the name, if there is one.
pub(super) fn duration_word(name: &str) -> Option<Word> {
    match kind_of_name(name) {
        Kind::Word(word @ (Word::Step | Word::Range | Word::MaxOf | Word::MinOf)) => Some(word),
        _ => None,
    }
}

impl Kind {
    /// Whether it may be the name of a metric outside of braces.
    pub fn names_metric(self) -> bool {
        match self {
            Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregator(_) => true,
            Kind::Operator(op) => op.is_set(),
            Kind::Word(word) => word.names_metric(),
            _ => false,
        }
    }

    /// Whether an expression may begin with it.
    pub fn begins_expression(self) -> bool {
        use BinaryOp::{Add, Sub};
        self.names_metric()
            || matches!(
                self,
                Kind::Number
                    | Kind::Duration
                    | Kind::String
                    | Kind::LeftParen
                    | Kind::LeftBrace
                    | Kind::Operator(Add | Sub)
            )
    }

    /// Whether it may be a label in parentheses.
    pub fn names_label(self) -> bool {
        match self {
            Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregator(_) => true,
            Kind::Operator(op) => op.is_set() || op == BinaryOp::Atan2,
            Kind::Word(word) => word != Word::Without,
            _ => false,
        }
    }

    /// Whether an expression may end with it, and is no name.
    pub fn closes(self) -> bool {
        matches!(
            self,
            Kind::RightParen
                | Kind::RightBrace
                | Kind::RightBracket
                | Kind::Number
                | Kind::Duration
        )
    }

    /// Whether it stands between a label and its value.
    pub fn matches_label(self) -> bool {
        matches!(
            self,
            Kind::Equal
                | Kind::EqualRegex
                | Kind::NotEqualRegex
                | Kind::Operator(BinaryOp::NotEqual)
        )
    }
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub span: Span,
}

/// What Prometheus calls a token that it did not expect.
pub(super) fn describe(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Eof => "end of input".into(),
        Kind::Identifier => format!("identifier {}", quote(text)),
        Kind::MetricIdentifier => format!("metric identifier {}", quote(text)),
        Kind::Number => format!("number {}", shortened(text)),
        Kind::Duration => format!("duration {}", shortened(text)),
        Kind::String => format!("string {}", shortened(text)),
        Kind::Aggregator(_) => format!("<aggr:{text}>"),
        Kind::Operator(_) | Kind::At | Kind::EqualRegex | Kind::NotEqualRegex => {
            format!("<op:{text}>")
        }
        Kind::Word(word) if !word.is_callable() => format!("<{text}>"),
        _ => shortened(text),
    }
}

/// Ten characters of a text at most, in quotes.
fn shortened(text: &str) -> String {
    if text.len() <= 10 {
        return quote(text);
    }
    let end = text.char_indices().nth(10).map_or(text.len(), |(at, _)| at);
    format!("{}...", quote(&text[..end]))
}

/// A character in single quotes, as Go's `%q` shows it; the end of the text is
/// the character that stands for none.
pub(super) fn quote_char(c: Option<char>) -> String {
    let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
    match c {
        '\'' => r"'\''".into(),
        '"' => "'\"'".into(),
        c => {
            let quoted = quote(c.encode_utf8(&mut [0; 4]));
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}

/// A character with its number, as Go's `%#U` shows it.
pub(super) fn name_char(c: char) -> String {
    let quoted = quote(c.encode_utf8(&mut [0; 4]));
    let is_printable = matches!(c, '"' | '\\') || !quoted[1..].starts_with('\\');
    let shown = if is_printable {
        format!(" '{c}'")
    } else {
        String::new()
    };
    format!("U+{:04X}{shown}", c as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_prometheus_names() {
        let said = |text: &str| describe(kind_of_name(text), text);
        assert_eq!(said("foo"), r#"identifier "foo""#);
        assert_eq!(said("a:b"), r#"metric identifier "a:b""#);
        assert_eq!(said("Sum"), "<aggr:Sum>");
        assert_eq!(said("AND"), "<op:AND>");
        assert_eq!(said("group_left"), "<group_left>");
        assert_eq!(said("start"), r#""start""#);
        assert_eq!(said("NaN"), r#"number "NaN""#);
        assert_eq!(
            describe(Kind::String, r#""ünlabelled""#),
            r#"string "\"ünlabelle"..."#
        );
        assert_eq!(describe(Kind::LeftParen, "("), r#""(""#);
    }

    #[test]
    fn characters_are_shown_as_in_go() {
        let quoted = |c| quote_char(Some(c));
        assert_eq!(
            [quoted('\''), quoted('"'), quoted('\n'), quoted('ü')],
            [r"'\''", "'\"'", r"'\n'", "'ü'"]
        );
        assert_eq!(quote_char(None), "'\u{fffd}'");
        assert_eq!(name_char('q'), "U+0071 'q'");
        assert_eq!(name_char('\u{1}'), "U+0001");
        assert_eq!(name_char('\\'), "U+005C '\\'");
        assert_eq!(name_char('🦀'), "U+1F980 '🦀'");
    }
}
