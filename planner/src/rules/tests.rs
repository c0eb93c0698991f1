//! Plans before and after each rule.

use std::sync::Arc;

use super::{RuleContext, optimize_traced};
use crate::logical::{LogicalPlan, PlanOp, PlanOptions, build};
use crate::options::ParserOptions;

/// The plan of a range query after one rule, or nothing if the rule leaves it.
fn after(rule: &str, query: &str) -> String {
    planned(rule, query, 600_000, 60_000)
}

/// The same of an instant query.
fn after_instant(rule: &str, query: &str) -> String {
    planned(rule, query, 0, 0)
}

fn built(query: &str, end_ms: i64, step_ms: i64) -> LogicalPlan {
    let tree = crate::parse(query, &ParserOptions::all()).unwrap();
    let options = PlanOptions {
        start_ms: 0,
        end_ms,
        step_ms,
        lookback_delta_ms: 300_000,
        subquery_step: Arc::new(|_| 60_000),
        use_start_timestamps: false,
        downsampled: false,
    };
    build(tree.expr(), query, &options).unwrap()
}

fn context(query: &str) -> RuleContext<'_> {
    RuleContext {
        query,
        ..RuleContext::default()
    }
}

/// The plan of a range query after all rules.
fn optimized(query: &str) -> LogicalPlan {
    let mut plan = built(query, 600_000, 60_000);
    super::optimize(&mut plan, context(query));
    plan
}

fn planned(rule: &str, query: &str, end_ms: i64, step_ms: i64) -> String {
    let mut plan = built(query, end_ms, step_ms);
    let traces = optimize_traced(&mut plan, context(query));
    let trace = traces
        .into_iter()
        .find(|t| t.rule == rule)
        .expect("a rule of this name");
    if trace.changed {
        trace.plan
    } else {
        String::new()
    }
}

