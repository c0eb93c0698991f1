//! The list is whole, and is filled in from data.

use std::collections::BTreeSet;

use quarrel_functions::table;
use quarrel_planner::ast::{AtModifier, BinaryOp, Cardinality, DurationExpr, DurationValue, Expr};
use quarrel_planner::{ParserOptions, parse};

use super::super::case::{Case, Expected};
use super::super::fake::FakeData;
use super::*;

fn variables() -> Variables {
    let mut variables = Variables::default();
    for name in Variables::names() {
        variables.set(name, format!("a_{name}")).unwrap();
    }
    variables
}

fn cases(experimental: bool) -> Vec<Case> {
    let list = builtin(&variables(), experimental).unwrap();
    assert_eq!(list.left_out, []);
    list.cases
}

fn tree(case: &Case, options: &ParserOptions) -> quarrel_planner::Tree {
    parse(&case.query, options).unwrap_or_else(|error| {
        panic!(
            "{}: {}\n{}",
            case.origin,
            case.query,
            error.render(&case.query)
        )
    })
}

/// What a list uses, each by a name.
fn used(cases: &[Case], options: &ParserOptions) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let answered = cases
        .iter()
        .filter(|case| case.expected != Expected::Failure);
    for case in answered {
        for expr in tree(case, options).expr().nodes() {
            let mut add = |name: &str| {
                used.insert(name.to_string());
            };
            match expr {
                Expr::Number(number) if number.is_duration => add("duration"),
                Expr::Number(number) => add(&format!("number {}", number.value)),
                Expr::String(_) => add("string"),
                Expr::VectorSelector(selector) => {
                    offset(&selector.offset, &mut add);
                    at(selector.at, &mut add);
                    for matcher in &selector.matchers {
                        add(&format!("matcher {}", matcher.op()));
                    }
                    if selector.smoothed {
                        add("smoothed vector");
                    }
                }
                Expr::MatrixSelector(matrix) => {
                    offset(&matrix.selector.offset, &mut add);
                    at(matrix.selector.at, &mut add);
                    computed(&matrix.range, &mut add);
                    if matrix.selector.anchored {
                        add("anchored");
                    }
                    if matrix.selector.smoothed {
                        add("smoothed");
                    }
                }
                Expr::Subquery(subquery) => {
                    offset(&subquery.offset, &mut add);
                    at(subquery.at, &mut add);
                    let step = subquery.step.is_some();
                    add(if step {
                        "subquery"
                    } else {
                        "subquery without step"
                    });
                }
                Expr::Call(call) => add(call.function.name),
                Expr::Aggregate(aggregate) => {
                    add(aggregate.op.name);
                    let by = if aggregate.without { "without" } else { "by" };
                    let labels = usize::from(!aggregate.grouping.is_empty());
                    add(&format!("{by} {labels}"));
                }
                Expr::Binary(binary) => {
                    add(binary.op.symbol());
                    if binary.return_bool {
                        add("bool");
                    }
                    if let Some(matching) = &binary.matching {
                        add(if matching.on { "on" } else { "ignoring" });
                        add(matching.card.name());
                        add(if matching.include.is_empty() {
                            "bare"
                        } else {
                            "include"
                        });
                        let fills = [matching.fill_left, matching.fill_right];
                        add(&format!("fill {}", fills.iter().flatten().count()));
                    }
                }
                Expr::Unary(unary) => add(if unary.minus { "unary -" } else { "unary +" }),
                Expr::Paren(_) => add("parentheses"),
            }
        }
    }
    used
}

fn offset(value: &DurationValue, add: &mut impl FnMut(&str)) {
    match value {
        DurationValue::Known(0) => {}
        DurationValue::Known(ms) => add(if *ms < 0 { "offset -" } else { "offset +" }),
        DurationValue::Computed(_) => add("offset computed"),
    }
}

fn at(value: Option<AtModifier>, add: &mut impl FnMut(&str)) {
    match value {
        None => {}
        Some(AtModifier::Timestamp(_)) => add("@ time"),
        Some(AtModifier::Start) => add("@ start()"),
        Some(AtModifier::End) => add("@ end()"),
    }
}

