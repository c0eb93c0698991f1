use proptest::prelude::*;
use quarrel_engine::{QueryRange, Timestamp};

use super::*;
use crate::cases::Origin;
use crate::random::{Generator, Options, Schema};

fn range(times: std::ops::RangeInclusive<i64>, step: i64) -> Option<QueryTimes> {
    let range = QueryRange::from_millis(times, step).unwrap();
    Some(QueryTimes::Range(range))
}

fn case(query: &str, times: Option<QueryTimes>) -> Case {
    Case {
        times,
        ..Case::new(query, Origin::default())
    }
}

/// The smallest case that a predicate holds for, and how many were asked.
fn shrink(shrinker: Shrinker, differs: impl Fn(&Case) -> bool) -> (Case, usize) {
    let mut shrinker = shrinker;
    let mut asked = 0;
    while let Some(smaller) = shrinker.candidate() {
        asked += 1;
        shrinker.tell(differs(&smaller));
    }
    (shrinker.smallest().clone(), asked)
}

fn shrunk(query: &str, fault: &str) -> String {
    let case = case(query, range(0..=100_000, 1_000));
    let shrinker = Shrinker::new(case, 2_000).differing_at(50_000);
    let (smallest, _) = shrink(shrinker, |case| case.query.contains(fault));
    let at = Timestamp::from_millis(0);
    assert_eq!(smallest.times, Some(QueryTimes::Instant(at)), "{query}");
    smallest.query
}

