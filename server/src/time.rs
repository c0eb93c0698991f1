//! Parses and formats times.
//!
//! Prometheus's API takes a time as seconds since the epoch or in RFC 3339, and
//! computes with Go's `time.Time`, whose range is far wider than that of
//! milliseconds in 64 bits. [`Moment`] has the same range, so that times beyond
//! 64 bits of milliseconds give the same answers.

use std::cmp::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use quarrel_engine::Timestamp;
use quarrel_functions::fmt::parse_float;

use crate::duration::parse_model_duration;

/// A moment, as Go's `time.Time` holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since the epoch.
    pub seconds: i64,
    /// Nanoseconds within the second, below 1,000,000,000.
    pub nanos: u32,
}

/// The earliest time of optional ranges in Prometheus's API.
pub const MIN_TIME: Moment = Moment {
    seconds: i64::MIN / 1000 + 62_135_596_801,
    nanos: 0,
};
/// The latest one.
pub const MAX_TIME: Moment = Moment {
    seconds: i64::MAX / 1000 - 62_135_596_801,
    nanos: 999_999_999,
};

/// The texts of these two times. Their years have more than four digits, so RFC
/// 3339 parsers refuse them.
const MIN_TIME_TEXT: &str = "-292273086-05-16T16:47:06Z";
const MAX_TIME_TEXT: &str = "292277025-08-18T07:12:54.999999999Z";

const NANOS: i64 = 1_000_000_000;

impl Moment {
    /// Go's `time.Unix(seconds, nanos)`, for any nanoseconds; wraps around.
    pub fn new(seconds: i64, nanos: i64) -> Self {
        Moment {
            seconds: seconds.wrapping_add(nanos.div_euclid(NANOS)),
            nanos: nanos.rem_euclid(NANOS) as u32,
        }
    }

    /// From milliseconds since the epoch.
    pub fn from_ms(ms: i64) -> Self {
        Moment {
            seconds: ms.div_euclid(1000),
            nanos: ms.rem_euclid(1000) as u32 * 1_000_000,
        }
    }

    /// The current time.
    pub fn now() -> Self {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Moment {
                seconds: since.as_secs() as i64,
                nanos: since.subsec_nanos(),
            },
            Err(before) => {
                let before = before.duration();
                Moment::new(
                    -(before.as_secs() as i64),
                    -i64::from(before.subsec_nanos()),
                )
            }
        }
    }

    /// The evaluation time of an instant query: [`Moment::query_ms`].
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millis(self.query_ms())
    }

    /// Milliseconds as Prometheus's engine computes them: by way of
    /// nanoseconds in 64 bits, which overflow beyond the years 1678 to 2262.
    pub fn query_ms(self) -> i64 {
        self.seconds
            .wrapping_mul(NANOS)
            .wrapping_add(i64::from(self.nanos))
            / 1_000_000
    }

    /// Milliseconds as Prometheus's storage computes them.
    pub fn storage_ms(self) -> i64 {
        self.seconds
            .wrapping_mul(1000)
            .wrapping_add(i64::from(self.nanos) / 1_000_000)
    }

    /// Seconds since the year 1, by which Go compares times. At the ends of their
    /// range they wrap where those since the epoch do not, and the other way round.
    fn since_year_one(self) -> i64 {
        self.seconds.wrapping_add(62_135_596_800)
    }

    /// Nanoseconds from `earlier` to this moment, saturated to 64 bits.
    pub fn nanos_since(self, earlier: Moment) -> i64 {
        let (own, other) = (self.since_year_one(), earlier.since_year_one());
        let seconds = i128::from(own) - i128::from(other);
        let nanos =
            seconds * i128::from(NANOS) + i128::from(self.nanos) - i128::from(earlier.nanos);
        nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |moment: &Moment| (moment.since_year_one(), moment.nanos);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Parses a time as Prometheus's API does; `None` where that gives an error.
pub fn parse(text: &str) -> Option<Moment> {
    if let Some(number) = parse_float(text) {
        return Some(from_seconds(number));
    }
    match text {
        MIN_TIME_TEXT => Some(MIN_TIME),
        MAX_TIME_TEXT => Some(MAX_TIME),
        _ => parse_rfc3339(text),
    }
}

/// Seconds, to the millisecond.
fn from_seconds(number: f64) -> Moment {
    let (whole, fraction) = if number.is_infinite() {
        (number, f64::NAN)
    } else {
        (number.trunc(), number - number.trunc())
    };
    let fraction = (fraction * 1000.0).round() / 1000.0;
    Moment::new(truncate(whole), truncate(fraction * NANOS as f64))
}

/// Go's conversion to `int64` on amd64, which gives the smallest number for
/// values out of range.
fn truncate(value: f64) -> i64 {
    if value >= -(2f64.powi(63)) && value < 2f64.powi(63) {
        value as i64
    } else {
        i64::MIN
    }
}

/// RFC 3339 as Go's `time.Parse` with `time.RFC3339Nano` accepts it: also one
/// digit for the hour, a comma for the point, offsets of 24 hours.
fn parse_rfc3339(text: &str) -> Option<Moment> {
    let mut rest = Scanner {
        bytes: text.as_bytes(),
    };
    let year = rest.digits(4)?;
    rest.literal(b'-')?;
    let month = rest.digits(2).filter(|month| (1..=12).contains(month))?;
    rest.literal(b'-')?;
    let day = rest.digits(2)?;
    rest.literal(b'T')?;
    let hour = rest
        .digits(2)
        .or_else(|| rest.digits(1))
        .filter(|&hour| hour < 24)?;
    rest.literal(b':')?;
    let minute = rest.digits(2).filter(|&minute| minute < 60)?;
    rest.literal(b':')?;
    let second = rest.digits(2).filter(|&second| second < 60)?;
    let nanos = rest.fraction();
    let offset = rest.zone()?;
    if !rest.bytes.is_empty() || day < 1 || day > days_in(month, year) {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Moment {
        seconds: seconds - offset,
        nanos,
    })
}

struct Scanner<'a> {
    bytes: &'a [u8],
}

