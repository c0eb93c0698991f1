//! Functions of windows, each at several lengths.

use super::{DAY, HOUR, MINUTE, START};
use crate::data::Shape;
use crate::query::BenchQuery;

/// The lengths of windows, from the shortest to the longest.
pub const WINDOWS: [&str; 4] = ["5m", "1h", "6h", "24h"];

/// Calls, with `$w` for the window's length.
const CALLS: &[&str] = &[
    "absent_over_time(memory_bytes[$w])",
    "avg_over_time(memory_bytes[$w])",
    "count_over_time(memory_bytes[$w])",
    "first_over_time(memory_bytes[$w])",
    "last_over_time(memory_bytes[$w])",
    "mad_over_time(memory_bytes[$w])",
    "max_over_time(memory_bytes[$w])",
    "min_over_time(memory_bytes[$w])",
    "present_over_time(memory_bytes[$w])",
    "quantile_over_time(0.9, memory_bytes[$w])",
    "stddev_over_time(memory_bytes[$w])",
    "stdvar_over_time(memory_bytes[$w])",
    "sum_over_time(memory_bytes[$w])",
    "ts_of_first_over_time(memory_bytes[$w])",
    "ts_of_last_over_time(memory_bytes[$w])",
    "ts_of_max_over_time(memory_bytes[$w])",
    "ts_of_min_over_time(memory_bytes[$w])",
    "changes(memory_bytes[$w])",
    "resets(memory_bytes[$w])",
    "delta(memory_bytes[$w])",
    "deriv(memory_bytes[$w])",
    "predict_linear(memory_bytes[$w], 14400)",
    "double_exponential_smoothing(memory_bytes[$w], 0.5, 0.1)",
    "increase(requests_total[$w])",
    "rate(requests_total[$w])",
];

/// Two hours that have days before them.
const RANGE: (i64, i64) = (START + 20 * DAY, START + 20 * DAY + 2 * HOUR);

/// A call at all lengths of [`WINDOWS`].
#[derive(Clone, Copy, Debug)]
pub struct Windowed {
    /// The call, with `$w` for the length.
    pub call: &'static str,
}

impl Windowed {
    /// Its text at one length.
    pub fn text(self, window: &str) -> String {
        self.call.replace("$w", window)
    }

    /// What it costs to read and decode the same samples: the cheapest function
    /// there is over the same selector and window.
    pub fn baseline(self, window: &str) -> String {
        let metric = if self.call.contains("requests_total") {
            "requests_total"
        } else {
            "memory_bytes"
        };
        format!("count_over_time({metric}[{window}])")
    }
}

/// All calls.
pub fn windowed() -> impl Iterator<Item = Windowed> {
    CALLS.iter().map(|&call| Windowed { call })
}

pub(super) fn queries() -> Vec<BenchQuery> {
    let quick = |call: &str| {
        let name = call.split('(').next().unwrap_or_default();
        ["count_over_time", "max_over_time", "quantile_over_time"].contains(&name)
    };
    let range = |text, quick| BenchQuery::range(Shape::Month, text, RANGE, MINUTE).quick_if(quick);
    let calls = windowed().flat_map(|windowed| {
        WINDOWS.map(|window| {
            let ends = window == WINDOWS[0] || window == WINDOWS[WINDOWS.len() - 1];
            range(windowed.text(window), ends && quick(windowed.call))
        })
    });
    // The baseline of counters.
    let counts =
        WINDOWS.map(|window| range(format!("count_over_time(requests_total[{window}])"), false));
    calls.chain(counts).collect()
}
