//! When queries are asked that bring no times of their own.

use quarrel_engine::{QueryRange, QueryTimes, RangeError, Timestamp};

use crate::cases::Case;

/// The steps of a range that is chosen.
const STEPS: i64 = 60;

/// The times at which each query is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// One after the other.
    pub times: Vec<QueryTimes>,
}

impl Schedule {
    /// Times inside of data: the last `range_ms` of them, in 60 steps of whole
    /// seconds, one instant in the middle of these and one where they end. Where
    /// the data are shorter, all of them.
    ///
    /// # Errors
    /// [`RangeError`] if the data end before they begin.
    pub fn within(first: Timestamp, last: Timestamp, range_ms: i64) -> Result<Self, RangeError> {
        let (first, last) = (first.as_millis(), last.as_millis());
        QueryRange::from_millis(first..=last, 1)?;
        // Whole seconds, which every server takes.
        let end = last.div_euclid(1000) * 1000;
        let begin = first.max(end.saturating_sub(range_ms.max(1000)));
        let step = ((end - begin) / STEPS + 999).div_euclid(1000).max(1) * 1000;
        let start = end - (end - begin).max(0) / step * step;
        let middle = start + (end - start) / 2 / 1000 * 1000;
        let range = QueryRange::from_millis(start..=end, step)?;
        let at = |ms| QueryTimes::Instant(Timestamp::from_millis(ms));
        Ok(Schedule {
            times: vec![at(middle), at(end), QueryTimes::Range(range)],
        })
    }

    /// A query with each of its times: its own, or those of the schedule.
    pub fn of<'a>(&'a self, case: &'a Case) -> impl Iterator<Item = (Case, QueryTimes)> + 'a {
        let scheduled = match case.times {
            Some(_) => &[][..],
            None => &self.times,
        };
        let all = case.times.iter().chain(scheduled);
        all.map(|times| (case.clone(), *times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::Origin;

    fn schedule(first: i64, last: i64) -> Schedule {
        let (first, last) = (Timestamp::from_millis(first), Timestamp::from_millis(last));
        Schedule::within(first, last, 3_600_000).unwrap()
    }

    #[test]
    fn times_lie_inside_of_the_data() {
        let found = schedule(0, 7_200_500).times;
        let QueryTimes::Range(range) = found[2] else {
            panic!()
        };
        assert_eq!(
            (range.start().as_millis(), range.end().as_millis()),
            (3_600_000, 7_200_000)
        );
        assert_eq!((range.step_millis(), range.steps()), (60_000, 61));
        assert_eq!(
            found[0],
            QueryTimes::Instant(Timestamp::from_millis(5_400_000))
        );
        let QueryTimes::Range(short) = schedule(7_200_000, 7_203_999).times[2] else {
            panic!()
        };
        assert_eq!((short.step_millis(), short.steps()), (1000, 4));
    }

    #[test]
    fn a_query_keeps_its_own_times() {
        let schedule = schedule(0, 7_200_000);
        let mut case = Case::new("up", Origin::default());
        assert_eq!(schedule.of(&case).count(), 3);
        case.times = Some(QueryTimes::Instant(Timestamp::from_millis(5)));
        let own: Vec<_> = schedule.of(&case).map(|(_, times)| Some(times)).collect();
        assert_eq!(own, [case.times]);
    }
}