#[test]
fn a_fault_is_what_remains() {
    for (query, fault, want) in [
        (
            r#"sum by (a, b) (rate(x{a="1",b=~"2.*"}[5m] offset 1m) * on (a) group_left (c) (ceil(y) + 3))"#,
            "ceil",
            "ceil(y)",
        ),
        (
            r#"max(abs(x{l!="v"} offset 3m)) / (vector(1) - z)"#,
            "offset",
            "x offset 3m",
        ),
        (
            "topk(3, max_over_time((sum by (j) (x))[10m:1m] @ start()))",
            "over_time",
            "max_over_time(x[1m])",
        ),
        ("sum(max_over_time((x + y)[10m:2m]))", ":2m]", "x[1m:2m]"),
        (
            "(a * on (i) b) + ignoring (k) (c unless on (l) d)",
            "unless on",
            "c unless on () d",
        ),
        (
            r#"count({__name__="up",job=~"api|web.*"}) by (job, instance)"#,
            "web",
            r#"up{job="web"}"#,
        ),
        (
            r#"label_replace(up, "dst", "some text $1", "src", "(.*)")"#,
            r#"$1", "#,
            r#"label_replace(up, "", "$1", "", "")"#,
        ),
        (
            "histogram_quantile(scalar(max(z)) + 0.95, sum by (le, job) (rate(y[7m13s])))",
            "histogram_quantile",
            "histogram_quantile(1, y)",
        ),
        (r#"sum by ("ü", job) (a) + b"#, "ü", r#"sum by ("ü") (a)"#),
        (
            "a + on (x, y) group_left (z, w) b",
            "w",
            "a + on () group_left (w) b",
        ),
        (
            "a <= bool on (x) fill_left (3) b",
            "fill",
            "a <= fill_left (3) b",
        ),
        ("x @ 1700000000.123 offset 1h", "@", "x @ end()"),
        ("rate(x[-(step() * 2 + 1m)])", "step", "x[step()]"),
        ("  sum( x  )  # words", "x", "x"),
    ] {
        assert_eq!(shrunk(query, fault), want, "{query}");
    }
}

/// Where only the notation matters, or the text is no query, it is cut.
#[test]
fn texts_are_cut() {
    assert_eq!(shrunk("sum(x)) + ((nonsense", "nonsense"), "nonsense");
    assert_eq!(shrunk("sum(0x1F + y)", "0x1F"), "0x1F");
    assert_eq!(shrunk("ü日本🦀", "本"), "本");
}

#[test]
fn a_fault_of_two_steps_keeps_both() {
    let differs = |case: &Case| match case.times {
        Some(QueryTimes::Range(range)) => {
            let (start, end) = (range.start().as_millis(), range.end().as_millis());
            start <= 20_000 && end >= 21_000
        }
        _ => false,
    };
    let shrinker = Shrinker::new(case("x", range(0..=63_000, 1_000)), 1_000);
    let (smallest, asked) = shrink(shrinker, differs);
    assert_eq!(smallest.times, range(20_000..=21_000, 1_000));
    assert!(asked < 60, "{asked}");
}

#[test]
fn a_range_query_stays_one_with_values_at_each_step() {
    let shrinker = Shrinker::new(
        case(r#"count_values("v", rate(x[5m]))"#, range(0..=9, 1)),
        500,
    );
    let mut shrinker = shrinker;
    while let Some(smaller) = shrinker.candidate() {
        let is_range = matches!(smaller.times, Some(QueryTimes::Range(_)));
        assert!(
            !is_range || !smaller.query.starts_with(['"']),
            "{smaller:?}"
        );
        assert!(!is_range || !smaller.query.ends_with(']'), "{smaller:?}");
        shrinker.tell(is_range);
    }
}

#[test]
fn a_question_stays_until_it_is_answered() {
    let mut shrinker = Shrinker::new(case("sum(x)", None), 2);
    shrinker.tell(true);
    let first = shrinker.candidate();
    assert_eq!(first, shrinker.candidate());
    assert_eq!(first.map(|case| case.query).as_deref(), Some("x"));
    shrinker.tell(false);
    assert_eq!(shrinker.candidate(), None);
    assert_eq!(shrinker.smallest().query, "sum(x)");
}

/// Long queries have few questions, so that these take no more than some MiB.
#[test]
fn long_queries_are_shrunk() {
    let chain = vec!["rate(some_metric_with_a_name[5m])"; 3_000].join(" + ");
    let nonsense = chain.clone() + ")";
    for query in [chain, nonsense] {
        let whole = query.len();
        let shrinker = Shrinker::new(case(&query, None), 60);
        let (smallest, _) = shrink(shrinker, |case| case.query.matches("rate").count() > 3);
        assert!(
            smallest.query.len() < whole / 100,
            "{}",
            smallest.query.len()
        );
    }
}

/// A predicate on texts that has no meaning.
fn odd(case: &Case, salt: u64) -> bool {
    let sum: u64 = case.query.bytes().map(u64::from).sum();
    (sum ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 62 != 0
}

/// Shrinks with checks of each question.
fn checked(original: Case, budget: usize, salt: u64) -> Case {
    let is_query = tree(&original.query).is_some();
    let mut shrinker = Shrinker::new(original.clone(), budget);
    let mut canonical = false;
    let mut asked = Vec::new();
    while let Some(smaller) = shrinker.candidate() {
        let before = shrinker.smallest();
        let printed = shrinker.stage == Stage::Print;
        let shorter = smaller.query.len() < before.query.len() && smaller.times == before.times;
        let simpler = smaller.query == before.query && smaller.times != before.times;
        assert!(
            printed || shorter || simpler,
            "{smaller:?} after {before:?}"
        );
        assert!(!asked.contains(&smaller), "{smaller:?} twice");
        if printed || canonical {
            assert!(tree(&smaller.query).is_some(), "{smaller:?}");
        }
        asked.push(smaller.clone());
        let differs = odd(&smaller, salt);
        canonical |= printed && differs;
        shrinker.tell(differs);
    }
    assert!(asked.len() <= budget);
    let smallest = shrinker.smallest().clone();
    assert!(smallest == original || odd(&smallest, salt));
    assert!(!is_query || canonical || !asked.is_empty() || budget == 0 || smallest == original);
    smallest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn questions_get_smaller_and_end(seed: u64, budget in 0_usize..200, salt: u64) {
        let options = Options { experimental: true, broken: 10, past: false };
        for case in Generator::new(Schema::example(), seed, options).take(3) {
            let smallest = checked(case.clone(), budget, salt);
            prop_assert_eq!(smallest, checked(case, budget, salt));
        }
    }

    #[test]
    fn any_text_is_shrunk(text in ".{0,40}", salt: u64) {
        checked(case(&text, None), 100, salt);
    }

    /// Without end there is a smallest form, of which no change differs.
    #[test]
    fn the_end_is_reached(seed: u64, salt: u64) {
        for case in Generator::new(Schema::example(), seed, Options::default()).take(1) {
            checked(case, 100_000, salt);
        }
    }
}