impl Scanner<'_> {
    fn literal(&mut self, byte: u8) -> Option<()> {
        self.bytes = self.bytes.strip_prefix(&[byte])?;
        Some(())
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.bytes.split_at_checked(count)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.bytes = rest;
        Some(
            digits
                .iter()
                .fold(0, |n, digit| n * 10 + i64::from(digit - b'0')),
        )
    }

    /// Nanoseconds; digits after the ninth are ignored.
    fn fraction(&mut self) -> u32 {
        let [b'.' | b',', digits @ ..] = self.bytes else {
            return 0;
        };
        let count = digits
            .iter()
            .take_while(|digit| digit.is_ascii_digit())
            .count();
        if count == 0 {
            return 0;
        }
        let nine = digits[..count]
            .iter()
            .chain(std::iter::repeat(&b'0'))
            .take(9);
        let nanos = nine.fold(0, |n, digit| n * 10 + u32::from(digit - b'0'));
        self.bytes = &digits[count..];
        nanos
    }

    /// Seconds east of Greenwich.
    fn zone(&mut self) -> Option<i64> {
        if self.literal(b'Z').is_some() {
            return Some(0);
        }
        let sign = match self.bytes.first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.bytes = &self.bytes[1..];
        let hours = self.digits(2).filter(|&hours| hours <= 24)?;
        self.literal(b':')?;
        let minutes = self.digits(2).filter(|&minutes| minutes <= 60)?;
        Some(sign * (hours * 60 + minutes) * 60)
    }
}

fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since the epoch, by the algorithm that H. Hinnant describes in
/// "chrono-Compatible Low-Level Date Algorithms".
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A time on the command line: as the API reads it, or a duration before
/// `now` such as `-1h` or `-1h30m`; `now` itself is `now`.
pub fn parse_relative(text: &str, now: Moment) -> Option<Moment> {
    if text == "now" {
        return Some(now);
    }
    if let Some(moment) = parse(text) {
        return Some(moment);
    }
    let (sign, duration) = match text.strip_prefix('+') {
        Some(duration) => (1, duration),
        None => (-1, text.strip_prefix('-')?),
    };
    let nanos = parse_model_duration(duration)?;
    Some(Moment::new(
        now.seconds,
        i64::from(now.nanos).checked_add(sign * nanos)?,
    ))
}

/// A time of milliseconds as `2006-01-02T15:04:05Z`, with milliseconds if
/// there are any.
pub fn format_ms(ms: i64) -> String {
    let seconds = quarrel_functions::fmt::rfc3339_seconds(ms.div_euclid(1000));
    match ms.rem_euclid(1000) {
        0 => seconds,
        fraction => format!("{}.{fraction:03}Z", seconds.trim_end_matches('Z')),
    }
}

