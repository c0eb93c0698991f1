use super::*;
use crate::syntax::{Dialect, parse};

fn class(pattern: &str) -> Class {
    Class::of(
        &parse(pattern, Dialect::Matcher).unwrap().ast,
        pattern.len(),
    )
}

fn bytes(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|s| s.as_bytes().to_vec()).collect()
}

fn equal(literal: &str) -> Class {
    Class::Equal(literal.as_bytes().into())
}

fn set(all: &[&str]) -> Class {
    Class::Set(LiteralSet::new(bytes(all)))
}

fn prefix(all: &[&str], more: usize) -> Class {
    Class::Prefix {
        literals: LiteralSet::prefixes(bytes(all)),
        more,
    }
}

fn suffix(all: &[&str], more: usize) -> Class {
    Class::Suffix {
        literals: SuffixSet::new(bytes(all)),
        more,
    }
}

fn contains(all: &[&str], before: usize, after: usize) -> Class {
    Class::Contains {
        literals: LiteralSet::prefixes(bytes(all)),
        before,
        after,
    }
}

#[test]
fn literals_and_sets() {
    assert_eq!(class("api"), equal("api"));
    assert_eq!(class(""), equal(""));
    assert_eq!(class("^(api)$"), equal("api"));
    assert_eq!(class("[a]p{2}"), equal("app"));
    assert_eq!(class("b|a|b"), set(&["a", "b"]));
    assert_eq!(class("a(b|c)?"), set(&["a", "ab", "ac"]));
    assert_eq!(class("x[12]y"), set(&["x1y", "x2y"]));
    assert_eq!(
        class("(?i)ok"),
        set(&["OK", "Ok", "oK", "ok", "O\u{212a}", "o\u{212a}"])
    );
    assert_eq!(class("(a|b){0}"), equal(""));
    assert_eq!(class(r"[^\x{0}-\x{10ffff}]"), Class::Nothing);
    assert_eq!(class(r"a[^\s\S]|[^\s\S]"), Class::Nothing);
}

#[test]
fn gaps_around_literals() {
    for any in [
        ".*",
        "(.*)",
        "^.*$",
        ".*.*",
        "foo|.*",
        r"[\s\S]*",
        "(?:.*)(.*?)",
    ] {
        assert_eq!(class(any), Class::Any, "{any}");
    }
    for non_empty in [".+", ".*.+", ".+.*", "(.+)$"] {
        assert_eq!(class(non_empty), Class::NonEmpty, "{non_empty}");
    }
    assert_eq!(class("api-.*"), prefix(&["api-"], 0));
    assert_eq!(class("(api|web)-.+"), prefix(&["api-", "web-"], 1));
    assert_eq!(class("a.*|ab.*"), prefix(&["a"], 0));
    assert_eq!(class(".+-0"), suffix(&["-0"], 1));
    assert_eq!(class(".*(a|ba)"), suffix(&["a"], 0));
    assert_eq!(class(".*x.+"), contains(&["x"], 0, 1));
    assert_eq!(class(".*foo.*|.*bar.*"), contains(&["bar", "foo"], 0, 0));
    assert_eq!(
        class("(?i).*on.*"),
        contains(&["ON", "On", "oN", "on"], 0, 0)
    );
}

#[test]
fn literals_with_many_spellings() {
    let fold = |pattern: &str| match class(pattern) {
        Class::Fold { before, after, .. } => Some((before, after)),
        _ => None,
    };
    assert_eq!(fold("(?i)instance"), Some((None, None)));
    assert_eq!(fold("(?i)instance-1.*"), Some((None, Some(0))));
    assert_eq!(fold(".+(?i:instance)"), Some((Some(1), None)));
    assert_eq!(fold("(?i).*the instance.+"), Some((Some(0), Some(1))));
    assert_eq!(fold("(?i)instance-(a|b).*"), None);
    assert_eq!(class("(a|b)(?i)o.*"), prefix(&["aO", "ao", "bO", "bo"], 0));
}

#[test]
fn general_patterns_and_their_required_literals() {
    let required = |pattern: &str| match class(pattern) {
        Class::General { required } => {
            required.map(|literal| String::from_utf8_lossy(&literal).into_owned())
        }
        other => panic!("{pattern} is {other}"),
    };
    assert_eq!(required("a.c"), None);
    assert_eq!(required(".c"), Some("c".into()));
    assert_eq!(required(".*a.*bcd.*e.*"), Some("bcd".into()));
    assert_eq!(required("(?-s).*"), None);
    assert_eq!(required("(api|web)-[0-9]+"), None);
    assert_eq!(required(".+.+"), None);
    assert_eq!(required("(^a){2}"), None);
    assert_eq!(required("a|b.*"), None);
    assert_eq!(required("a{2,}"), None);
    assert_eq!(required("[^a]"), None);
    assert_eq!(required(r".*foo\b"), Some("foo".into()));
}

#[test]
fn expansion_is_bounded() {
    assert!(matches!(class("[a-z]{9}"), Class::General { .. }));
    assert!(matches!(class("[a-z]{3}"), Class::General { .. }));
    assert!(matches!(class("(a|b|c|d){8}"), Class::General { .. }));
    assert!(matches!(class("x[a-z]y"), Class::Set(_)));
    assert!(matches!(class("api-[0-9]{2}"), Class::Set(_)));
    assert!(matches!(class("(a{1000}){1}b"), Class::Equal(_)));
    assert!(matches!(class("(a?){1000}"), Class::General { .. }));
    let many: Vec<String> = (0..20_000).map(|i| format!("pod-{i}")).collect();
    match class(&many.join("|")) {
        Class::Set(set) => assert_eq!(set.as_slice().len(), 20_000),
        other => panic!("{other}"),
    }
}
