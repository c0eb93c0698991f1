//! Hostile texts: each gives an error or a tree in little time, never a crash.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use quarrel_planner::{
    ParseError, ParserOptions, parse, parse_metric_selector, to_json, to_pretty, to_promql,
};

/// How long a text of some 100,000 bytes may take in a debug build that
/// shares its processor; what backtracks takes hours.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs on a thread with a small stack, as a caller's may be.
fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread.spawn(work).unwrap().join().unwrap();
}

/// The grammar refuses what the diagnosis finds a fault in: its own words for
/// "refused" are never seen.
fn check_words(error: &ParseError, text: &str) {
    assert!(!error.message().contains("not PromQL"), "{text:.60}");
    assert!(error.render(text).contains(error.message()));
}

/// Parses, prints, and says whether it was a query.
fn digest(text: &str) -> bool {
    let begun = Instant::now();
    let start: String = text.chars().take(60).collect();
    for options in [ParserOptions::all(), ParserOptions::default()] {
        let _ = parse_metric_selector(text, &options).map_err(|e| check_words(&e, text));
        let _ = parse(text, &options).map_err(|e| check_words(&e, text));
    }
    let parsed = parse(text, &ParserOptions::all());
    match &parsed {
        Ok(tree) => {
            let canonical = to_promql(tree.expr());
            let again = parse(&canonical, &ParserOptions::all());
            let again = to_promql(again.unwrap().expr());
            // Prometheus prints infinity with a sign, which binds less tightly than a
            // power, and the least duration, which has no positive one, with two signs:
            // these texts are other trees'.
            if !canonical.contains("Inf ^") && !canonical.contains("--106751d") {
                assert_eq!(again, canonical, "{start}");
            }
            let json = serde_json::to_string(&to_json(tree.clone().expr())).unwrap();
            assert!(json.len() > canonical.len() / 2);
        }
        Err(error) => {
            let (line, column) = error.position();
            assert!(line >= 1 && column >= 1 && error.span().end as usize <= text.len() + 1);
        }
    }
    assert!(
        begun.elapsed() < PATIENCE,
        "{start} took {:?}",
        begun.elapsed()
    );
    parsed.is_ok()
}

#[test]
fn deep_brackets_are_refused() {
    on_small_stack(|| {
        for open in [
            "(",
            "{",
            "[",
            "x[",
            "abs(",
            "sum(",
            "sum by (a) (",
            "x[(",
            "-(",
            "x + (",
            "(x[1:1] +",
        ] {
            assert!(!digest(&open.repeat(100_000)), "{open}");
        }
        assert!(!digest(&format!(
            "{}x{}",
            "(".repeat(100_000),
            ")".repeat(100_000)
        )));
        assert!(!digest(&format!(
            "x[{}1{}]",
            "(".repeat(1_001),
            ")".repeat(1_001)
        )));
    });
}

#[test]
fn brackets_may_be_as_deep_as_the_limit() {
    on_small_stack(|| {
        let nested = |open: &str, inner: &str, close: &str, n| {
            format!("{}{inner}{}", open.repeat(n), close.repeat(n))
        };
        assert!(digest(&nested("(", "x", ")", 999)));
        assert!(digest(&nested("-(", "x", ")", 999)));
        assert!(digest(&nested("1 + (", "x", ")", 999)));
        assert!(digest(&nested("sum by (a) (", "x", ")", 999)));
        assert!(digest(&nested("sum(", "x", ") by (a)", 999)));
        assert!(digest(&nested("max_over_time(abs(", "x", ")[5m:1m])", 400)));
        assert!(digest(&format!("x[{}]", nested("(", "1", ")", 998))));
        assert!(digest(&format!(
            "x[{}]",
            nested("max_of(1, ", "1", ")", 998)
        )));
        assert!(digest(&format!(
            "x offset {}",
            nested("(1 + ", "1", ")", 998)
        )));
        assert!(digest(&format!("x offset -{}", nested("(", "1", ")", 998))));
    });
}

#[test]
fn long_tokens_are_refused_soon() {
    on_small_stack(|| {
        for long in [
            "a".repeat(500_000) + "(x)",
            format!("x{{a=\"{}", "b".repeat(500_000)),
            "1".repeat(500_000) + "m",
            "x @ ".to_string() + &"9".repeat(500_000),
            "fill".to_string() + &" ".repeat(500_000) + "fill",
            "fill ".repeat(100_000),
        ] {
            assert!(!digest(&long));
        }
    });
}

/// What could be several things until its end is read.
#[test]
fn broken_nesting_is_found_soon() {
    on_small_stack(|| {
        let heads = [
            "(",
            "abs(",
            "sum(",
            "sum by (a) (",
            "topk(1, ",
            "x[",
            "x[(",
            "x offset (",
            "x offset -(",
            "max_of(1, ",
            "x[max_of(1, ",
            "label_replace(",
            "{a=\"b\",",
            "x @ (",
            "-",
            "x + on(a) (",
            "x[1:",
            "count_values(",
            "group_left(",
            "start(",
            "(((x)[5m:]) + ",
            "offset (",
            "on(",
            "by (",
        ];
        for head in heads {
            for tail in [
                "", "x", "1", ")", "]", "}", "\"", "#", "((", "x)", "1)", "1]", "x,", "x y",
            ] {
                digest(&format!("{}{tail}", head.repeat(300)));
                digest(&format!("{}{}", head.repeat(300), tail.repeat(300)));
            }
        }
    });
}

