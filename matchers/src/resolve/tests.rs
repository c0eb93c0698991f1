#![allow(clippy::single_range_in_vec_init)] // ranges of values, not values

use proptest::prelude::{
    Just, ProptestConfig, Strategy as Generator, prop_assert_eq, prop_oneof, proptest,
};

use super::*;
use crate::budget::RegexBudget;
use crate::matcher::MatchOp;
use crate::syntax::{Dialect, parse};

/// Values in one piece.
struct Piece {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
}

impl Piece {
    fn new(values: &[String]) -> Self {
        // A value need not begin at the first byte.
        let mut piece = Piece {
            bytes: b"junk".to_vec(),
            offsets: vec![4],
        };
        for value in values {
            piece.bytes.extend_from_slice(value.as_bytes());
            piece.offsets.push(piece.bytes.len() as u32);
        }
        piece.bytes.extend_from_slice(b"junk");
        piece
    }

    fn values(&self) -> Contiguous<'_> {
        Contiguous {
            bytes: &self.bytes,
            offsets: &self.offsets,
        }
    }
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort_unstable();
    words.dedup();
    words
}

fn matches(ranges: &[Range<u32>], len: usize) -> Vec<bool> {
    (0..len as u32)
        .map(|i| ranges.iter().any(|r| r.contains(&i)))
        .collect()
}

fn piece_of_pattern() -> impl Generator<Value = String> {
    let leaf = prop_oneof![
        4 => "[abk]{1,3}".prop_map(String::from),
        3 => Just(".*".to_string()),
        2 => Just(".+".to_string()),
        1 => Just(".".to_string()),
        1 => Just("[ab]+".to_string()),
        1 => Just("(?i:ak)".to_string()),
        1 => Just("(?i:aKsébaks)".to_string()),
        1 => Just("[^b]*".to_string()),
        1 => Just("ü?".to_string()),
        1 => Just("\\B".to_string()),
        1 => Just("\\b".to_string()),
        1 => Just("^".to_string()),
        1 => Just("$".to_string()),
        1 => Just("é{2}".to_string()),
        1 => Just("\\PL".to_string()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            3 => proptest::collection::vec(inner.clone(), 1..4).prop_map(|all| all.concat()),
            2 => proptest::collection::vec(inner.clone(), 1..4)
                .prop_map(|all| format!("({})", all.join("|"))),
            1 => (inner, prop_oneof![Just("*"), Just("+"), Just("?"), Just("{1,2}"), Just("{0}")])
                .prop_map(|(inner, op)| format!("(?:{inner}){op}")),
        ]
    })
}

fn words() -> impl Generator<Value = Vec<String>> {
    let word = prop_oneof![
        3 => "[abk]{0,6}",
        2 => "[abkKsSſ\u{212a}éÉü\n-]{0,8}",
        1 => "(ab|ak|-){0,5}(aks|AKS)é?b?a?K?s?",
        1 => "aksébaks[ab]?".prop_map(|s| s.to_uppercase()),
    ];
    proptest::collection::vec(word, 0..120).prop_map(sorted)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Every strategy agrees with an automaton without classes.
    #[test]
    fn all_strategies_agree(pattern in piece_of_pattern(), words in words(), negated: bool) {
        let op = if negated { MatchOp::NotRegex } else { MatchOp::Regex };
        let matcher = Matcher::new(op, "l", &pattern).unwrap();
        let ast = parse(&pattern, Dialect::Matcher).unwrap().ast;
        // The plain definition: characters one by one, no class.
        let chars = Automaton::of(&ast, &RegexBudget::new(0));
        let want: Vec<bool> = words.iter().map(|w| chars.is_match(w.as_bytes()) != negated).collect();

        // A table needs more than this.
        let lazy = Automaton::of(&ast, &RegexBudget::new(3 << 20));
        let table = Automaton::of(&ast, &RegexBudget::default());
        let piece = Piece::new(&words);
        prop_assert_eq!(&matches(&resolve(&matcher, &words), words.len()), &want, "slices");
        prop_assert_eq!(&matches(&resolve(&matcher, &piece.values()), words.len()), &want, "one piece");
        for (name, automaton) in [("walk", &table), ("lazy", &lazy), ("chars", &chars)] {
            let ranges = walk::walk_on(automaton, &words, &mut 0, &mut Pace::new(&mut || true)).unwrap();
            let ranges = if negated { complement(&ranges, words.len()) } else { ranges };
            prop_assert_eq!(&matches(&ranges, words.len()), &want, "{}", name);
        }
        for (word, want) in words.iter().zip(&want) {
            prop_assert_eq!(matcher.matches(word), *want, "alone: {:?}", word);
        }

        let poor = Matcher::new_within(op, "l", &pattern, &RegexBudget::new(0)).unwrap();
        prop_assert_eq!(&matches(&resolve(&poor, &words), words.len()), &want, "no budget");
        prop_assert_eq!(&matches(&resolve(&poor, &piece.values()), words.len()), &want, "no budget");
    }
}

