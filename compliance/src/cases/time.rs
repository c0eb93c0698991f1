//! Times and durations as texts.

use quarrel_functions::fmt::parse_float;

const DAY_SECONDS: i64 = 86_400;

/// A time in milliseconds: Unix seconds or RFC 3339.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    match parse_float(text) {
        Some(seconds) => seconds_to_ms(seconds),
        None => rfc3339(text),
    }
}

/// Seconds in milliseconds, if 64 bits hold them.
pub(super) fn seconds_to_ms(seconds: f64) -> Option<i64> {
    let ms = (seconds * 1000.0).round();
    (ms.abs() < 2f64.powi(63)).then_some(ms as i64)
}

/// `2026-11-30T12:00:00.5Z`, `2026-11-30T12:00:00+01:00`.
fn rfc3339(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let field = |at: usize, length: usize| number(bytes.get(at..at + length)?);
    let is = |at: usize, expected: &[u8]| bytes.get(at).is_some_and(|b| expected.contains(b));
    let separators = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
    if !separators {
        return None;
    }
    let (year, month, day) = (field(0, 4)?, field(5, 2)?, field(8, 2)?);
    let (hour, minute, second) = (field(11, 2)?, field(14, 2)?, field(17, 2)?);
    let in_range = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !in_range {
        return None;
    }
    let (ms, zone) = fraction(bytes.get(19..)?)?;
    let seconds =
        days_since_epoch(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second
            - offset(zone)?;
    Some(seconds * 1000 + ms)
}

/// The milliseconds of a fraction such as `.25`, and what follows.
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let Some(rest) = bytes.strip_prefix(b".") else {
        return Some((0, bytes));
    };
    let length = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at(length);
    if digits.is_empty() {
        return None;
    }
    let mut ms = 0;
    for place in 0..3 {
        ms = ms * 10 + digits.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    }
    Some((ms, rest))
}

/// The seconds of a zone such as `Z` or `-07:30`.
fn offset(zone: &[u8]) -> Option<i64> {
    match zone {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            let seconds = hours * 3600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        Some(number * 10 + digit)
    })
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leaps = before / 4 - before / 100 + before / 400;
    let months: i64 = (1..month).map(|month| days_in_month(year, month)).sum();
    // 719,162 days from the first of January of the year 1 to the epoch.
    before * 365 + leaps - 719_162 + months + day - 1
}

/// A duration such as `1h30m` or `500ms` in milliseconds; more than nothing.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    let ms = quarrel_planner::literal::parse_duration(text.trim()).ok()?;
    (ms > 0).then_some(ms)
}

/// The shortest text of a duration in one unit, such as `90s`; as PromQL takes it.
pub(super) fn format_duration(ms: i64) -> String {
    for (unit, size) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
    ] {
        if ms != 0 && ms % size == 0 {
            return format!("{}{unit}", ms / size);
        }
    }
    format!("{ms}ms")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quarrel_functions::fmt::rfc3339_seconds;

    #[test]
    fn times_are_read() {
        for (text, ms) in [
            ("1.5", Some(1500)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-30T12:00:00.25+01:00", Some(1_796_036_400_250)),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000)),
            ("2001-02-29T00:00:00Z", None),
            ("2001-02-28T24:00:00Z", None),
            ("2001-02-28T00:00:00", None),
            ("2001-02-28T00:00:00.Z", None),
            ("NaN", None),
            ("now", None),
        ] {
            assert_eq!(parse_time(text), ms, "{text}");
        }
    }

    #[test]
    fn durations_are_read_and_printed() {
        for (text, ms) in [("1h30m", 5_400_000), ("500ms", 500), ("1d", 86_400_000)] {
            assert_eq!(parse_duration(text), Some(ms));
        }
        for text in ["", "0s", "5", "m", "1x", "99999999999999999999s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        assert_eq!(format_duration(5_400_000), "90m");
        assert_eq!(format_duration(1500), "1500ms");
    }

    proptest! {
        #[test]
        fn a_printed_time_is_read(seconds in 0i64..253_402_300_800) {
            prop_assert_eq!(parse_time(&rfc3339_seconds(seconds)), Some(seconds * 1000));
        }

        #[test]
        fn a_printed_duration_is_read(ms in 1i64..1_000_000_000_000) {
            prop_assert_eq!(parse_duration(&format_duration(ms)), Some(ms));
        }

        #[test]
        fn any_text_is_taken(text in ".{0,40}") {
            parse_time(&text);
            parse_duration(&text);
        }
    }
}
