use std::sync::Arc;

use insta::assert_snapshot;

use super::*;
use crate::logical::Select;
use crate::{ParserOptions, parse};

/// From 1,000 s to 1,600 s in steps of 60 s.
fn range() -> PlanOptions {
    PlanOptions {
        start_ms: 1_000_000,
        end_ms: 1_600_000,
        step_ms: 60_000,
        lookback_delta_ms: 300_000,
        subquery_step: Arc::new(|_| 30_000),
        use_start_timestamps: false,
        downsampled: false,
    }
}

/// At 1,000 s.
fn instant() -> PlanOptions {
    PlanOptions {
        step_ms: 0,
        ..range()
    }
}

fn try_plan(query: &str, options: &PlanOptions) -> Result<LogicalPlan> {
    let tree = parse(query, &ParserOptions::all()).unwrap();
    build(tree.expr(), query, options)
}

fn plan(query: &str) -> LogicalPlan {
    try_plan(query, &range()).unwrap()
}

fn error(query: &str, options: &PlanOptions) -> String {
    match try_plan(query, options).unwrap_err() {
        PlanError::Invalid { message, .. } => format!("invalid: {message}"),
        PlanError::Execution { message, .. } => format!("execution: {message}"),
        other => other.to_string(),
    }
}

fn first_select(plan: &LogicalPlan) -> Select {
    plan.selects()[0].1.clone()
}