#[test]
fn numbers_are_folded() {
    insta::assert_snapshot!(after("constant folding", "x * (60 * -(2 + 3)) > bool (1 < bool 2)"), @r"
    VectorScalar: vector > bool scalar, times=0..600/1m
      VectorScalar: vector * scalar
        Window: latest of x, lookback=5m
        Number: -300, once=0
      Number: 1, once=0
    ");
    assert_eq!(after("constant folding", "x * time()"), "");
}

#[test]
fn sorts_without_effect_are_left_out() {
    insta::assert_snapshot!(after_instant("needless sorts", "count(sort(sort_desc(x)))"), @r"
    Aggregate: count, times=0
      Sort: sort, in any order
        Sort: sort_desc, in any order
          Window: latest of x, lookback=5m
    ");
    assert_eq!(
        after_instant("needless sorts", "sum(sort(x))"),
        "",
        "the order decides last bits"
    );
    assert_eq!(
        after_instant("needless sorts", "topk(1, sort(x))"),
        "",
        "the order decides ties"
    );
    assert_eq!(
        after("needless sorts", "count(sort(x))"),
        "",
        "the user is warned"
    );
}

#[test]
fn matchers_hold_on_both_sides_of_a_join() {
    let rule = "matcher propagation";
    insta::assert_snapshot!(after(rule, "a{zone=\"1\"} / b{pod=~\"p.*\"}"), @r#"
    Join: /, times=0..600/1m
      Window: latest of a{zone="1", pod=~"p.*"}, lookback=5m
      Window: latest of b{pod=~"p.*", zone="1"}, lookback=5m
    "#);
    insta::assert_snapshot!(
        after(rule, "sum by (job) (rate(a{job=\"j\", x=\"y\"}[5m])) / on (job) count by (job) (b)"),
        @r#"
    Join: / on (job), times=0..600/1m
      Aggregate: sum by (job)
        Window: rate of a{job="j", x="y"}[5m]
      Aggregate: count by (job)
        Window: latest of b{job="j"}, lookback=5m
    "#
    );
    // Native histograms may be annotated.
    for other in [
        "sum by (job) (b)",
        "max by (job) (b)",
        "count by (job) (b > 1)",
    ] {
        let query = format!("count by (job) (a{{job=\"j\"}}) / on (job) {other}");
        assert_eq!(after(rule, &query), "", "{other}");
    }
    insta::assert_snapshot!(after(rule, "a{zone=\"1\"} unless on (zone) b{zone=~\"1|2\"}"), @r#"
    Set: unless on (zone), times=0..600/1m
      Window: latest of a{zone="1"}, lookback=5m
      Window: latest of b{zone=~"1|2", zone="1"}, lookback=5m
    "#);
    // Rows that repeat in their match group are an error that must show.
    assert_eq!(after(rule, "a{zone=\"1\"} / on (zone) b"), "");
    assert_eq!(after(rule, "a{zone=\"1\"} / ignoring (pod) b"), "");
    assert_eq!(after(rule, "a{zone=\"1\"} / on (zone) group_left () b"), "");
    // Two metrics may become equal.
    assert_eq!(
        after(rule, "a{zone=\"1\"} / rate({__name__=~\"b|c\"}[5m])"),
        ""
    );
    // The info that `b` is no counter must show.
    assert_eq!(after(rule, "a{zone=\"1\"} / rate(b[5m])"), "");
    assert_eq!(after(rule, "rate(b[5m:]) and a{zone=\"1\"}"), "");
    // Several rows of a group may be kept.
    assert_eq!(
        after(
            rule,
            "topk by (zone) (2, a{zone=\"1\"}) / on (zone) sum by (zone) (b)"
        ),
        ""
    );
    assert_eq!(after(rule, "a{zone=\"1\"} or b"), "");
    assert_eq!(
        after(rule, "sum by (job) (a{zone=\"1\"}) / sum by (job) (b)"),
        ""
    );
}

#[test]
fn common_subtrees_are_computed_once() {
    insta::assert_snapshot!(
        after("common subtrees", "sum(rate(a_total[5m])) / (sum(rate(a_total[5m])) + count(b))"),
        @r"
    Join: /, times=0..600/1m
      Aggregate: sum, shared=#1
        Window: rate of a_total[5m]
      Join: +
        Aggregate: sum, shared=#1
          Window: rate of a_total[5m]
        Aggregate: count
          Window: latest of b, lookback=5m
    "
    );
    assert_eq!(after("common subtrees", "a + a offset 1m"), "");
    assert_eq!(
        after("common subtrees", "max_over_time(a[5m:1m]) + a"),
        "",
        "other times"
    );
}

#[test]
fn selectors_share_what_the_widest_asks_for() {
    insta::assert_snapshot!(
        after("shared selects", "sum(rate(a_total{code=\"500\"}[5m])) / sum(rate(a_total[5m]))"),
        @r#"
    Join: /, times=0..600/1m
      Aggregate: sum
        Window: rate of a_total{code="500"}[5m], select=#1 a_total [-299.999, 600]
      Aggregate: sum
        Window: rate of a_total[5m], select=#1 a_total [-299.999, 600]
    "#
    );
    assert_eq!(after("shared selects", "a{x=\"1\"} / on () b"), "");
    assert_eq!(after("shared selects", "a{x=\"1\"} or a{x=\"2\"}"), "");
}

#[test]
fn matchers_do_not_pass_what_changes_groups_or_annotates() {
    let rule = "matcher propagation";
    // Rows without a match are filled.
    assert_eq!(after(rule, "a{zone=\"1\"} / fill (0) b"), "");
    assert_eq!(after(rule, "a{zone=\"1\"} / fill_left (0) b"), "");
    // Several rows of a group would be an error.
    assert_eq!(
        after(rule, "sum by (a) (x{a=\"1\"}) / on (a) topk by (a) (2, y)"),
        ""
    );
    // The label comes from the values.
    assert_eq!(
        after(rule, "count_values by (a) (\"a\", x{a=\"1\"}) and on (a) y"),
        ""
    );
    // The info that `b` is no counter, and the warning of the quantile.
    assert_eq!(after(rule, "a{z=\"1\"} / rate(b[5m:1m])"), "");
    assert_eq!(
        after(rule, "a{z=\"1\"} / quantile_over_time(7, b[5m:1m])"),
        ""
    );
}

#[test]
fn sorts_that_decide_ties_stay() {
    let rule = "needless sorts";
    assert_eq!(after_instant(rule, "sort(sort_by_label(x, \"a\"))"), "");
    // The first of 0 and -0 is the smaller one.
    assert_eq!(after_instant(rule, "min(sort(x))"), "");
    // Rows without the label stay where they are.
    assert_eq!(after_instant(rule, "sort_by_label(sort(x), \"a\")"), "");
}

#[test]
fn duplicates_are_copies_of_the_last_one() {
    let plan = optimized("abs(x) + abs(x) + abs(x)");
    let shared = plan.nodes().into_iter().filter(|n| n.shared.is_some());
    let out: Vec<(u32, u32)> = shared.map(|n| (n.node.id, n.node.span.start)).collect();
    assert_eq!(out, [(6, 18); 3]);
}

#[test]
fn what_counts_samples_is_not_computed_for_another() {
    let twice = "histogram_quantile(0.9, b * 2) - histogram_quantile(0.9, b * 2)";
    insta::assert_snapshot!(after("common subtrees", twice), @r"
    Join: -, times=0..600/1m
      Histogram: histogram_quantile
        Number: 0.9, once=0
        VectorScalar: vector * scalar, shared=#1
          Window: latest of b, lookback=5m
          Number: 2, once=0
      Histogram: histogram_quantile
        Number: 0.9, once=0
        VectorScalar: vector * scalar, shared=#1
          Window: latest of b, lookback=5m
          Number: 2, once=0
    ");
}

#[test]
fn rows_that_are_folded_wherever_they_occur_are_kept_if_they_are_few() {
    let query = "sum by (a) (rate(x_total[5m])) / count by (a) (rate(x_total[5m]))";
    assert!(after("common subtrees", query).contains("shared=#1 if small"));
    let query = "rate(x_total[5m]) / on (a) group_left () sum by (a) (rate(x_total[5m]))";
    assert!(after("common subtrees", query).contains("shared=#1\n"));
    let query = "sum by (a) (x * y) + on () group_left () max(x * y)";
    assert!(after("common subtrees", query).contains("shared=#1"));
}

#[test]
fn a_common_subtree_selects_once() {
    assert_eq!(after("shared selects", "x / x"), "");
    assert_eq!(after("shared selects", "sum(x) / (1 + sum(x))"), "");
}

#[test]
fn differing_hints_are_cleared() {
    let plan = optimized("max_over_time(x[5m]) - min_over_time(x[5m])");
    let selects = plan.selects().into_iter();
    let hints: Vec<&str> = selects.map(|(_, s)| s.function.as_str()).collect();
    assert_eq!(hints, ["", ""]);
}

#[test]
fn parameters_are_computed_once() {
    let rule = "step-invariant parts";
    insta::assert_snapshot!(after(rule, "topk(scalar(vector(1) * 2), x)"), @r"
    Aggregate: topk, times=0..600/1m
      ScalarOf, once=0
        VectorScalar: vector * scalar
          VectorOf
            Number: 1
          Number: 2
      Window: latest of x, lookback=5m
    ");
    insta::assert_snapshot!(after(rule, "quantile(scalar(max(irate(a[5m] @ 10))) / 2, x)"), @r"
    Aggregate: quantile, times=0..600/1m
      ScalarBinary: /, once=0
        ScalarOf
          Aggregate: max
            Window: irate of a[5m] @ 10
        Number: 2
      Window: latest of x, lookback=5m
    ");
    insta::assert_snapshot!(after(rule, "topk(scalar(avg_over_time(a[5m:1m] @ 10)), x)"), @r"
    Aggregate: topk, times=0..600/1m
      ScalarOf, once=0
        SubqueryWindow: avg_over_time of [5m:1m] @ 10, inner=-240..0/1m
          Window: latest of a, lookback=5m, samples=[-589.999, 10]
      Window: latest of x, lookback=5m
    ");
    for query in [
        "topk(scalar(a @ 10), x)",
        "topk(scalar(max(rate(a[5m] @ 10))), x)",
        "topk(scalar(max(changes(a[5m] anchored @ 10))), x)",
        "topk(scalar(hour(x)) + time(), x)",
        "quantile_over_time(time(), x[5m] @ 10)",
        "predict_linear(x[5m] @ 10, 60)",
        "sum_over_time(vector(1)[5m:1m])",
    ] {
        assert_eq!(after(rule, query), "", "{query}");
    }
}

#[test]
fn a_second_run_changes_nothing() {
    for query in [
        "1 + 2 * 3",
        "sum by (a) (rate(x[5m])) / on (a) sum by (a) (rate(y{a=\"1\"}[5m]))",
        "x / x{a=\"b\"} + x @ 5",
        "max_over_time(x[5m]) - min_over_time(x[5m])",
        "topk(scalar(vector(3)), x)",
        "count(sort(x)) and on (a) sum by (a) (y)",
        "histogram_quantile(0.9, sum by (le) (rate(b[5m])))",
        "sum_over_time(rate(x[5m])[1h:1m]) + sum_over_time(rate(x[5m])[1h:1m])",
    ] {
        let once = optimized(query);
        let mut twice = once.clone();
        super::optimize(&mut twice, context(query));
        assert_eq!(once.to_string(), twice.to_string(), "{query}");
    }
}

#[test]
fn deep_plans_are_safe_on_small_stacks() {
    let work = || {
        optimized(&format!("x{}", " + x + 1".repeat(2_000)));
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn where_samples_are_counted_none_is_spared() {
    let query = "topk(scalar(vector(1) * 2), a{z=\"1\"} / b) + abs(c + d) + abs(c + d)";
    let rules = |counts_samples: bool| -> Vec<&str> {
        let mut plan = built(query, 600_000, 60_000);
        let context = RuleContext {
            counts_samples,
            ..context(query)
        };
        let traces = optimize_traced(&mut plan, context);
        traces
            .iter()
            .filter(|t| t.changed)
            .map(|t| t.rule)
            .collect()
    };
    for rule in [
        "step-invariant parts",
        "matcher propagation",
        "common subtrees",
    ] {
        assert!(rules(false).contains(&rule), "{rule}");
        assert!(!rules(true).contains(&rule), "{rule}");
    }
}

#[test]
fn labels_that_are_not_grouped_by_are_not_asked_for() {
    let rule = "label projection";
    let grouped = after(rule, "sum by (b, a) (rate(x_total[5m]) * 2)");
    assert!(grouped.contains(", labels (a, b)"), "{grouped}");
    let whole = after(rule, "count(max_over_time(x[5m:1m]))");
    assert!(whole.contains(", labels ()"), "{whole}");
    for all in [
        "sum without (a) (x)",
        "topk(1, x)",
        "sum(label_replace(x, \"a\", \"$1\", \"b\", \"(.*)\"))",
        "sum(rate({a=\"1\"}[5m]))",
        "sum(rate({__name__=~\"x|y\"}[5m]))",
        "sum(x + y)",
        "x",
    ] {
        assert_eq!(after(rule, all), "", "{all}");
    }
}

#[test]
fn an_aggregation_knows_where_its_own_input_stands() {
    let plan = optimized("stdvar(x) % scalar(x)");
    let nodes = plan.nodes();
    let aggregate = nodes.iter().find_map(|plan| match &plan.op {
        PlanOp::Aggregate(aggregate) => Some(aggregate),
        _ => None,
    });
    let input = &aggregate.unwrap().input;
    assert!(input.shared.is_some());
    assert_eq!(input.node.argument_span.start, 7);
}