/// A moment as Go writes it in JSON: RFC 3339 with the significant digits of
/// the second.
pub fn format_nanos(moment: Moment) -> String {
    let seconds = quarrel_functions::fmt::rfc3339_seconds(moment.seconds);
    match moment.nanos {
        0 => seconds,
        nanos => {
            let digits = format!("{nanos:09}");
            format!(
                "{}.{}Z",
                seconds.trim_end_matches('Z'),
                digits.trim_end_matches('0')
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, nanos: u32) -> Option<Moment> {
        Some(Moment { seconds, nanos })
    }

    #[test]
    fn numbers_are_seconds_to_the_millisecond() {
        assert_eq!(parse("1700011200"), at(1_700_011_200, 0));
        assert_eq!(parse("1.7000112e9"), at(1_700_011_200, 0));
        assert_eq!(parse("1700011200.123456"), at(1_700_011_200, 123_000_000));
        assert_eq!(parse("-0.25"), at(-1, 750_000_000));
        assert_eq!(parse("0x10p0"), at(16, 0));
        assert_eq!(parse("1e20").map(Moment::query_ms), Some(0));
        assert_eq!(parse("NaN").map(Moment::query_ms), Some(-9_223_372_036_854));
        assert_eq!(parse("Inf").map(Moment::query_ms), Some(-9_223_372_036_854));
        assert_eq!(
            parse(MIN_TIME_TEXT).map(Moment::query_ms),
            Some(6_795_364_580_679)
        );
        assert_eq!(
            parse("NaN").map(|m| m.seconds),
            parse("Inf").map(|m| m.seconds)
        );
        for bad in ["", "now", "x", "1e400", " 1", "1 ", "0x", "1__0"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn rfc_3339_is_taken_as_go_takes_it() {
        for (text, seconds, nanos) in [
            ("2023-11-15T01:20:00Z", 1_700_011_200, 0),
            ("2023-11-15T1:20:00Z", 1_700_011_200, 0),
            ("2023-11-15T02:20:00+01:00", 1_700_011_200, 0),
            ("2023-11-14T01:20:00-24:00", 1_700_011_200, 0),
            ("2023-11-15T01:20:00.5Z", 1_700_011_200, 500_000_000),
            ("2023-11-15T01:20:00,5Z", 1_700_011_200, 500_000_000),
            (
                "2023-11-15T01:20:00.1234567891Z",
                1_700_011_200,
                123_456_789,
            ),
            ("2024-02-29T00:00:00Z", 1_709_164_800, 0),
            ("1970-01-01T00:00:00Z", 0, 0),
            ("0000-03-01T00:00:00Z", -62_162_035_200, 0),
            ("9999-12-31T23:59:59Z", 253_402_300_799, 0),
        ] {
            assert_eq!(parse(text), at(seconds, nanos), "{text}");
        }
        assert_eq!(parse(MIN_TIME_TEXT), Some(MIN_TIME));
        assert_eq!(parse(MAX_TIME_TEXT), Some(MAX_TIME));
        for bad in [
            "2023-11-15",
            "2023-11-15 01:20:00",
            "2023-11-15T01:20:00",
            "2023-02-29T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-00-01T00:00:00Z",
            "2023-01-00T00:00:00Z",
            "2023-01-01T24:00:00Z",
            "2023-01-01T00:60:00Z",
            "2023-01-01T00:00:60Z",
            "2023-01-01T00:00:00z",
            "2023-01-01t00:00:00Z",
            "2023-01-01T00:00:00.Z",
            "2023-01-01T00:00:00+25:00",
            "2023-01-01T00:00:00+0100",
            "2023-01-01T00:00:00Zx",
            "2023-1-01T00:00:00Z",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn relative_times_count_from_now() {
        let now = Moment {
            seconds: 10_000,
            nanos: 0,
        };
        assert_eq!(parse_relative("-1h", now), at(6400, 0));
        assert_eq!(parse_relative("-1h30m", now), at(4600, 0));
        assert_eq!(parse_relative("-500ms", now), at(9999, 500_000_000));
        assert_eq!(parse_relative("+1m", now), at(10_060, 0));
        assert_eq!(parse_relative("now", now), Some(now));
        assert_eq!(
            parse_relative("-60", now),
            at(-60, 0),
            "a number is a time of its own"
        );
        for bad in ["1h", "-", "+", "-1", "yesterday", "-1x"] {
            assert!(
                parse_relative(bad, now).is_none_or(|_| bad == "-1"),
                "{bad}"
            );
        }
    }

    #[test]
    fn times_are_printed() {
        assert_eq!(format_ms(1_700_011_200_000), "2023-11-15T01:20:00Z");
        assert_eq!(format_ms(1_700_011_200_050), "2023-11-15T01:20:00.050Z");
        assert_eq!(format_ms(-1), "1969-12-31T23:59:59.999Z");
        let moment = Moment {
            seconds: 0,
            nanos: 10_200_000,
        };
        assert_eq!(format_nanos(moment), "1970-01-01T00:00:00.0102Z");
        assert_eq!(format_nanos(Moment::from_ms(1000)), "1970-01-01T00:00:01Z");
    }

    #[test]
    fn printed_times_are_read_back() {
        for step in 0..4000i64 {
            let ms = step * 86_399_999 * 31 - 62_000_000_000_000;
            assert_eq!(parse(&format_ms(ms)).map(Moment::storage_ms), Some(ms));
        }
    }
}
