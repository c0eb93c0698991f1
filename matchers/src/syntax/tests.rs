use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::*;

fn parse(pattern: &str) -> Result<Parsed, RegexError> {
    super::parse(pattern, Dialect::Matcher)
}

fn kind(pattern: &str) -> RegexErrorKind {
    parse(pattern).unwrap_err().kind
}

fn literal(text: &str, fold: bool) -> Ast {
    Ast::Literal {
        chars: text.chars().collect(),
        fold,
    }
}

#[test]
fn concatenations_and_literals_are_joined() {
    let ast = |pattern| parse(pattern).unwrap().ast;
    assert_eq!(ast("abc"), literal("abc", false));
    assert_eq!(ast("a(?:bc)d"), literal("abcd", false));
    assert_eq!(ast(r"a\Q.*\E\x41"), literal("a.*A", false));
    assert_eq!(
        ast("(?i)a1"),
        Ast::Concat(vec![literal("a", true), literal("1", false)])
    );
    assert_eq!(ast("[Aa]"), literal("a", true).clone_with('A'));
    assert_eq!(ast("[a]b"), literal("ab", false));
    assert_eq!(ast("a{"), literal("a{", false));
    assert_eq!(ast("a{,2}"), literal("a{,2}", false));
}

impl Ast {
    /// The tree with another first character.
    fn clone_with(&self, c: char) -> Ast {
        match self {
            Ast::Literal { chars, fold } => Ast::Literal {
                chars: std::iter::once(c)
                    .chain(chars.iter().skip(1).copied())
                    .collect(),
                fold: *fold,
            },
            other => other.clone(),
        }
    }
}

#[test]
fn classes_are_plain_ones() {
    let class = |pattern: &str| match parse(pattern).unwrap().ast {
        Ast::Class(class) => class.ranges(),
        other => panic!("{pattern}: {other:?}"),
    };
    let of = |text: &str| {
        let mut all = ClassUnicode::empty();
        text.chars().for_each(|c| {
            all.push(ClassUnicodeRange::new(c, c));
        });
        all
    };
    assert_eq!(class("[a&&b]"), of("a&b"));
    assert_eq!(class("[]a]"), of("]a"));
    assert_eq!(class(r"\d"), of("0123456789"));
    assert_eq!(class("[[:digit:]]"), of("0123456789"));
    assert_eq!(
        class("(?i)[k-s]").ranges().len(),
        4,
        "with U+212A and U+017F"
    );
    assert_eq!(
        parse("[[a]b]").unwrap().ast,
        Ast::Concat(vec![
            Ast::Class(std::sync::Arc::new(of("[a").into())),
            literal("b]", false)
        ])
    );
}

#[test]
fn groups_have_names_that_may_repeat() {
    let groups = parse("(a)(?P<n>b)(?<n>c)(?:d)").unwrap().groups;
    let names: Vec<_> = groups.iter().map(|name| name.as_deref()).collect();
    assert_eq!(names, [None, Some("n"), Some("n")]);
}

#[test]
fn refusals() {
    assert_eq!(kind("a**"), RegexErrorKind::InvalidRepeatOp);
    assert_eq!(
        kind("[a--b]").to_string(),
        RegexErrorKind::InvalidCharRange.to_string()
    );
    assert_eq!(kind("((a{100}){10}){2}"), RegexErrorKind::InvalidRepeatSize);
    assert_eq!(kind("(a"), RegexErrorKind::MissingParen);
    assert_eq!(kind("a)"), RegexErrorKind::UnexpectedParen);
    assert_eq!(kind("[a"), RegexErrorKind::MissingBracket);
    assert_eq!(kind("*"), RegexErrorKind::MissingRepeatArgument);
    assert_eq!(kind("\\"), RegexErrorKind::TrailingBackslash);
    assert_eq!(kind("(?<!a)"), RegexErrorKind::InvalidNamedCapture);
    assert_eq!(
        kind(&format!("({}){{1000}}", "a".repeat(3_400))),
        RegexErrorKind::TooLarge
    );
}

/// FNV-1a, as in the program that wrote the file.
struct Fnv(u64);

impl Fnv {
    fn add(&mut self, number: u32) {
        for byte in number.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn new() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

/// The number of a character without counting surrogates.
fn number(c: char) -> u32 {
    match c as u32 {
        code @ 0..0xd800 => code,
        code => code - 0x800,
    }
}

fn class_hash(pattern: &str) -> String {
    let of =
        |chars: &[char]| ClassUnicode::new(chars.iter().map(|&c| ClassUnicodeRange::new(c, c)));
    let class = match parse(pattern).unwrap().ast {
        Ast::Class(class) => class.ranges(),
        Ast::Literal { chars, fold: false } => of(&chars),
        Ast::Literal { chars, fold: true } => of(&tables::cases(chars[0])),
        Ast::Dot { newline: true } => ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)]),
        other => panic!("{pattern}: {other:?}"),
    };
    ranges_hash(&class)
}

fn ranges_hash(class: &ClassUnicode) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for range in class.ranges() {
        let (start, end) = (number(range.start()), number(range.end()));
        match ranges.last_mut() {
            Some(last) if last.1 + 1 == start => last.1 = end,
            _ => ranges.push((start, end)),
        }
    }
    let mut hash = Fnv::new();
    for (start, end) in ranges {
        hash.add(start);
        hash.add(end);
    }
    format!("{:016x}", hash.0)
}

fn cases_hash() -> String {
    let mut hash = Fnv::new();
    // No character above the second plane has cases.
    for c in ('\0'..'\u{20000}').filter(|&c| tables::has_other_case(c)) {
        hash.add(c as u32);
        tables::cases(c).iter().for_each(|&c| hash.add(c as u32));
    }
    format!("{:016x}", hash.0)
}

#[test]
fn unicode_tables_are_those_of_go() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for line in include_str!("../../tests/data/regex.jsonl").lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some(pattern) = record["class"].as_str() else {
            continue;
        };
        checked += 1;
        let got = match pattern {
            "cases" => cases_hash(),
            "print" => ranges_hash(crate::quote::print_class()),
            pattern => class_hash(pattern),
        };
        if record["hash"].as_str() != Some(&got) {
            wrong.push(pattern.to_string());
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(checked, 2 * (1 + 38 + 163) + 2);
}
