//! What options of the engine and of a query change.

use std::time::Duration;

use futures::executor::block_on;
use quarrel_engine::{
    Engine, EngineOptions, ErrorClass, PerStepStats, QueryOptions, QueryResult, Timestamp,
};

use crate::support::{at_secs, over_secs, show, store};

const DATA: &str = "
    x{a=\"1\"} 1 2 3 4 5 6 7 8 9 10
    y{a=\"2\"} 1 _ _ _ _ _ _ _ _ 2
";

/// A range query from 0 to 240 s, every 60 s.
fn range(engine: &Engine, text: &str, options: QueryOptions) -> QueryResult {
    let query = engine.prepare(text).unwrap();
    block_on(
        query
            .range(store(DATA), over_secs((0, 240, 60)), options)
            .execute(),
    )
    .unwrap()
}

/// An instant query's answer as text.
fn instant(engine: &Engine, text: &str, at_ms: i64, options: QueryOptions) -> String {
    let query = engine.prepare(text).unwrap();
    show(
        &block_on(
            query
                .instant(store(DATA), Timestamp::from_millis(at_ms), options)
                .execute(),
        )
        .unwrap(),
    )
}

fn engine(options: EngineOptions) -> Engine {
    Engine::new(options).unwrap()
}

fn steps(text: &str) -> PerStepStats {
    let engine = engine(
        EngineOptions::new()
            .enable_per_step_stats(true)
            .enable_delayed_name_removal(true),
    );
    let options = QueryOptions::new().per_step_stats(true);
    let stats = range(&engine, text, options).stats;
    let steps = stats.per_step.unwrap();
    let sum = steps.total_queryable_samples.iter().sum::<u64>();
    assert_eq!(stats.total_queryable_samples, sum);
    assert_eq!((steps.start_ms, steps.step_ms), (0, 60_000));
    steps
}

#[test]
fn samples_are_counted_by_step() {
    for (text, total, read) in [
        ("x", [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]),
        ("x + x", [2; 5], [2; 5]),
        // Windows that overlap have samples in common.
        ("sum_over_time(x[2m])", [1, 3, 4, 4, 4], [1, 2, 2, 2, 2]),
        ("sum_over_time(x[30s])", [1; 5], [1; 5]),
        // What a subquery looks at, not what it gives.
        ("sum_over_time(x[1m:30s])", [1, 2, 2, 2, 2], [1, 2, 2, 2, 2]),
        ("sum_over_time(x[2m:1m])", [1, 2, 2, 2, 2], [1; 5]),
        (
            "max_over_time(sum_over_time(x[1m])[2m:1m])",
            [1, 3, 4, 4, 4],
            [1, 2, 2, 2, 2],
        ),
        ("sum_over_time(x[1m:30s] @ 60)", [2; 5], [2, 0, 0, 0, 0]),
        // What does not change is read once, and counts at each step.
        ("x @ 60", [1; 5], [1, 0, 0, 0, 0]),
        ("x + on() sum(x @ 60)", [2; 5], [2, 1, 1, 1, 1]),
        // Not so the parameter of an aggregation.
        ("topk(scalar(x @ 60), x)", [2; 5], [2; 5]),
        // Rows without an effect count, too.
        ("x and on(a) y", [2, 2, 2, 2, 2], [2, 2, 2, 2, 2]),
        ("x * on(a) y{a=\"none\"}", [1; 5], [1; 5]),
        ("1 + 1", [0; 5], [0; 5]),
    ] {
        let steps = steps(text);
        assert_eq!(steps.total_queryable_samples, total, "{text}");
        assert_eq!(steps.samples_read, read, "{text}");
    }
}

#[test]
fn samples_are_counted_by_step_where_both_want_it() {
    for (allowed, wanted) in [(false, false), (false, true), (true, false)] {
        let engine = engine(EngineOptions::new().enable_per_step_stats(allowed));
        let options = QueryOptions::new().per_step_stats(wanted);
        assert_eq!(range(&engine, "x", options).stats.per_step, None);
    }
}

#[test]
fn raw_samples_are_counted_at_their_one_step() {
    let engine = engine(EngineOptions::new().enable_per_step_stats(true));
    for (text, count) in [("x[2m]", 4), ("x[2m:1m]", 2)] {
        let query = engine.prepare(text).unwrap();
        let options = QueryOptions::new().per_step_stats(true);
        let result = block_on(query.instant(store(DATA), at_secs(240), options).execute());
        let steps = result.unwrap().stats.per_step.unwrap();
        assert_eq!(steps.total_queryable_samples, [count], "{text}");
        assert_eq!(steps.samples_read, [count], "{text}");
    }
}

#[test]
fn types_tell_counters() {
    let data = "
        a{__type__=\"counter\"} 1 2 3
        b{__type__=\"histogram\"} 1 2 3
        c_total{__type__=\"gauge\"} 1 2 3
        d_total 1 2 3
    ";
    let info = |enable_type_and_unit_labels: bool, text: &str| {
        let engine =
            engine(EngineOptions::new().enable_type_and_unit_labels(enable_type_and_unit_labels));
        let query = engine.prepare(text).unwrap();
        let options = QueryOptions::default();
        let result = block_on(query.instant(store(data), at_secs(60), options).execute());
        result.unwrap().infos
    };
    let by_name = "PromQL info: metric might not be a counter, name does not end in \
                   _total/_sum/_count/_bucket: \"a\" (1:6)";
    assert_eq!(info(false, "rate(a[1m])"), [by_name]);
    for text in ["rate(a[1m])", "rate(b[1m])"] {
        assert_eq!(info(true, text), [""; 0]);
    }
    let by_type = |got: &str, name: &str| {
        format!(
            "PromQL info: metric might not be a counter, __type__ label is not set to \
             \"counter\" or \"histogram\", got \"{got}\": \"{name}\" (1:10)"
        )
    };
    assert_eq!(
        info(true, "increase(c_total[1m])"),
        [by_type("gauge", "c_total")]
    );
    assert_eq!(
        info(true, "increase(d_total[1m])"),
        [by_type("", "d_total")]
    );
    assert_eq!(info(false, "increase(c_total[1m])"), [""; 0]);
}

#[test]
fn names_are_removed_at_once_or_at_the_end() {
    let text = "sum by (name) (label_replace(abs({__name__=~\"x|y\"}), \"name\", \"$1\", \
                \"__name__\", \"(.+)\"))";
    for (enable_delayed_name_removal, expected) in [
        (false, "{} 12@270"),
        (true, "{name=x} 10@270\n{name=y} 2@270"),
    ] {
        let engine =
            engine(EngineOptions::new().enable_delayed_name_removal(enable_delayed_name_removal));
        let options = QueryOptions::default();
        assert_eq!(instant(&engine, text, 270_000, options), expected);
    }
}

/// Prometheus looks for equal rows where they come out, and in between only
/// where there are several steps.
#[test]
fn equal_rows_may_meet_at_one_time_until_they_come_out() {
    let engine = engine(EngineOptions::new().enable_delayed_name_removal(true));
    let both = "{__name__=~\"x|y\"} * on (l, __name__) {__name__=~\"x|y\"}";
    let options = QueryOptions::default;
    for (text, answer) in [
        (format!("count({both})"), "{} 2@0"),
        (format!("absent({both})"), ""),
    ] {
        assert_eq!(instant(&engine, &text, 0, options()), answer);
        let query = engine.prepare(&text).unwrap();
        let several = query.range(store(DATA), over_secs((0, 60, 60)), options());
        let error = block_on(several.execute()).unwrap_err();
        assert!(error.to_string().contains("same labelset"), "{error}");
    }
    let query = engine.prepare(both).unwrap();
    let error = block_on(query.instant(store(DATA), at_secs(0), options()).execute()).unwrap_err();
    assert!(error.to_string().contains("same labelset"), "{error}");
}

#[test]
fn a_query_may_look_back_less_or_more() {
    let engine = engine(EngineOptions::new().lookback_delta(Duration::from_secs(60)));
    for (seconds, found) in [
        (None, false),
        (Some(0), false),
        (Some(300), true),
        (Some(30), false),
    ] {
        let mut options = QueryOptions::new();
        options.lookback_delta = seconds.map(Duration::from_secs);
        let answer = instant(&engine, "y", 120_000, options);
        assert_eq!(!answer.is_empty(), found);
    }
}

#[test]
fn subqueries_without_a_step_take_the_engines_or_the_querys() {
    let engine = engine(EngineOptions::new().subquery_step(|range_ms| range_ms / 2));
    let count =
        |options: QueryOptions| instant(&engine, "count_over_time(x[2m:])", 240_000, options);
    assert_eq!(count(QueryOptions::default()), "{a=1} 2@240");
    let own = QueryOptions::new().subquery_step(|_| 30_000);
    assert_eq!(count(own), "{a=1} 4@240");
}

#[test]
fn modifiers_may_be_forbidden() {
    let engine = engine(
        EngineOptions::new()
            .enable_at_modifier(false)
            .enable_negative_offset(false),
    );
    for (text, message) in [
        ("x @ 60", "@ modifier is disabled"),
        ("x offset -1m", "negative offset is disabled"),
    ] {
        let error = engine.prepare(text).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.class(), ErrorClass::BadData);
    }
    assert!(engine.prepare("x offset 1m").is_ok());
}

#[test]
fn offsets_may_look_ahead() {
    let engine = engine(EngineOptions::default());
    let answer = instant(&engine, "x offset -1m", 0, QueryOptions::default());
    assert_eq!(answer, "{__name__=x,a=1} 3@0");
}

#[test]
fn operators_say_what_they_did_if_they_are_asked() {
    let engine = engine(EngineOptions::new());
    let text = "sum(rate(x[2m])) + sum(count_over_time(y[1m:1m]))";
    assert!(
        range(&engine, text, QueryOptions::new())
            .operators
            .is_none()
    );
    let asked = QueryOptions::new().operator_stats(true);
    let result = range(&engine, text, asked);
    let operators = result.operators.unwrap().operators;
    let depths: Vec<usize> = operators.iter().map(|operator| operator.depth).collect();
    assert!(depths[0] == 0 && depths.windows(2).all(|pair| pair[1] <= pair[0] + 1));
    let find = |name: &str| {
        let found = operators.iter().find(|operator| operator.name == name);
        found.unwrap_or_else(|| panic!("no {name} in {operators:?}"))
    };
    let scan = find("Scan");
    assert!(scan.text.starts_with("Scan: rate"), "{}", scan.text);
    assert_eq!(scan.selector, ["__name__=\"x\""]);
    assert!(scan.stats.rows == 1 && scan.stats.items > 0 && scan.stats.bytes > 0);
    // Windows of two minutes over samples each 30 s.
    assert_eq!(scan.stats.samples, 1 + 3 + 4 + 4 + 4);
    assert!(scan.stats.began.unwrap() <= scan.stats.ended.unwrap());
    assert!(find("SubqueryWindow").stats.samples > 0, "{operators:?}");
    assert!(find("Aggregate").selector.is_empty());
    let sum: u64 = operators
        .iter()
        .map(|operator| operator.stats.samples)
        .sum();
    assert_eq!(sum, result.stats.total_queryable_samples);
}