#[test]
fn adjacent_ranges_join_and_strategies_are_as_expected() {
    let words = ["", "api-1", "api-2", "web-1", "web-2", "x"];
    let run = |op, pattern: &str| {
        let matcher = Matcher::new(op, "l", pattern).unwrap();
        let strategy = Strategy::of(&matcher, words.as_slice());
        (resolve(&matcher, words.as_slice()), strategy.to_string())
    };
    let regex = |pattern: &str| run(MatchOp::Regex, pattern);
    assert_eq!(regex("api-.*"), (vec![1..3], "binary search".into()));
    assert_eq!(regex("(api|web)-.*"), (vec![1..5], "binary search".into()));
    assert_eq!(
        regex("x||api-2"),
        (vec![0..1, 2..3, 5..6], "binary search".into())
    );
    assert_eq!(regex(".*"), (vec![0..6], "constant".into()));
    assert_eq!(regex(".+"), (vec![1..6], "constant".into()));
    let few = "code point automaton";
    assert_eq!(regex("a^b"), (vec![], few.into()));
    assert_eq!(regex(".*-1"), (vec![1..2, 3..4], "compare ends".into()));
    assert_eq!(regex(".*(i-|b).*"), (vec![1..5], "substring search".into()));
    assert_eq!(
        regex(".*(?i:INSTANCE).*"),
        (vec![], "substring search".into())
    );
    assert_eq!(regex("(api|web)-[0-9]+"), (vec![1..5], few.into()));
    assert_eq!(regex("(?i)instance"), (vec![], few.into()));
    assert_eq!(
        run(MatchOp::NotRegex, ".*-1"),
        (vec![0..1, 2..3, 4..6], "compare ends".into())
    );
    assert_eq!(
        run(MatchOp::NotEqual, ""),
        (vec![1..6], "binary search".into())
    );
    assert_eq!(run(MatchOp::Equal, "api"), (vec![], "binary search".into()));
}

#[test]
fn much_work_pays_for_building() {
    let words = sorted(
        (0..40_000)
            .map(|i| format!("pod-{i}-{}", "x".repeat(i % 50)))
            .collect(),
    );
    let piece = Piece::new(&words);
    let way = |pattern: &str, budget: &RegexBudget| {
        let matcher = Matcher::new_within(MatchOp::Regex, "l", pattern, budget).unwrap();
        let strategy = Strategy::of(&matcher, &piece.values());
        assert_eq!(
            Strategy::of(&matcher, &words),
            strategy,
            "in one piece or not"
        );
        let found = matches(&resolve(&matcher, &piece.values()), words.len());
        let want: Vec<bool> = words.iter().map(|w| matcher.matches(w)).collect();
        assert_eq!(found, want, "{pattern}");
        strategy
    };
    let budget = RegexBudget::default();
    assert_eq!(way("pod-[0-9]+-x{3,40}", &budget), Strategy::Walk);
    assert_eq!(way("(p|o)*[^x]*x(x|y){20,30}", &budget), Strategy::Walk);
    assert_eq!(way("(.|y)*x([xy]|x){20}", &budget), Strategy::LazyAutomaton);
    assert_eq!(
        way(r"([a-z0-9-]|\pL){9,500}", &budget),
        Strategy::CodePointAutomaton
    );
    assert_eq!(
        way("pod-[0-9]+-x{3,40}", &RegexBudget::new(0)),
        Strategy::CodePointAutomaton
    );
}

#[test]
fn single_matches_climb() {
    let budget = RegexBudget::default();
    let matcher = Matcher::new_within(MatchOp::Regex, "l", "(api|web)-[0-9]+", &budget).unwrap();
    assert!(matcher.matches("api-1"));
    assert_eq!(budget.used(), 0, "nothing is built for one value");
    for i in 0..10_000 {
        assert!(matcher.matches(&format!("web-{i}")));
    }
    assert!(budget.used() > 0);
}

/// Counts questions and says no to the last.
fn stopped_after(pattern: &str, values: &Contiguous<'_>, budget: usize, most: usize) -> usize {
    let budget = RegexBudget::new(budget);
    let matcher = Matcher::new_within(MatchOp::Regex, "l", pattern, &budget).unwrap();
    let mut asked = 0;
    let mut ask = || {
        asked += 1;
        asked < most
    };
    assert_eq!(resolve_while(&matcher, values, &mut ask), None, "{pattern}");
    asked
}