#[test]
fn long_chains_work() {
    on_small_stack(|| {
        for link in [
            " + x",
            " and x",
            " ^ x",
            " > bool 1",
            " + on (a) group_left (b) x",
            " offset 5m",
            " - -x",
        ] {
            let chain = format!("x{}", link.repeat(5_000));
            assert_eq!(digest(&chain), link != " offset 5m", "{link}");
        }
        assert!(digest(&format!("{}x", "-".repeat(5_000))));
        assert!(digest(&format!("{}1", "-".repeat(5_000))));
        assert!(digest(&format!("x[1{}]", " + 1".repeat(5_000))));
        assert!(digest(&format!("x[1{}]", " ^ 1".repeat(5_000))));
        assert!(digest(&format!("x[{}1]", "- -".repeat(2_500))));
        assert!(digest(&format!("x{{{}}}", "a=\"b\",".repeat(5_000))));
        assert!(digest(&format!("sum by ({}) (x)", "a,".repeat(5_000))));
        assert!(digest(&format!("label_join(x{})", ", \"a\"".repeat(5_000))));
        assert!(digest(&format!("{}x", "# (((\n".repeat(5_000))));
        assert!(!digest(&" + x".repeat(100_000)));
    });
}

#[test]
fn long_chains_print_in_lines() {
    on_small_stack(|| {
        let begun = Instant::now();
        let tree = parse(&format!("x{}", " + x".repeat(5_000)), &ParserOptions::all()).unwrap();
        let pretty = to_pretty(tree.expr());
        assert_eq!(
            pretty.lines().filter(|line| line.trim() == "+").count(),
            4_976
        );
        assert!(begun.elapsed() < PATIENCE);
    });
}

/// Bytes from a simple generator, the same each time.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn noise_is_an_error() {
    on_small_stack(|| {
        for seed in 0..8 {
            let bytes = noise(100_000, seed);
            assert!(!digest(&String::from_utf8_lossy(&bytes)));
            let letters: String = bytes.iter().map(|b| char::from(b % 96 + 32)).collect();
            assert!(!digest(&letters));
            const SIGNS: &[u8] = b"(){}[]<>=!~+-*/%^@,:\"'`#. x1m\\n";
            let signs: String = bytes
                .iter()
                .map(|b| char::from(SIGNS[*b as usize % SIGNS.len()]))
                .collect();
            assert!(!digest(&signs));
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn soup_is_digested(words in prop::collection::vec(prop::sample::select(WORDS), 0..40)) {
        digest(&words.concat());
        digest(&words.join(" "));
    }

    #[test]
    fn damaged_queries_are_digested(
        query in prop::sample::select(QUERIES),
        at in any::<prop::sample::Index>(),
        word in prop::sample::select(WORDS),
        cut in any::<bool>(),
        skip in 0..4usize,
    ) {
        let at = at.index(query.len() + 1);
        let behind = if cut { "" } else { &query[(at + skip).min(query.len())..] };
        digest(&format!("{}{behind}", &query[..at]));
        digest(&format!("{}{word}{behind}", &query[..at]));
        digest(&format!("{} {word} {behind}", &query[..at]));
    }

    #[test]
    fn text_is_digested(text in "\\PC{0,60}") {
        digest(&text);
    }
}

const QUERIES: &[&str] = &[
    r#"sum by (job, "b") (rate(up{job="a", b!~"c|d", 'e'}[5m:1m] offset -1h @ end())) > bool 1"#,
    "a + on(x) group_left(y) fill_left(1) fill_right(-2) -b ^ 2 atan2 (c unless ignoring() d)",
    "topk without (a) (5, x[max_of(1, step()) + (2 * -range()):(3m)] smoothed)",
    r#"label_replace(x offset (1 + 2) / 4, "\A", `b`, 'c', "$1") # end"#,
    "x offset -min_of(1h30m, 0x1F) @ 1e3 or histogram_quantile(.9, y[1_000ms] anchored)",
];

const WORDS: &[&str] = &[
    "x",
    "foo{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    "sum",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "bool",
    "offset",
    "@",
    "start()",
    "end()",
    "step()",
    "max_of",
    "min_of",
    ":",
    "5m",
    "1",
    "-",
    "+",
    "*",
    "/",
    "^",
    "==",
    "!=",
    ">",
    "</",
    "and",
    "unless",
    "atan2",
    "=",
    "=~",
    "!~",
    "\"a\"",
    "'b",
    "`",
    "fill",
    "anchored",
    "smoothed",
    "topk",
    "rate",
    "abs",
    "time()",
    "label_replace",
    "#",
    "\n",
    "é",
    "a.b",
    "a:b",
    "0x",
    "1e",
    "Inf",
    "NaN",
    "_",
    "1h30m",
    "{a=\"b\"}",
    "[5m]",
    "[5m:]",
    "\\",
    "\u{0}",
];
