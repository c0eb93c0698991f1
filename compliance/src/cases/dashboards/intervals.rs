//! Steps and what follows from them, as Grafana's documentation has it.

use quarrel_engine::{QueryRange, QueryTimes};

use super::super::time::{format_duration, parse_duration};
use super::interpolate::{Scope, interpolate};
use super::model::Query;
use super::options::{Options, Reason};
use super::values::Bound;

/// Prometheus answers with no more points of a series.
const MOST_POINTS: i64 = 11_000;

/// Durations to which intervals are rounded down, in milliseconds.
const ROUND: &[i64] = &[
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1000,
    2000,
    5000,
    10_000,
    15_000,
    20_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_200_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    604_800_000,
    2_592_000_000,
    31_536_000_000,
];

/// The intervals of one query, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Intervals {
    pub step: i64,
    pub rate: i64,
}

impl Intervals {
    /// `$__interval` is the range over the points, at least the shortest
    /// interval that is set; `$__rate_interval` is the larger of itself plus the
    /// scrape interval, and four of those.
    pub fn of(query: &Query, options: &Options, scope: &Scope) -> Result<Self, Reason> {
        let scrape = i64::try_from(options.scrape_interval.as_millis()).unwrap_or(i64::MAX);
        let min_step = duration(&query.min_step, scope)?;
        let min_interval = duration(&query.min_interval, scope)?;
        let points = query.max_data_points.unwrap_or(options.max_data_points);
        let shortest = min_step.or(min_interval).unwrap_or(scrape);
        let interval = round_down(options.range_ms() / i64::from(points.max(1)));
        let factor = query.interval_factor.clamp(1.0, 100.0);
        let step = (interval.max(shortest) as f64 * factor) as i64;
        let step = step.max(1).max(least_step(options.range_ms()));
        let scrape = min_step.unwrap_or(scrape);
        let rate = step.saturating_add(scrape).max(scrape.saturating_mul(4));
        Ok(Intervals { step, rate })
    }

    /// The variables that depend on them.
    pub fn bind(&self, scope: &mut Scope) {
        let texts = [
            ("__interval", format_duration(self.step)),
            ("__interval_ms", self.step.to_string()),
            ("__rate_interval", format_duration(self.rate)),
            ("__rate_interval_ms", self.rate.to_string()),
        ];
        for (name, text) in texts {
            scope.insert(name.into(), Ok(Bound::literal(text)));
        }
    }

    /// The evaluation times: multiples of the step.
    pub fn times(&self, options: &Options) -> Option<QueryTimes> {
        let aligned = |ms: i64| ms - ms.rem_euclid(self.step);
        let (start, end) = (options.start.as_millis(), options.end.as_millis());
        let range = QueryRange::from_millis(aligned(start)..=aligned(end), self.step);
        range.ok().map(Into::into)
    }
}

/// The variables of the time range.
pub(super) fn bind_range(options: &Options, scope: &mut Scope) {
    let range = options.range_ms();
    let texts = [
        ("__range", format!("{}s", range / 1000)),
        ("__range_s", (range / 1000).to_string()),
        ("__range_ms", range.to_string()),
        ("__from", options.start.as_millis().to_string()),
        ("__to", options.end.as_millis().to_string()),
    ];
    for (name, text) in texts {
        scope.insert(name.into(), Ok(Bound::literal(text)));
    }
}

/// The automatic choice of an interval variable.
pub(super) fn auto(count: u32, shortest: &str, options: &Options) -> String {
    let interval = round_down(options.range_ms() / i64::from(count.max(1)));
    let shortest = parse_duration(shortest.trim_start_matches('>')).unwrap_or(1);
    format_duration(interval.max(shortest))
}

/// A duration that is set, maybe by a variable; `>` in front of it is an old
/// form. One that is none counts as not set.
fn duration(text: &str, scope: &Scope) -> Result<Option<i64>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    let text = interpolate(text, scope)?;
    Ok(parse_duration(text.trim().trim_start_matches('>')))
}

fn round_down(ms: i64) -> i64 {
    let round = ROUND.iter().rev().find(|round| **round <= ms);
    round.copied().unwrap_or(1)
}

/// The step below which Prometheus refuses the query, in whole seconds.
fn least_step(range: i64) -> i64 {
    if range / MOST_POINTS == 0 {
        return 1;
    }
    let ms = range / MOST_POINTS + 1;
    if ms < 1000 {
        ms
    } else {
        (ms / 1000 + 1) * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarrel_engine::Timestamp;

    fn intervals(hours: i64, query: &Query) -> Intervals {
        let end = Timestamp::from_secs(1_000_000_007);
        let start = Timestamp::from_secs(1_000_000_007 - hours * 3600);
        let options = Options::new(start, end);
        let intervals = Intervals::of(query, &options, &Scope::new()).unwrap();
        let QueryTimes::Range(range) = intervals.times(&options).unwrap() else {
            panic!("no range");
        };
        assert_eq!(range.start().as_millis() % intervals.step, 0);
        assert!(range.steps() <= MOST_POINTS as u64);
        intervals
    }

    #[test]
    fn intervals_follow_from_the_range() {
        let query = Query::default();
        let short = intervals(1, &query);
        assert_eq!((short.step, short.rate), (15_000, 60_000));
        let day = intervals(24, &query);
        assert_eq!((day.step, day.rate), (60_000, 75_000));
    }

    #[test]
    fn a_query_may_set_the_shortest_step() {
        let query = Query {
            min_step: "30s".into(),
            min_interval: "5m".into(),
            ..Query::default()
        };
        let own = intervals(1, &query);
        assert_eq!((own.step, own.rate), (30_000, 120_000));
        let panel = Query {
            min_step: String::new(),
            interval_factor: 2.0,
            ..query
        };
        // What the panel sets is no scrape interval.
        let panel = intervals(1, &panel);
        assert_eq!((panel.step, panel.rate), (600_000, 615_000));
        let tiny = Query {
            min_step: "1s".into(),
            max_data_points: Some(1_000_000),
            ..Query::default()
        };
        assert_eq!(intervals(6, &tiny).step, 2000);
    }
}
