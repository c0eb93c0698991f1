//! Fewer evaluation times.

use quarrel_engine::{QueryRange, QueryTimes, Timestamp};

/// The most steps of which single ones are left out.
const FEW_STEPS: u64 = 8;

const MINUTE: i64 = 60_000;

/// Simpler times, the simplest first. `differs_at` is a guess, in milliseconds.
pub(super) fn fewer(times: QueryTimes, differs_at: Option<i64>) -> Vec<QueryTimes> {
    match times {
        QueryTimes::Instant(at) => {
            let millis = at.as_millis();
            let rounded = [MINUTE, 1000].map(|unit| millis - millis.rem_euclid(unit));
            let rounder = rounded.into_iter().filter(|round| *round != millis);
            rounder.map(instant).collect()
        }
        QueryTimes::Range(range) => fewer_steps(range, differs_at),
    }
}

fn instant(millis: i64) -> QueryTimes {
    QueryTimes::Instant(Timestamp::from_millis(millis))
}

fn fewer_steps(range: QueryRange, differs_at: Option<i64>) -> Vec<QueryTimes> {
    let (start, step) = (range.start().as_millis(), range.step_millis());
    let last = range.steps() - 1;
    let time =
        |index: u64| start.saturating_add_unsigned(index.saturating_mul(step.unsigned_abs()));
    let part = |from: u64, to: u64| QueryRange::from_millis(time(from)..=time(to), step);
    let inside = |at: &i64| (start..=range.end().as_millis()).contains(at);
    let guess = differs_at.filter(inside);

    let mut singles: Vec<i64> = guess.into_iter().chain([time(last), start]).collect();
    singles.dedup();
    let mut out: Vec<QueryTimes> = singles.iter().map(|at| instant(*at)).collect();
    if last == 0 {
        return out;
    }
    let one_step = singles
        .iter()
        .map(|at| QueryRange::from_millis(*at..=*at, step));
    let half = last / 2;
    let mut ranges: Vec<_> = one_step
        .chain([part(0, half), part(half + 1, last)])
        .collect();
    if last <= FEW_STEPS {
        ranges.extend([part(1, last), part(0, last - 1)]);
    } else {
        ranges.push(part(last / 4, last / 4 * 3));
    }
    out.extend(ranges.into_iter().flatten().map(QueryTimes::Range));
    out
}