fn computed(value: &DurationValue, add: &mut impl FnMut(&str)) {
    if let DurationValue::Computed(expr) = value {
        add(match expr {
            DurationExpr::Number(_) => "a number",
            DurationExpr::Step(_) => "[step()]",
            DurationExpr::Range(_) => "[range()]",
            DurationExpr::Unary { .. } => "[-]",
            DurationExpr::Binary { .. } => "[computed]",
        });
    }
}

fn assert_uses(used: &BTreeSet<String>, names: impl IntoIterator<Item = impl AsRef<str>>) {
    let names = names.into_iter();
    let missing: Vec<String> = names
        .map(|name| name.as_ref().to_string())
        .filter(|name| !used.contains(name))
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "in {used:?}");
}

#[test]
fn the_list_is_of_a_size_to_run_often() {
    let standard = cases(false).len();
    assert!((300..=600).contains(&standard), "{standard}");
    let mut unique = cases(true);
    assert_eq!(super::super::case::dedup(&mut unique), 0);
}

#[test]
fn the_standard_list_has_all_that_needs_no_flag() {
    let used = used(&cases(false), &ParserOptions::default());
    let functions = table::all()
        .iter()
        .filter(|function| !function.experimental);
    assert_uses(&used, functions.map(|function| function.name));
    let aggregators = table::aggregators().iter();
    let aggregators = aggregators.filter(|aggregator| !aggregator.experimental);
    assert_uses(&used, aggregators.map(|aggregator| aggregator.name));
    // Trims are for native histograms, of which the list has a section.
    let trims = [BinaryOp::TrimUpper, BinaryOp::TrimLower];
    let operators = BinaryOp::ALL.into_iter();
    let operators = operators.filter(|op| !trims.contains(op));
    assert_uses(&used, operators.map(BinaryOp::symbol));
    use Cardinality as C;
    let cards = [C::OneToOne, C::ManyToOne, C::OneToMany, C::ManyToMany];
    assert_uses(&used, cards.map(Cardinality::name));
    assert_uses(
        &used,
        [
            "matcher =",
            "matcher !=",
            "matcher =~",
            "matcher !~",
            "offset +",
            "offset -",
            "@ time",
            "@ start()",
            "@ end()",
            "subquery",
            "subquery without step",
            "by 0",
            "by 1",
            "without 0",
            "without 1",
            "bool",
            "on",
            "ignoring",
            "bare",
            "include",
            "unary -",
            "unary +",
            "parentheses",
            "duration",
            "string",
            "number 31",
            "number 0.5",
            "number inf",
            "number NaN",
            "number 1000",
            "number 0.025",
        ],
    );
}

#[test]
fn the_experimental_list_has_the_rest() {
    let experimental = cases(true).split_off(cases(false).len());
    let used = used(&experimental, &ParserOptions::all());
    let functions = table::all().iter().filter(|function| function.experimental);
    assert_uses(&used, functions.map(|function| function.name));
    let aggregators = table::aggregators().iter();
    let aggregators = aggregators.filter(|aggregator| aggregator.experimental);
    assert_uses(&used, aggregators.map(|aggregator| aggregator.name));
    assert_uses(
        &used,
        [
            ">/",
            "</",
            "fill 1",
            "fill 2",
            "anchored",
            "smoothed",
            "smoothed vector",
            "offset computed",
            "[computed]",
            "[step()]",
        ],
    );
}

/// The aggregators and functions behind a variable stand in the list by name.
#[test]
fn queries_that_must_fail_do() {
    let failing = cases(false).into_iter();
    let failing = failing.filter(|case| case.expected == Expected::Failure);
    // What is wrong only with samples.
    let at_run_time = ["label_replace(", "count_values(\"\""];
    let mut count = 0;
    for case in failing {
        let is_parsed = parse(&case.query, &ParserOptions::default()).is_ok();
        let at_run_time = at_run_time
            .iter()
            .any(|start| case.query.starts_with(start));
        assert!(!is_parsed || at_run_time, "{}: {}", case.origin, case.query);
        count += 1;
    }
    assert!(count > 40, "{count}");
}