#[test]
fn selectors_are_windows() {
    assert_snapshot!(plan("x"), @"Window: latest of x, lookback=5m, times=1000..1600/1m");
    assert_snapshot!(plan(r#"{a="b", "dotted.name", c!~"d|e"} offset -5m"#), @r#"Window: latest of {a="b", __name__="dotted.name", c!~"d|e"} offset -5m, lookback=5m, times=1000..1600/1m"#);
    assert_snapshot!(plan("rate(x[5m] offset 1h)"), @"Window: rate of x[5m] offset 1h, times=1000..1600/1m");
    assert_snapshot!(try_plan("rate(x[5m])", &instant()).unwrap(), @"Window: rate of x[5m], times=1000");
    assert_snapshot!(try_plan("(x[5m] offset 1m)", &instant()).unwrap(), @"RawSelect: x[5m] @ 940, times=1000");
    assert_snapshot!(plan("quantile_over_time(scalar(q), x[5m])"), @r"
    Window: quantile_over_time of x[5m], times=1000..1600/1m
      ScalarOf
        Window: latest of q, lookback=5m
    ");
    assert_snapshot!(plan("integral(x[5m])"), @r"
    Window: integral of x[5m], times=1000..1600/1m
      Number: 2, once=1000
    ");
}

#[test]
fn pinned_parts_are_evaluated_once() {
    assert_snapshot!(plan("x @ 10 + y"), @r"
    Join: +, times=1000..1600/1m
      Window: latest of x @ 10, lookback=5m, once=1000
      Window: latest of y, lookback=5m
    ");
    assert_snapshot!(plan("sum(rate(x[5m] @ start() offset 1m)) / 2"), @r"
    VectorScalar: vector / scalar, times=1000
      Aggregate: sum
        Window: rate of x[5m] @ 940
      Number: 2
    ");
    assert_snapshot!(plan("x + 2 * 3"), @r"
    VectorScalar: vector + scalar, times=1000..1600/1m
      Window: latest of x, lookback=5m
      ScalarBinary: *, once=1000
        Number: 2
        Number: 3
    ");
    assert_snapshot!(plan("vector(1) or y"), @r"
    Set: or, times=1000..1600/1m
      VectorOf, once=1000
        Number: 1
      Window: latest of y, lookback=5m
    ");
}

#[test]
fn evaluation_times_are_never_invariant() {
    assert_snapshot!(plan("predict_linear(x[5m] @ 10, 60)"), @r"
    Window: predict_linear of x[5m] @ 10, times=1000..1600/1m
      Number: 60, once=1000
    ");
    assert_snapshot!(plan("timestamp(abs(x @ 10))"), @r"
    Elementwise: timestamp, times=1000..1600/1m
      Elementwise: abs, once=1000
        Window: latest of x @ 10, lookback=5m, totals
    ");
    assert_snapshot!(plan("quantile_over_time(scalar(q), x[5m] @ end())"), @r"
    Window: quantile_over_time of x[5m] @ 1600, times=1000..1600/1m
      ScalarOf
        Window: latest of q, lookback=5m
    ");
}

#[test]
fn timestamp_of_a_selector_is_the_samples_time() {
    assert_snapshot!(plan("timestamp((x offset 5s))"), @"Window: timestamp of x offset 5s, lookback=5m, totals, times=1000..1600/1m");
    assert_snapshot!(plan("timestamp(x @ 10 offset 5s)"), @"Window: timestamp of x @ 10, lookback=5m, samples=[-294.999, 5], totals, times=1000");
    assert_snapshot!(plan("timestamp(-x)"), @r"
    Elementwise: timestamp, times=1000..1600/1m
      Negate
        Window: latest of x, lookback=5m, totals
    ");
    let select = first_select(&plan("timestamp(x @ 10 offset 5s)"));
    assert!(select.is_cut());
}

#[test]
fn parameters_of_aggregations_are_left_as_written() {
    assert_snapshot!(plan("topk(scalar(a @ 10), x)"), @r"
    Aggregate: topk, times=1000..1600/1m
      ScalarOf
        Window: latest of a offset 16m30s, lookback=5m, samples=[-289.999, 10]
      Window: latest of x, lookback=5m
    ");
    assert_snapshot!(plan("topk(scalar(a @ start()), x @ end())"), @r"
    Aggregate: topk, times=1000
      ScalarOf
        Window: latest of a, lookback=5m, samples=[700.001, 1600]
      Window: latest of x @ 1600, lookback=5m
    ");
    assert_snapshot!(plan("quantile by (l) (scalar(rate(a[1m] @ 10)), x)"), @r"
    Aggregate: quantile by (l), times=1000..1600/1m
      ScalarOf
        Window: rate of a[1m] @ 10
      Window: latest of x, lookback=5m
    ");
    assert_snapshot!(error("topk(scalar(rate((a[1m]))), x)", &range()), @"execution: unexpected error: cannot do range evaluation of matrix selector");
    assert_snapshot!(error("topk(scalar(rate((a[1m]))), x)", &instant()), @"execution: unexpected error: runtime error: index out of range [0] with length 0");
    assert_snapshot!(plan("topk(scalar(timestamp((a))), x)"), @r"
    Aggregate: topk, times=1000..1600/1m
      ScalarOf
        Elementwise: timestamp
          Window: latest of a, lookback=5m, totals
      Window: latest of x, lookback=5m
    ");
}

#[test]
fn subqueries_have_their_own_times() {
    assert_snapshot!(plan("max_over_time(rate(x[5m])[10m:1m])"), @r"
    SubqueryWindow: max_over_time of [10m:1m], inner=420..1560/1m, times=1000..1600/1m
      Window: rate of x[5m], samples=[100.001, 1600]
    ");
    assert_snapshot!(plan("max_over_time(x[10m:] offset 7s)"), @r"
    SubqueryWindow: max_over_time of [10m:30s] offset 7s, inner=420..1590/30s, times=1000..1600/1m
      Window: latest of x, lookback=5m, samples=[93.001, 1593]
    ");
    assert_snapshot!(plan("max_over_time(x[10m:45s] @ 500)"), @r"
    SubqueryWindow: max_over_time of [10m:45s] @ 500, inner=-90..495/45s, times=1000
      Window: latest of x, lookback=5m, samples=[-399.999, 500]
    ");
    assert_snapshot!(plan("avg_over_time(sum_over_time((x @ 50)[5m:20s])[3m:1m])"), @r"
    SubqueryWindow: avg_over_time of [3m:1m], inner=840..1560/1m, times=1000..1600/1m
      SubqueryWindow: sum_over_time of [5m:20s], inner=560..1560/20s
        Window: latest of x @ 50, lookback=5m, once=560
    ");
    assert_snapshot!(try_plan("x[1m:30s]", &instant()).unwrap(), @r"
    RawSubquery: times=960..990/30s, times=1000
      Window: latest of x, lookback=5m, samples=[640.001, 1000]
    ");
    // Windows before the epoch: the first step is rounded up.
    assert_snapshot!(plan("sum_over_time(x[10m:7s] offset 1h)"), @r"
    SubqueryWindow: sum_over_time of [10m:7s] offset 1h, inner=-3199..-2002/7s, times=1000..1600/1m
      Window: latest of x, lookback=5m, samples=[-3499.999, -2000]
    ");
}

/// Prometheus takes a subquery's offset from a pinned selector inside when
/// the subquery happens to begin with the query.
#[test]
fn a_subquery_that_begins_with_its_parent_moves_pinned_selectors() {
    let select = |query| first_select(&plan(query)).windows.ends.start_ms;
    assert_eq!(
        select("sum_over_time((x @ 100)[1m:40s] offset -25s)"),
        75_000
    );
    assert_eq!(
        select("sum_over_time((x @ 100)[1m:30s] offset -25s)"),
        100_000
    );
}

#[test]
fn functions_without_vectors() {
    assert_snapshot!(plan("hour()"), @r"
    Elementwise: hour, times=1000..1600/1m
      VectorOf
        Time
    ");
    assert_snapshot!(plan("time() - start() - end() - range() - step()"), @r"
    ScalarBinary: -, times=1000..1600/1m
      ScalarBinary: -
        ScalarBinary: -
          ScalarBinary: -
            Time
            Number: 1000, once=1000
          Number: 1600, once=1000
        Number: 600, once=1000
      Number: 60, once=1000
    ");
    assert_snapshot!(plan("-1 ^ 2 > bool pi()"), @r"
    ScalarBinary: >, times=1000
      Negate
        ScalarBinary: ^
          Number: 1
          Number: 2
      Number: 3.141592653589793
    ");
    assert_snapshot!(plan("round(x) + round(x, 5)"), @r"
    Join: +, times=1000..1600/1m
      Elementwise: round
        Window: latest of x, lookback=5m
        Number: 1, once=1000
      Elementwise: round
        Window: latest of x, lookback=5m
        Number: 5, once=1000
    ");
    let numbers = try_plan("start() + end() + range() + step()", &instant()).unwrap();
    assert_snapshot!(numbers, @r"
    ScalarBinary: +, times=1000
      ScalarBinary: +
        ScalarBinary: +
          Number: 1000
          Number: 1000
        Number: 0
      Number: 0
    ");
}

#[test]
fn labels_of_absent_are_those_of_equal_matchers() {
    assert_snapshot!(plan(r#"absent(x{a="1", b!="2", c="3", c="4", d="", e="5"})"#), @r#"
    Absent: {a="1", e="5"}, times=1000..1600/1m
      Window: latest of x{a="1", b!="2", c="3", c="4", d="", e="5"}, lookback=5m, totals
    "#);
    assert_snapshot!(plan(r#"absent_over_time(x{a="1"}[5m])"#), @r#"
    Absent: {a="1"}, times=1000..1600/1m
      Window: present_over_time of x{a="1"}[5m]
    "#);
    assert_snapshot!(plan(r#"absent_over_time(x{a="1"}[5m:1m])"#), @r#"
    Absent: {}, times=1000..1600/1m
      SubqueryWindow: present_over_time of [5m:1m], inner=720..1560/1m
        Window: latest of x{a="1"}, lookback=5m, samples=[400.001, 1600]
    "#);
    assert_snapshot!(plan(r#"absent(sum(x{a="1"}))"#), @r#"
    Absent: {}, times=1000..1600/1m
      Aggregate: sum
        Window: latest of x{a="1"}, lookback=5m, totals
    "#);
}

#[test]
fn operators_and_their_matching() {
    assert_snapshot!(plan("a / on (x, y) group_left (z) b"), @r"
    Join: / on (x, y) group_left (z), times=1000..1600/1m
      Window: latest of a, lookback=5m
      Window: latest of b, lookback=5m
    ");
    assert_snapshot!(plan("a and ignoring (x) b unless c"), @r"
    Set: unless, times=1000..1600/1m
      Set: and ignoring (x)
        Window: latest of a, lookback=5m
        Window: latest of b, lookback=5m
      Window: latest of c, lookback=5m
    ");
    assert_snapshot!(plan("1 < bool a == 2"), @r"
    VectorScalar: vector == scalar, times=1000..1600/1m
      VectorScalar: scalar < bool vector
        Number: 1, once=1000
        Window: latest of a, lookback=5m
      Number: 2, once=1000
    ");
    assert_snapshot!(plan("-(+a) * scalar(b)"), @r"
    VectorScalar: vector * scalar, times=1000..1600/1m
      Negate
        Window: latest of a, lookback=5m
      ScalarOf
        Window: latest of b, lookback=5m
    ");
}

#[test]
fn the_other_functions() {
    assert_snapshot!(plan("count_values without (a) (\"v\", topk by (b) (3, x))"), @r#"
    CountValues: "v" without (a), times=1000..1600/1m
      Aggregate: topk by (b)
        Number: 3, once=1000
        Window: latest of x, lookback=5m
    "#);
    assert_snapshot!(plan(r#"label_join(label_replace(x, "a", "$1", "b", "(.*)"), "c", "-", "a")"#), @r#"
    Relabel: label_join "c" "-" "a", times=1000..1600/1m
      Relabel: label_replace "a" "$1" "b" "(.*)"
        Window: latest of x, lookback=5m
    "#);
    assert_snapshot!(plan("sort_desc(sort_by_label(x, \"a\", \"b\"))"), @r#"
    Sort: sort_desc, times=1000..1600/1m
      Sort: sort_by_label "a" "b"
        Window: latest of x, lookback=5m
    "#);
    assert_snapshot!(plan("histogram_quantile(0.9, sum by (le) (rate(b[5m])))"), @r"
    Histogram: histogram_quantile, times=1000..1600/1m
      Number: 0.9, once=1000
      Aggregate: sum by (le)
        Window: rate of b[5m]
    ");
    assert_snapshot!(plan("clamp(vector(scalar(x)), 1, 2)"), @r"
    Elementwise: clamp, times=1000..1600/1m
      VectorOf
        ScalarOf
          Window: latest of x, lookback=5m
      Number: 1, once=1000
      Number: 2, once=1000
    ");
    assert_snapshot!(try_plan("\"text\"", &instant()).unwrap(), @r#"Text: "text", times=1000"#);
}

#[test]
fn hints_are_what_stands_right_above() {
    let hints = |query: &str| {
        let s = first_select(&plan(query));
        format!(
            "{} {} {:?} {}",
            s.function, s.by, s.grouping, s.hint_step_ms
        )
    };
    assert_snapshot!(hints("x"), @" false [] 60000");
    assert_snapshot!(hints("sum by (a) ((x))"), @r#"sum true ["a"] 60000"#);
    assert_snapshot!(hints("sum without (a) (-x)"), @"sum false [] 60000");
    assert_snapshot!(hints("sum by (a) (rate(x[5m]))"), @"rate false [] 60000");
    assert_snapshot!(hints("abs(x + y)"), @" false [] 60000");
    assert_snapshot!(hints("max_over_time(x[5m:10s])"), @"max_over_time false [] 10000");
    assert_snapshot!(hints("max without (a) (x)"), @r#"max false ["a"] 60000"#);
}

#[test]
fn durations_are_computed() {
    assert_snapshot!(plan("rate(x[step() * 2]) + y offset -(range() / 2)"), @r"
    Join: +, times=1000..1600/1m
      Window: rate of x[2m]
      Window: latest of y offset -5m, lookback=5m
    ");
    assert_snapshot!(plan("max_over_time(x[max_of(step(), 5m):min_of(step(), 1h) / 2])"), @r"
    SubqueryWindow: max_over_time of [5m:30s], inner=720..1590/30s, times=1000..1600/1m
      Window: latest of x, lookback=5m, samples=[400.001, 1600]
    ");
    assert_snapshot!(error("rate(x[step()])", &instant()), @"invalid: 7:13: duration must be greater than 0");
    assert_snapshot!(error("x + rate(x[5m - 300])", &range()), @"invalid: 11:19: duration must be greater than 0");
    assert_snapshot!(error("x offset (1 / (step() - 60))", &range()), @"invalid: 10:26: division by zero");
    assert_snapshot!(error("x offset (10 ^ step())", &range()), @"invalid: 10:21: duration is out of range");
    assert_snapshot!(error("x offset ((-5) ^ 0.5)", &range()), @"invalid: 10:20: duration is NaN or infinite");
}

#[test]
fn refusals_are_worded_as_in_prometheus() {
    assert_snapshot!(error("x[5m]", &range()), @r#"invalid: invalid expression type "range vector" for range query, must be Scalar or instant Vector"#);
    assert_snapshot!(error("\"text\"", &range()), @r#"invalid: invalid expression type "string" for range query, must be Scalar or instant Vector"#);
    let named = |query| error(query, &range());
    assert_snapshot!(named(r#"label_replace(x, "\xff", "", "a", "")"#), @"execution: invalid destination label name in label_replace(): �");
    assert_snapshot!(named(r#"label_replace(x, "a", "", "a", "\xff")"#), @"execution: invalid regular expression in label_replace(): �");
    assert_snapshot!(named(r#"label_join(x, "\xff", "", "\xfe")"#), @"execution: invalid source label name in label_join(): �");
    assert_snapshot!(error("count_values(\"\", x)", &range()), @r#"execution: invalid label name """#);
    assert_snapshot!(error("avg_over_time(x[5m] smoothed)", &range()), @"execution: smoothed modifier can only be used with: delta, increase, rate - not with avg_over_time");
    assert_snapshot!(error("irate(x[5m] anchored)", &range()), @"execution: anchored modifier can only be used with: changes, delta, increase, rate, resets - not with irate");
}

#[test]
fn nodes_are_numbered_in_post_order() {
    fn ids(plan: &Plan, out: &mut Vec<u32>) {
        plan.inputs().into_iter().for_each(|input| ids(input, out));
        out.push(plan.node.id);
    }
    for query in [
        "1 - x * sum(y)",
        "histogram_quantile(scalar(a), b)",
        "topk(scalar(a), b)",
        "max_over_time(rate(x[5m])[1h:]) + absent_over_time(y[5m]) + hour() + round(z)",
    ] {
        let mut got = Vec::new();
        ids(plan(query).rows().unwrap(), &mut got);
        assert!(
            got.iter().enumerate().all(|(i, &id)| i as u32 == id),
            "{query}: {got:?}"
        );
    }
}

#[test]
fn extended_selectors_ask_for_samples_beyond_their_windows() {
    assert_snapshot!(plan("rate(x[1m] anchored offset 1m)"), @"Window: rate of x[1m] anchored offset 1m, times=1000..1600/1m");
    assert_snapshot!(plan("delta(x[1m] smoothed)"), @"Window: delta of x[1m] smoothed, times=1000..1600/1m");
    assert_snapshot!(plan("x smoothed"), @"Window: smoothed of x, lookback=5m, times=1000..1600/1m");
    assert_snapshot!(plan("x anchored"), @"Window: latest of x, lookback=5m, times=1000..1600/1m");
    let select = first_select(&try_plan("increase(x[1m] smoothed)", &instant()).unwrap());
    assert_eq!(select.time_range, (640_001, 1_300_000));
    assert_eq!(select.windows.reach(), select.time_range);
    let select = first_select(&try_plan("x smoothed", &instant()).unwrap());
    assert_eq!(select.time_range, (700_001, 1_300_000));
    assert_eq!(select.windows.reach(), select.time_range);
}

#[test]
fn start_timestamps_are_read_where_they_are_wanted() {
    let options = PlanOptions {
        use_start_timestamps: true,
        downsampled: false,
        ..instant()
    };
    assert_snapshot!(try_plan("start_timestamp(x) + rate(y[1m]) + delta(y[1m])", &options).unwrap(), @r"
    Join: +, times=1000
      Join: +
        Window: start_timestamp from start timestamps of x, lookback=5m, totals
        Window: rate from start timestamps of y[1m]
      Window: delta of y[1m]
    ");
    assert_snapshot!(try_plan("start_timestamp(x)", &instant()).unwrap(), @"Window: start_timestamp of x, lookback=5m, totals, times=1000");
    assert_snapshot!(try_plan("start_timestamp(x + 1)", &options).unwrap(), @r"
    NoStartTimestamp, times=1000
      VectorScalar: vector + scalar
        Window: latest of x, lookback=5m, totals
        Number: 1
    ");
}

#[test]
fn info_metrics_are_read_at_the_time_of_the_rows() {
    assert_snapshot!(plan("info(x offset 1m, {version=~\".+\"})"), @r##"
    Info: {version=~".+"}, times=1000..1600/1m
      Window: latest of x offset 1m, lookback=5m
      Window: info of target_info{version=~".+"} offset 1m, lookback=5m
    "##);
    assert_snapshot!(plan("info(x @ 10 offset 1m or y @ 5 offset 55s)"), @r##"
    Info, times=1000
      Set: or
        Window: latest of x @ -50, lookback=5m
        Window: latest of y @ -50, lookback=5m
      Window: info of target_info @ -50, lookback=5m
    "##);
    assert_snapshot!(plan("info(last_over_time((x offset 1m)[5m:1m] @ 100), {__name__!=\"b\"})"), @r##"
    Info, times=1000
      SubqueryWindow: last_over_time of [5m:1m] @ 100, inner=-180..60/1m
        Window: latest of x offset 1m, lookback=5m, samples=[-559.999, 40]
      Window: info of {__name__=~".+_info", __name__!="b"} @ 40, lookback=5m
    "##);
    for query in [
        "info(x or y offset 1m)",
        "info(x or y @ 100)",
        "info(vector(1) or x @ 100)",
        "info(vector(scalar(x @ 100)))",
    ] {
        let text = plan(query).to_string();
        assert!(
            text.contains("Window: info of target_info, lookback=5m"),
            "{text}"
        );
        assert!(text.starts_with("Info, times=1000..1600/1m"), "{text}");
    }
}

#[test]
fn functions_of_scalars_are_nodes() {
    assert_snapshot!(plan("max_of(time(), min_of(1, scalar(x)))"), @r##"
    ScalarCall: max_of, times=1000..1600/1m
      Time
      ScalarCall: min_of
        Number: 1, once=1000
        ScalarOf
          Window: latest of x, lookback=5m
    "##);
}

#[test]
fn an_empty_grid_has_empty_parts() {
    let options = PlanOptions {
        end_ms: 900_000,
        ..range()
    };
    let plan = try_plan("sum(x @ 5) + sum_over_time(y[5m:1m])", &options).unwrap();
    assert_snapshot!(plan, @r"
    Join: +, times=none
      Aggregate: sum
        Window: latest of x offset 16m35s, lookback=5m
      SubqueryWindow: sum_over_time of [5m:1m], inner=none
        Window: latest of y, lookback=5m, samples=[400.001, 900]
    ");
}

#[test]
fn deep_trees_are_safe_on_small_stacks() {
    let work = || {
        let chain = format!("x{}", " + y @ 5".repeat(5_000));
        let nested = format!("{}x{}", "abs(".repeat(990), ")".repeat(990));
        for query in [chain, nested] {
            let plan = plan(&query).clone();
            assert!(plan.to_string().len() > query.len());
        }
    };
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap();
}
