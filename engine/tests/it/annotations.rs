//! Warnings and infos, with their places, as the reference words them.

use std::sync::Arc;

use quarrel_engine::QueryResult;
use quarrel_engine::storage::Storage;

use crate::support::{instant, range, store};

fn told(result: &QueryResult) -> Vec<String> {
    result
        .warnings
        .iter()
        .chain(&result.infos)
        .cloned()
        .collect()
}

fn at(store: &Arc<dyn Storage>, text: &str) -> Vec<String> {
    told(&instant(store, text, 60).unwrap())
}

fn over(store: &Arc<dyn Storage>, text: &str) -> Vec<String> {
    told(&range(store, text, (0, 60, 30)).unwrap())
}

const NO_TEXT: [&str; 0] = [];

#[test]
fn rates_of_what_may_be_no_counter() {
    let store = store(
        "
        gauge{a=\"1\"} 1 2 3
        gauge{a=\"2\"} 1 2 3
        other 1 2 3
        requests_total 1 2 3
        lone 1
    ",
    );
    let info = |name: &str, place: &str| {
        format!(
            "PromQL info: metric might not be a counter, name does not end in \
             _total/_sum/_count/_bucket: \"{name}\" ({place})"
        )
    };
    assert_eq!(at(&store, "rate(gauge[1m])"), [info("gauge", "1:6")]);
    assert_eq!(
        at(&store, "1 +\n increase(gauge[1m])"),
        [info("gauge", "2:11")]
    );
    assert_eq!(at(&store, "rate(requests_total[1m])"), NO_TEXT);
    assert_eq!(at(&store, "irate(gauge[1m])"), NO_TEXT);
    assert_eq!(at(&store, "delta(gauge[1m])"), NO_TEXT);
    // Nothing came out, so there is nothing to say.
    assert_eq!(at(&store, "rate(lone[1m])"), NO_TEXT);
    assert_eq!(at(&store, "rate(nothing[1m])"), NO_TEXT);
    // Equal texts are one, and the last place wins.
    let twice = "rate(gauge[1m]) + on (a) rate(gauge[1m])";
    assert_eq!(at(&store, twice), [info("gauge", "1:31")]);
    let both = "rate({__name__=~\"gauge|other\"}[1m])";
    let texts = [info("gauge", "1:6"), info("other", "1:6")];
    assert_eq!(instant(&store, both, 60).map(|r| told(&r)).unwrap(), texts);
}

#[test]
fn quantiles_outside_of_their_range() {
    let store = store("x{a=\"1\"} 1 2 3\nx{a=\"2\"} 4 5 6\nq 2 0.5 3");
    let warning = |value: &str, place: &str| {
        format!("PromQL warning: quantile value should be between 0 and 1, got {value} ({place})")
    };
    assert_eq!(at(&store, "quantile(1.5, x)"), [warning("1.5", "1:10")]);
    assert_eq!(at(&store, "quantile(-1, x)"), [warning("-1", "1:10")]);
    assert_eq!(at(&store, "quantile(NaN, x)"), [warning("NaN", "1:10")]);
    assert_eq!(at(&store, "quantile(1, x)"), NO_TEXT);
    // The extreme ones alone; NaN hides them, as it does in Go's maximum.
    assert_eq!(
        over(&store, "quantile(scalar(q), x)"),
        [warning("3", "1:10")]
    );
    assert_eq!(
        over(&store, "quantile(scalar(q > 1), x)"),
        [warning("NaN", "1:10")]
    );
}

fn buckets() -> Arc<dyn Storage> {
    store(
        "
        h_bucket{le=\"1\"} 10 10 10
        h_bucket{le=\"2\"} 5 20 20
        h_bucket{le=\"+Inf\"} 30 30 15
        odd_bucket{le=\"1\"} 1 1 1
        odd_bucket{le=\"one\"} 1 1 1
        odd_bucket 1 1 1
        q 0.5 2 3
    ",
    )
}

#[test]
fn buckets_that_are_none() {
    let store = buckets();
    let warning = |value: &str| {
        format!(
            "PromQL warning: bucket label \"le\" is missing or has a malformed value of \
             \"{value}\" (1:25)"
        )
    };
    assert_eq!(
        at(&store, "histogram_quantile(0.5, odd_bucket)"),
        [warning(""), warning("one")]
    );
}

#[test]
fn buckets_that_had_to_be_made_monotonic() {
    let store = buckets();
    let texts = over(&store, "histogram_quantile(0.5, h_bucket)");
    let begin = "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see \
                 https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile), \
                 from buckets ";
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].starts_with(begin), "{texts:?}");
    assert!(
        texts[0]
            .ends_with("over 2 samples from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z (1:25)"),
        "{texts:?}"
    );
    // Two nodes tell of it: the counts add up, and the first place stays.
    let both = "histogram_quantile(0.5, h_bucket) + histogram_quantile(0.9, h_bucket)";
    let texts = over(&store, both);
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("over 4 samples"), "{texts:?}");
    assert!(texts[0].ends_with("(1:25)"), "{texts:?}");
}

/// Unlike the aggregator, this looks at its argument step by step.
#[test]
fn each_bad_quantile_of_a_histogram_is_told() {
    let texts = over(
        &buckets(),
        "histogram_quantile(scalar(q), odd_bucket{le=\"1\"})",
    );
    let warning = |value: &str| {
        format!("PromQL warning: quantile value should be between 0 and 1, got {value} (1:20)")
    };
    assert_eq!(texts, [warning("2"), warning("3")]);
}

/// A plus sign changes nothing, and yet is where a parameter begins.
#[test]
fn a_parameter_stands_at_its_plus_sign() {
    let store = store("x 1 2 3");
    for query in ["quantile_over_time(+pi(), x[2m])", "quantile(+pi(), x)"] {
        let open = query.find('+').unwrap_or_default();
        let texts = over(&store, query);
        assert!(
            texts[0].ends_with(&format!("(1:{})", open + 1)),
            "{texts:?}"
        );
    }
}

#[test]
fn sorting_over_time() {
    let store = store("x{a=\"1\"} 3 2 1\nx{a=\"2\"} 1 2 3");
    let warning = "PromQL warning: sort is ineffective for range queries since results are always \
                   ordered by labels (1:5)";
    assert_eq!(over(&store, "1 + sort(x)"), [warning]);
    assert_eq!(over(&store, "1 + sort_desc(x)"), [warning]);
    assert_eq!(at(&store, "1 + sort(x)"), NO_TEXT);
    let last = over(&store, "sort(x) + on (a) sort(x)");
    assert!(last[0].ends_with("(1:18)"), "{last:?}");
    assert_eq!(over(&store, "sort(x @ 30)"), NO_TEXT);
}