#[test]
fn what_the_data_lacks_is_left_out() {
    let mut variables = Variables::default();
    variables.set("gauge", "g").unwrap();
    let list = builtin(&variables, true).unwrap();
    assert!(list.cases.iter().any(|case| case.query == "abs(g)"));
    assert!(list.cases.iter().all(|case| !case.query.contains("{{")));
    let left_out = list
        .left_out
        .iter()
        .find(|left| left.query == "sort({{.native}})");
    assert_eq!(left_out.unwrap().missing, ["native"]);
    let error = variables.set("gouge", "g").unwrap_err().to_string();
    assert!(
        error.starts_with("no variable \"gouge\", there are counter, "),
        "{error}"
    );
}

fn demo() -> FakeData {
    let mut data = FakeData::default();
    for cpu in ["0", "1"] {
        for mode in ["idle", "user", "irq"] {
            data.add("a_total", &[("cpu", cpu), ("mode", mode), ("job", "node")]);
        }
    }
    data.add("b_total", &[("job", "x")]);
    for device in ["a b", "sda", "sdb"] {
        data.add("disk_free_bytes", &[("device", device), ("job", "node")]);
    }
    data.changing.insert("disk_free_bytes".into());
    // They come before it, and tell less.
    for device in ["x", "y"] {
        data.add("disk_constant_bytes", &[("device", device)]);
        data.add("cpu_busy_ratio", &[("instance", device), ("device", "one")]);
    }
    data.changing.insert("cpu_busy_ratio".into());
    for series in 0..300 {
        data.add(
            "a_many",
            &[("series", &series.to_string()), ("job", "node")],
        );
    }
    for suffix in ["_bucket", "_sum", "_count"] {
        for handler in ["/", "/api"] {
            let name = format!("wait_seconds{suffix}");
            data.add(&name, &[("handler", handler), ("le", "+Inf"), ("job", "x")]);
        }
    }
    data.add("wait_seconds", &[("handler", "/"), ("job", "x")]);
    data.add("wait_seconds", &[("handler", "/api"), ("job", "x")]);
    data.add("x_info", &[("version", "1"), ("job", "x")]);
    data.add(
        "y_info",
        &[("version", "1"), ("job", "x"), ("instance", "y.z:1")],
    );
    // Known by its name, and no gauge.
    let native = "http_request_duration_seconds";
    data.add(native, &[("handler", "/"), ("job", "x")]);
    data.add(native, &[("handler", "/api"), ("job", "x")]);
    data.histograms = ["wait_seconds".to_string(), native.to_string()].into();
    data
}

#[tokio::test]
async fn variables_are_found() {
    let mut data = demo();
    let expected = [
        ("counter", "a_total"),
        ("counter_label", "mode"),
        ("counter_other", "cpu"),
        ("counter_value", "idle"),
        ("gauge", "disk_free_bytes"),
        ("gauge_label", "device"),
        ("gauge_other", "job"),
        ("gauge_value", "sda"),
        ("histogram", "wait_seconds"),
        ("histogram_label", "handler"),
        ("info", "y_info"),
        ("info_label", "version"),
        ("native", "http_request_duration_seconds"),
        ("native_label", "handler"),
    ];
    let expected: Vec<_> = expected.map(|(name, value)| (name, Some(value))).into();
    let found = discover(&data).await.unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    // The same with metadata.
    for (name, kind) in [
        ("a_total", "counter"),
        ("disk_free_bytes", "gauge"),
        ("wait_seconds", "histogram"),
        ("http_request_duration_seconds", "histogram"),
    ] {
        data.kinds.insert(name.into(), kind.into());
    }
    let found = discover(&data).await.unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn nothing_is_found_where_nothing_is() {
    let found = discover(&FakeData::default()).await.unwrap();
    assert_eq!(found, Variables::default());
    let mut broken = demo();
    broken.error = Some("connection refused".into());
    let error = discover(&broken).await.unwrap_err().to_string();
    let expected = "built-in list: values of the label __name__: connection refused";
    assert_eq!(error, expected);
}
