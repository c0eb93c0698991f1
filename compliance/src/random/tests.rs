use std::collections::BTreeMap;

use quarrel_engine::QueryTimes;
use quarrel_functions::table;
use quarrel_matchers::MatchOp;
use quarrel_planner::ast::{
    AtModifier, BinaryOp, Cardinality, DurationValue, Expr, VectorSelector,
};
use quarrel_planner::{ParserOptions, parse, to_promql};

use super::*;

const EXPERIMENTAL: Options = Options {
    experimental: true,
    broken: 0,
    past: false,
};

/// What queries have in them, and how often.
#[derive(Default)]
struct Seen(BTreeMap<String, u32>);

impl Seen {
    fn add(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    fn tree(&mut self, root: &Expr) {
        for node in root.nodes() {
            match node {
                Expr::Number(number) if number.is_duration => self.add("duration as a number"),
                Expr::Number(_) => self.add("number"),
                Expr::String(_) => self.add("string"),
                Expr::VectorSelector(selector) => self.selector(selector, "selector"),
                Expr::MatrixSelector(matrix) => {
                    self.duration(&matrix.range, "range");
                    self.selector(&matrix.selector, "range selector");
                }
                Expr::Subquery(subquery) => {
                    self.duration(&subquery.range, "subquery");
                    match &subquery.step {
                        None => self.add("subquery without step"),
                        Some(step) => self.duration(step, "subquery step"),
                    }
                    self.modifiers(&subquery.offset, subquery.at, "subquery");
                }
                Expr::Call(call) => {
                    self.add(call.function.name);
                    self.add(format!("{} of {}", call.function.name, call.args.len()));
                }
                Expr::Aggregate(aggregate) => {
                    self.add(aggregate.op.name);
                    self.add(match (aggregate.without, aggregate.grouping.is_empty()) {
                        (true, _) => "without",
                        (_, false) => "by",
                        _ => "no grouping",
                    });
                }
                Expr::Binary(binary) => {
                    self.add(format!("operator {}", binary.op.symbol()));
                    if binary.return_bool {
                        self.add("bool");
                    }
                    let Some(matching) = &binary.matching else {
                        continue;
                    };
                    self.add(matching.card.name());
                    if matching.on {
                        self.add("on");
                    } else if !matching.labels.is_empty() {
                        self.add("ignoring");
                    }
                    if !matching.include.is_empty() {
                        self.add("labels of a group");
                    }
                    match (matching.fill_left, matching.fill_right) {
                        (Some(_), Some(_)) => self.add("fill"),
                        (Some(_), None) => self.add("fill_left"),
                        (None, Some(_)) => self.add("fill_right"),
                        (None, None) => {}
                    }
                }
                Expr::Unary(unary) if unary.minus => self.add("unary -"),
                Expr::Unary(_) => self.add("unary +"),
                Expr::Paren(_) => self.add("parentheses"),
            }
        }
    }

    fn duration(&mut self, value: &DurationValue, what: &str) {
        self.add(what);
        if let DurationValue::Computed(_) = value {
            self.add(format!("{what} computed"));
        }
    }

    fn selector(&mut self, selector: &VectorSelector, what: &str) {
        self.add(what);
        if selector.name.is_none() {
            self.add("name in braces");
        }
        for matcher in &selector.matchers {
            self.add(format!("matcher {}", matcher.op()));
        }
        if selector.anchored {
            self.add(format!("{what} anchored"));
        }
        if selector.smoothed {
            self.add(format!("{what} smoothed"));
        }
        self.modifiers(&selector.offset, selector.at, what);
    }

    fn modifiers(&mut self, offset: &DurationValue, at: Option<AtModifier>, what: &str) {
        match offset {
            DurationValue::Known(0) => {}
            DurationValue::Known(nanos) if *nanos < 0 => self.add(format!("{what} offset -")),
            DurationValue::Known(_) => self.add(format!("{what} offset")),
            DurationValue::Computed(_) => self.add(format!("{what} offset computed")),
        }
        match at {
            None => {}
            Some(AtModifier::Start) => self.add(format!("{what} @ start()")),
            Some(AtModifier::End) => self.add(format!("{what} @ end()")),
            Some(AtModifier::Timestamp(_)) => self.add(format!("{what} @")),
        }
    }
}

/// All that must be in queries, and is allowed without experimental features
/// if `stable`.
fn wanted(stable: bool) -> Vec<String> {
    let operators = BinaryOp::ALL;
    let cards = [
        Cardinality::OneToOne,
        Cardinality::ManyToOne,
        Cardinality::OneToMany,
        Cardinality::ManyToMany,
    ];
    let matchers = [
        MatchOp::Equal,
        MatchOp::NotEqual,
        MatchOp::Regex,
        MatchOp::NotRegex,
    ];
    let mut wanted: Vec<String> = operators
        .iter()
        .map(|op| format!("operator {}", op.symbol()))
        .chain(cards.iter().map(|card| card.name().into()))
        .chain(matchers.iter().map(|op| format!("matcher {op}")))
        .collect();
    let words = [
        "number",
        "duration as a number",
        "string",
        "selector",
        "range selector",
        "range",
        "subquery",
        "subquery without step",
        "subquery step",
        "without",
        "by",
        "no grouping",
        "bool",
        "on",
        "ignoring",
        "labels of a group",
        "unary -",
        "unary +",
        "parentheses",
        "name in braces",
    ];
    wanted.extend(words.map(String::from));
    for what in ["selector", "range selector", "subquery"] {
        for modifier in ["offset", "offset -", "@", "@ start()", "@ end()"] {
            wanted.push(format!("{what} {modifier}"));
        }
    }
    let functions = table::all().iter().filter(|f| !stable || !f.experimental);
    for function in functions {
        wanted.push(function.name.into());
        let least = function.min_args();
        wanted.push(format!("{} of {least}", function.name));
        let most = function.max_args().unwrap_or(least + 2);
        wanted.push(format!("{} of {most}", function.name));
    }
    let aggregators = table::aggregators()
        .iter()
        .filter(|a| !stable || !a.experimental);
    wanted.extend(aggregators.map(|aggregator| aggregator.name.into()));
    if !stable {
        let words = [
            "fill",
            "fill_left",
            "fill_right",
            "selector smoothed",
            "range selector anchored",
            "range selector smoothed",
            "range computed",
            "subquery computed",
            "subquery step computed",
            "selector offset computed",
            "range selector offset computed",
            "subquery offset computed",
        ];
        wanted.extend(words.map(String::from));
    }
    wanted
}

/// Infinity is printed with a sign, which is parsed as another one, as in
/// Prometheus.
fn without_signs_of_infinity(mut text: String) -> String {
    while text.contains("+Inf") {
        text = text.replace("+Inf", "Inf");
    }
    text
}

/// Makes queries, checks each, and looks for what none has.
fn check(options: Options, allowed: ParserOptions, count: usize, stable: bool) {
    let mut seen = Seen::default();
    for case in Generator::new(Schema::example(), 1, options).take(count) {
        let tree = match parse(&case.query, &allowed) {
            Ok(tree) => tree,
            Err(error) => panic!("{}: {}\n{error}", case.origin, case.query),
        };
        let printed = to_promql(tree.expr());
        let again = match parse(&printed, &allowed) {
            Ok(again) => without_signs_of_infinity(to_promql(again.expr())),
            Err(error) => panic!("{}\nis printed as\n{printed}\n{error}", case.query),
        };
        let printed = without_signs_of_infinity(printed);
        assert_eq!(again, printed, "{}", case.query);
        seen.tree(tree.expr());
    }
    let missing: Vec<String> = wanted(stable)
        .into_iter()
        .filter(|what| seen.0.get(what).is_none_or(|count| *count < 3))
        .collect();
    assert!(
        missing.is_empty(),
        "in fewer than three queries: {missing:?}"
    );
}

#[test]
fn all_of_the_language_is_reached_and_all_is_right() {
    check(EXPERIMENTAL, ParserOptions::all(), 20_000, false);
}

#[test]
fn without_experimental_features_all_is_allowed_everywhere() {
    let options = Options {
        experimental: false,
        ..EXPERIMENTAL
    };
    check(options, ParserOptions::default(), 20_000, true);
}

#[test]
fn most_broken_queries_are_refused() {
    let options = Options {
        broken: 100,
        ..EXPERIMENTAL
    };
    let queries = Generator::new(Schema::example(), 1, options).take(2_000);
    let refused = queries
        .filter(|case| parse(&case.query, &ParserOptions::all()).is_err())
        .count();
    assert!((900..1_700).contains(&refused), "{refused}");
}

#[test]
fn a_seed_fixes_the_queries() {
    let queries = |seed| -> Vec<_> {
        Generator::new(Schema::example(), seed, Options::default())
            .take(500)
            .collect()
    };
    assert_eq!(queries(7), queries(7));
    let (seven, eight) = (queries(7), queries(8));
    let same = seven.iter().zip(&eight).filter(|(a, b)| a.query == b.query);
    assert!(same.count() < 20);
    assert_eq!(seven[41].origin.to_string(), "random, seed 7, 42");
}

#[test]
fn times_are_at_the_data() {
    let schema = Schema::example();
    let (first, last) = (schema.first_millis(), schema.last_millis());
    let (mut instants, mut odd, mut borders, mut most) = (0, 0, 0, 0);
    for case in Generator::new(schema, 3, EXPERIMENTAL).take(5_000) {
        match case.times {
            Some(QueryTimes::Instant(at)) => {
                instants += 1;
                let at = at.as_millis();
                assert!(at >= first - 600_000 && at <= last + 600_000);
                borders += u32::from(at == first || at == last);
            }
            Some(QueryTimes::Range(range)) => {
                odd += u32::from(range.step_millis() % 1000 != 0);
                most = most.max(range.steps());
            }
            None => panic!("no times"),
        }
    }
    assert!((2_000..3_000).contains(&instants), "{instants}");
    assert!(
        odd > 100 && borders > 20 && most > 100 && most <= 301,
        "{odd} {borders} {most}"
    );
}

#[test]
fn the_past_does_not_change() {
    let schema = Schema::example();
    let last = schema.last_millis();
    let options = Options {
        past: true,
        experimental: false,
        broken: 0,
    };
    for case in Generator::new(schema, 3, options).take(5_000) {
        let end = match case.times {
            Some(QueryTimes::Instant(at)) => at,
            Some(QueryTimes::Range(range)) => range.end(),
            None => panic!("no times"),
        };
        assert!(end.as_millis() <= last, "{case:?}");
        let tree = parse(&case.query, &ParserOptions::default()).unwrap();
        let mut seen = Seen::default();
        seen.tree(tree.expr());
        assert!(
            !seen.0.keys().any(|what| what.ends_with("offset -")),
            "{}",
            case.query
        );
    }
}

fn pairs(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    labels.iter().map(owned).collect()
}

fn kind(schema: &Schema, name: &str) -> MetricKind {
    let found = schema.metrics().iter().find(|metric| metric.name() == name);
    found.unwrap().kind()
}

#[test]
fn kinds_come_from_names_types_and_flags() {
    let names = [
        "a_total", "a_count", "a_sum", "b_info", "c", "d_bucket", "e_count", "f", "g", "h_total",
    ];
    let mut series: Vec<_> = names.map(|name| pairs(&[("__name__", name)])).into();
    series.push(pairs(&[("__name__", "a_bucket"), ("le", "1")]));
    let schema = Schema::new(series, 0..=1);
    use MetricKind as K;
    for (name, want) in [
        ("a_total", K::Counter),
        ("a_bucket", K::ClassicBucket),
        ("a_count", K::Counter),
        ("b_info", K::Info),
        ("c", K::Gauge),
        ("d_bucket", K::Counter),
        ("f", K::Gauge),
    ] {
        assert_eq!(kind(&schema, name), want, "{name}");
    }
    let types = [
        ("c", "counter"),
        ("a", "histogram"),
        ("e", "gaugehistogram"),
        ("f", "histogram"),
        ("g", "info"),
        ("h", "gauge"),
        ("b_info", "unknown"),
        ("nope", "gauge"),
    ];
    let schema = schema.with_types(types).with_native_histograms(["c"]);
    for (name, want) in [
        ("c", K::NativeHistogram),
        ("a_bucket", K::ClassicBucket),
        ("a_sum", K::Counter),
        ("e_count", K::Gauge),
        ("f", K::NativeHistogram),
        ("g", K::Info),
        ("h_total", K::Gauge),
        ("b_info", K::Info),
    ] {
        assert_eq!(kind(&schema, name), want, "{name}");
    }
}

#[test]
fn the_order_of_series_does_not_matter() {
    let series: Vec<_> = (0..2_000)
        .map(|i| pairs(&[("__name__", "x"), ("i", &i.to_string())]))
        .collect();
    let queries = |series: Vec<Vec<(String, String)>>| -> Vec<_> {
        let schema = Schema::new(series, 0..=3_600_000);
        assert_eq!(schema.metrics()[0].series(), 2_000);
        Generator::new(schema, 1, Options::default())
            .take(50)
            .collect()
    };
    let reversed = series.iter().rev().cloned().collect();
    assert_eq!(queries(series), queries(reversed));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// Whatever labels and times there are, queries are made of them, and they
    /// are right.
    #[test]
    fn any_schema_gives_queries(
        series in proptest::collection::vec(
            proptest::collection::vec(("(__name__|le|job|.{0,3})", ".{0,4}"), 0..4),
            0..6,
        ),
        first in proptest::num::i64::ANY,
        last in proptest::num::i64::ANY,
        interval in proptest::num::i64::ANY,
        seed in proptest::num::u64::ANY,
    ) {
        let names: Vec<String> = series.iter().flatten().map(|(_, value)| value.clone()).collect();
        let schema = Schema::new(series, first..=last)
            .with_interval_millis(interval)
            .with_native_histograms(names.iter().take(1).map(String::as_str));
        for case in Generator::new(schema.clone(), seed, EXPERIMENTAL).take(10) {
            let parsed = parse(&case.query, &ParserOptions::all());
            proptest::prop_assert!(parsed.is_ok(), "{}: {parsed:?}", case.query);
        }
        let options = Options { broken: 100, ..EXPERIMENTAL };
        Generator::new(schema, seed, options).take(10).for_each(drop);
    }
}