#[test]
fn every_way_can_be_stopped() {
    let words = sorted(
        (0..20_000)
            .map(|i| format!("pod-{i}-{}", "x".repeat(i % 20)))
            .collect(),
    );
    let many = Piece::new(&words);
    let long = Piece::new(&["ab".repeat(1 << 20)]);
    for budget in [RegexBudget::DEFAULT_LIMIT, 0] {
        for pattern in [
            ".*-x", // compares ends
            ".*(-y|-z).*",
            "(?i).*INSTANCE.*",
            ".*[0-9]77[0-9]*-.*x",
            "pod-[0-9]+-x{3,40}",
            "(.|y)*x([xy]|x){20}",
        ] {
            assert_eq!(
                stopped_after(pattern, &many.values(), budget, 3),
                3,
                "{pattern}"
            );
        }
        for pattern in ["(a|b|[c-z])+", "(.|y)*x([xy]|x){20}"] {
            assert_eq!(
                stopped_after(pattern, &long.values(), budget, 9),
                9,
                "{pattern}"
            );
        }
    }
}

#[test]
fn a_long_value_is_walked_as_a_short_one() {
    let words = sorted(vec![
        "ab".repeat(3000),
        format!("{}c", "ab".repeat(3000)),
        format!("{}cd", "ab".repeat(3000)),
        format!("{}ce", "ab".repeat(3000)),
        format!("{}d", "ab".repeat(3000)),
    ]);
    for (pattern, want) in [
        ("([ab]+)(x|c.*)", vec![1..4]),
        ("([ab]+)(x|c|d)", vec![1..2, 4..5]),
        ("([ab]+)(cd|x.*|)", vec![0..1, 2..3]),
    ] {
        let matcher = Matcher::new(MatchOp::Regex, "l", pattern).unwrap();
        assert_eq!(Strategy::of(&matcher, &words), Strategy::Walk);
        assert_eq!(resolve(&matcher, &words), want, "{pattern}");
    }
}

#[test]
fn a_rare_literal_filters() {
    let words = sorted(
        (0..1000)
            .map(|i| format!("pod-{i}-{}", i * i % 97))
            .collect(),
    );
    let piece = Piece::new(&words);
    let check = |pattern: &str, way: Strategy| {
        let matcher = Matcher::new(MatchOp::Regex, "l", pattern).unwrap();
        assert_eq!(Strategy::of(&matcher, &piece.values()), way, "{pattern}");
        let found = matches(&resolve(&matcher, &piece.values()), words.len());
        let want: Vec<bool> = words.iter().map(|w| matcher.matches(w)).collect();
        assert_eq!(found, want, "{pattern}");
        assert!(want.contains(&true), "{pattern}");
    };
    check(".*[0-9]77[0-9]*-.*[02468]", Strategy::FilteredAutomaton);
    check(".*[0-9].49", Strategy::FilteredAutomaton);
    check(".*[0-9]-[0-9]+", Strategy::Walk);
}

#[test]
fn no_values_at_all() {
    for pattern in [
        "",
        ".*",
        ".+",
        "a",
        "a|b",
        "a.*",
        ".*a",
        ".*a.*",
        "(?i).*instance.*",
        "a.b",
        ".*a.*bc.*d",
    ] {
        for op in [MatchOp::Regex, MatchOp::NotRegex] {
            let matcher = Matcher::new(op, "l", pattern).unwrap();
            assert_eq!(resolve(&matcher, &Vec::<String>::new()), vec![]);
            let nothing = Contiguous {
                bytes: &[],
                offsets: &[],
            };
            assert_eq!(resolve(&matcher, &nothing), vec![]);
            let nothing = Contiguous {
                bytes: &[],
                offsets: &[0],
            };
            assert_eq!(resolve(&matcher, &nothing), vec![]);
        }
    }
}

#[test]
fn matches_across_values_do_not_count() {
    let words = sorted(vec![
        "xfo".into(),
        "obar".into(),
        "xfoo".into(),
        "of".into(),
        "oobar".into(),
    ]);
    let piece = Piece::new(&words);
    let matcher = Matcher::new(MatchOp::Regex, "l", ".*foo.*").unwrap();
    let found = resolve(&matcher, &piece.values());
    assert_eq!(
        matches(&found, words.len()),
        words.iter().map(|w| w.contains("foo")).collect::<Vec<_>>()
    );
}
