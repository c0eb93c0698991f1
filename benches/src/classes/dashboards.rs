//! Panels of dashboards: typical queries over ranges from half an hour to a
//! month.

use super::{DAY, HOUR, MINUTE, SECOND, START};
use crate::data::Shape;
use crate::query::BenchQuery;

/// A range that a dashboard shows. Steps are what Grafana asks for: never
/// shorter than the scrape interval, and at most 1,500 points. A window of
/// `$__rate_interval` is a step and a scrape interval, or four of these.
struct Panel {
    data: Shape,
    range: (i64, i64),
    step: i64,
    window: &'static str,
}

const fn panel(data: Shape, end: i64, length: i64, step: i64, window: &'static str) -> Panel {
    Panel {
        data,
        range: (end - length, end),
        step,
        window,
    }
}

const DAY_END: i64 = START + 25 * HOUR;
const MONTH_END: i64 = START + 30 * DAY + 12 * HOUR;

const PANELS: &[Panel] = &[
    panel(Shape::Day, DAY_END, 30 * MINUTE, 30 * SECOND, "2m"),
    panel(Shape::Day, DAY_END, 6 * HOUR, 30 * SECOND, "2m"),
    panel(Shape::Day, DAY_END, 24 * HOUR, MINUTE, "2m"),
    panel(Shape::Month, MONTH_END, 7 * DAY, 10 * MINUTE, "11m"),
    panel(Shape::Month, MONTH_END, 30 * DAY, 30 * MINUTE, "31m"),
];

/// `$w` is the window of the panel.
const TEXTS: &[&str] = &[
    r#"memory_bytes{job="job-3"}"#,
    r#"rate(requests_total{job="job-3"}[$w])"#,
    "sum by (job) (rate(requests_total[$w]))",
    "histogram_quantile(0.99, sum by (le, job) (rate(latency_seconds_bucket[$w])))",
    "memory_bytes / on (job, pod) group_left () memory_limit_bytes",
    "max_over_time(sum by (job) (rate(requests_total[$w]))[1h:5m])",
    r#"sum by (app) (label_replace(rate(requests_total[$w]), "app", "$1", "pod", "(app-[0-9]+)-.*"))"#,
    "topk(5, sum by (pod) (rate(requests_total[$w])))",
    "predict_linear(memory_bytes[1h], 14400)",
    "stddev by (job) (memory_bytes)",
    "quantile_over_time(0.95, memory_bytes[1h])",
];

/// Of the short table: the third and the fourth text, at 6 h and at 30 days.
fn is_quick(panel: &Panel, nth: usize) -> bool {
    let length = panel.range.1 - panel.range.0;
    (length == 6 * HOUR || length == 30 * DAY) && (2..=3).contains(&nth)
}

pub(super) fn queries() -> Vec<BenchQuery> {
    let of_panel = |panel: &'static Panel| {
        TEXTS.iter().enumerate().map(move |(nth, text)| {
            let text = text.replace("$w", panel.window);
            BenchQuery::range(panel.data, text, panel.range, panel.step)
                .quick_if(is_quick(panel, nth))
        })
    };
    PANELS.iter().flat_map(of_panel).collect()
}
