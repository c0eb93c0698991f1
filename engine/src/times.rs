//! When a query is evaluated: at one time, or at evenly spaced times.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quarrel_functions::grid::Grid;

/// A point in time, in milliseconds since the Unix epoch.
///
/// # Examples
/// ```
/// use std::time::{Duration, SystemTime, UNIX_EPOCH};
/// use quarrel_engine::Timestamp;
///
/// let at = Timestamp::from_millis(1_500);
/// assert_eq!(at, (UNIX_EPOCH + Duration::from_millis(1_500)).into());
/// assert!(at < Timestamp::from_secs(2));
/// let now: Timestamp = SystemTime::now().into();
/// assert!(now > at);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    ms: i64,
}

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Timestamp { ms }
    }

    /// From whole seconds since the Unix epoch. The ends of the time line are
    /// those of milliseconds in 64 bits.
    pub const fn from_secs(seconds: i64) -> Self {
        Timestamp::from_millis(seconds.saturating_mul(1000))
    }

    /// The current time of the system's clock.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.ms
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.ms)
    }
}

/// The millisecond that a time lies in.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let ms = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => millis(since),
            Err(error) => {
                let before = error.duration();
                let begun = before.subsec_nanos() % 1_000_000 > 0;
                millis(before)
                    .saturating_add(i64::from(begun))
                    .saturating_neg()
            }
        };
        Timestamp { ms }
    }
}

/// Whole milliseconds of a duration, at most what 64 bits hold.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The times of a range query: from a start to an end, both included, a step
/// apart. The end is not before the start and the step is positive.
///
/// # Examples
/// ```
/// use std::time::{Duration, SystemTime};
/// use quarrel_engine::{QueryRange, Timestamp};
///
/// // Times of the system's clock, `Timestamp`s, or milliseconds.
/// let now = SystemTime::now();
/// let hour = QueryRange::new(now - Duration::from_secs(3600)..=now, Duration::from_secs(15))?;
/// assert_eq!(hour.steps(), 241);
/// let range = QueryRange::from_millis(0..=600_000, 15_000)?;
/// assert_eq!(range.end(), Timestamp::from_secs(600));
/// assert!(QueryRange::from_millis(600_000..=0, 15_000).is_err());
/// # Ok::<(), quarrel_engine::RangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueryRange {
    start: Timestamp,
    end: Timestamp,
    step_ms: i64,
}

/// Why times are no [`QueryRange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// The range ends before it starts.
    #[error("end timestamp must not be before start time")]
    EndBeforeStart {
        /// The first evaluation time.
        start: Timestamp,
        /// The last evaluation time.
        end: Timestamp,
    },
    /// The step is zero, negative, or shorter than a millisecond.
    #[error("the step of a range query must be at least a millisecond")]
    Step,
}

impl QueryRange {
    /// All times from the start to the end of `times` that are a multiple of
    /// `step` after the start. The step is in whole milliseconds; the rest is
    /// cut off, as Prometheus does.
    ///
    /// # Errors
    /// [`RangeError`] when the range ends before it starts, or the step is
    /// shorter than a millisecond.
    pub fn new<T: Into<Timestamp>>(
        times: RangeInclusive<T>,
        step: Duration,
    ) -> Result<Self, RangeError> {
        let (start, end) = times.into_inner();
        QueryRange::checked(start.into(), end.into(), millis(step))
    }

    /// As [`QueryRange::new`]: times in milliseconds since the Unix epoch, and
    /// the step in milliseconds.
    ///
    /// # Errors
    /// [`RangeError`] when the range ends before it starts, or the step is
    /// not positive.
    pub fn from_millis(times: RangeInclusive<i64>, step_ms: i64) -> Result<Self, RangeError> {
        let (start, end) = times.into_inner();
        let [start, end] = [start, end].map(Timestamp::from_millis);
        QueryRange::checked(start, end, step_ms)
    }

    fn checked(start: Timestamp, end: Timestamp, step_ms: i64) -> Result<Self, RangeError> {
        if end < start {
            return Err(RangeError::EndBeforeStart { start, end });
        }
        if step_ms <= 0 {
            return Err(RangeError::Step);
        }
        Ok(QueryRange {
            start,
            end,
            step_ms,
        })
    }

    /// The first evaluation time.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The time after which no evaluation time comes; itself one if it is a
    /// multiple of the step after the start.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// The distance of two evaluation times.
    pub fn step(&self) -> Duration {
        Duration::from_millis(self.step_ms.unsigned_abs())
    }

    /// The distance of two evaluation times in milliseconds.
    pub fn step_millis(&self) -> i64 {
        self.step_ms
    }

    /// How many evaluation times there are; at least one.
    pub fn steps(&self) -> u64 {
        self.end.ms.abs_diff(self.start.ms) / self.step_ms.unsigned_abs() + 1
    }
}

/// When a query is evaluated.
///
/// A [`Timestamp`] or a [`SystemTime`] is an instant query's, a [`QueryRange`]
/// a range query's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QueryTimes {
    /// At one time; the answer is a vector, a scalar, a string, or the samples
    /// of a range selector.
    Instant(Timestamp),
    /// At evenly spaced times; the answer is a matrix.
    Range(QueryRange),
}

impl QueryTimes {
    /// The evaluation times as a grid.
    pub(crate) fn grid(self) -> Grid {
        match self {
            QueryTimes::Instant(at) => Grid::instant(at.ms),
            QueryTimes::Range(range) => Grid::range(range.start.ms, range.end.ms, range.step_ms),
        }
    }
}

impl From<Timestamp> for QueryTimes {
    fn from(at: Timestamp) -> Self {
        QueryTimes::Instant(at)
    }
}

impl From<SystemTime> for QueryTimes {
    fn from(at: SystemTime) -> Self {
        QueryTimes::Instant(at.into())
    }
}

impl From<QueryRange> for QueryTimes {
    fn from(range: QueryRange) -> Self {
        QueryTimes::Range(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_the_epoch_are_rounded_down() {
        let before = |nanos| Timestamp::from(UNIX_EPOCH - Duration::from_nanos(nanos)).as_millis();
        assert_eq!(before(0), 0);
        assert_eq!(before(1), -1);
        assert_eq!(before(1_000_000), -1);
        assert_eq!(before(1_000_001), -2);
        let after = |nanos| Timestamp::from(UNIX_EPOCH + Duration::from_nanos(nanos)).as_millis();
        assert_eq!((after(999_999), after(1_000_000)), (0, 1));
    }

    #[test]
    fn a_range_is_checked() {
        let range = |times, step| QueryRange::from_millis(times, step);
        let (start, end) = (1, 0);
        let error = range(start..=end, 1).unwrap_err();
        let text = "end timestamp must not be before start time";
        assert_eq!(error.to_string(), text);
        for step in [0, -1, i64::MIN] {
            assert_eq!(range(0..=0, step), Err(RangeError::Step));
        }
        let short = Duration::from_micros(999);
        let times = Timestamp::from_secs(0)..=Timestamp::from_secs(1);
        assert_eq!(QueryRange::new(times, short), Err(RangeError::Step));
        assert_eq!(range(5..=5, 1).unwrap().steps(), 1);
        assert_eq!(range(0..=9, 5).unwrap().steps(), 2);
        assert_eq!(range(0..=10, 5).unwrap().steps(), 3);
        assert_eq!(range(i64::MIN..=i64::MAX, 2).unwrap().steps(), 1 << 63);
    }
}
