//! Numbers and times as Go writes them.

use quarrel_proto::time::Timestamp;
use serde::{Serialize, Serializer};

use crate::time::{Moment, format_nanos};

/// 1 January of the year 1, seconds: Go's zero time, which is what a missing one is.
const YEAR_ONE: i64 = -62_135_596_800;
/// The end of the year 9999, seconds: later ones have no text.
const YEAR_10000: i64 = 253_402_300_799;
/// Floats up to here are whole numbers in JSON as they are in `i64`.
const WHOLE: f64 = 1e15;

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(i64, i64);

impl Time {
    pub(super) fn read(time: Option<Timestamp>) -> Self {
        let time = time.map_or((YEAR_ONE, 0), |time| (time.seconds, time.nanos));
        let nanos = i64::from(time.1.clamp(0, 999_999_999));
        Time(time.0.clamp(YEAR_ONE, YEAR_10000), nanos)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_nanos(Moment::new(self.0, self.1)))
    }
}

/// Whole numbers have no fraction; what is no number is `null`.
pub(super) fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.fract() == 0.0 && value.abs() < WHOLE {
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_as_go_writes_them() {
        #[derive(Serialize)]
        struct One(#[serde(serialize_with = "number")] f64);
        for (value, want) in [
            (0.0, "0"),
            (60.0, "60"),
            (-1.0, "-1"),
            (0.25, "0.25"),
            (f64::NAN, "null"),
        ] {
            assert_eq!(serde_json::to_string(&One(value)).unwrap(), want);
        }
        let at = |seconds, nanos| Some(Timestamp { seconds, nanos });
        for (time, want) in [
            (None, "0001-01-01T00:00:00Z"),
            (at(0, 1_500_000), "1970-01-01T00:00:00.0015Z"),
            (at(i64::MIN, i32::MIN), "0001-01-01T00:00:00Z"),
            (at(i64::MAX, i32::MAX), "9999-12-31T23:59:59.999999999Z"),
        ] {
            let text = serde_json::to_string(&Time::read(time)).unwrap();
            assert_eq!(text, format!("{want:?}"));
        }
    }
}
