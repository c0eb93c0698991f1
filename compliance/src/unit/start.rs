//! The time at which a test begins.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use quarrel_functions::fmt::{parse_float, quote};

/// A time: seconds since the epoch, or `2006-01-02T15:04:05Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Start(Option<i64>);

impl Start {
    /// The time in ms, if one was written.
    pub(super) fn ms(self) -> Option<i64> {
        self.0
    }
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let ms = parse(&text);
        let ms = ms.ok_or_else(|| {
            let text = quote(&text);
            D::Error::custom(format!("cannot parse {text} to a valid timestamp"))
        })?;
        Ok(Start(Some(ms)))
    }
}

fn parse(text: &str) -> Option<i64> {
    if let Some(seconds) = parse_float(text) {
        let ms = (seconds * 1000.0).floor();
        // Beyond, ns do not fit into 64 bits.
        return (ms.abs() < 9.2e15).then_some(ms as i64);
    }
    rfc3339(text)
}

/// Two or more digits as a number.
fn digits(text: &str, range: std::ops::Range<usize>) -> Option<i64> {
    let part = text.get(range)?;
    part.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| part.parse().ok())?
}

/// `2006-01-02T15:04:05.999Z` or with an offset such as `+02:00`.
fn rfc3339(text: &str) -> Option<i64> {
    let separators = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
    let fits = |(at, sign): &(usize, &str)| text.get(*at..at + 1) == Some(sign);
    if !separators.iter().all(fits) {
        return None;
    }
    let (year, month, day) = (
        digits(text, 0..4)?,
        digits(text, 5..7)?,
        digits(text, 8..10)?,
    );
    let (hour, minute, second) = (
        digits(text, 11..13)?,
        digits(text, 14..16)?,
        digits(text, 17..19)?,
    );
    let valid = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let mut rest = text.get(19..).filter(|_| valid)?;
    let mut ms = 0;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let length = fraction
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(fraction.len());
        let padded = format!("{:0<3}", &fraction[..length]);
        ms = digits(&padded, 0..3).filter(|_| length > 0)?;
        rest = &fraction[length..];
    }
    let offset = match rest {
        "Z" => 0,
        offset if offset.len() == 6 && offset.get(3..4) == Some(":") => {
            let (hours, minutes) = (digits(offset, 1..3)?, digits(offset, 4..6)?);
            let seconds = hours * 3600 + minutes * 60;
            match offset.get(..1) {
                _ if hours > 24 || minutes > 60 => return None,
                Some("+") => seconds,
                Some("-") => -seconds,
                _ => return None,
            }
        }
        _ => return None,
    };
    let seconds = days_before(year, month) + day - 1;
    let seconds = seconds * 86_400 + hour * 3600 + minute * 60 + second - offset;
    Some(seconds * 1000 + ms)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && year % 100 != 0 || year % 400 == 0
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from the epoch to the first of a month.
fn days_before(year: i64, month: i64) -> i64 {
    let leaps = |year: i64| year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let years = (year - 1970) * 365 + leaps(year - 1) - leaps(1969);
    years + (1..month).map(|month| days_of(year, month)).sum::<i64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, ms) in [
            ("0", 0),
            ("1.5", 1500),
            ("1e3", 1_000_000),
            ("1970-01-01T00:00:00Z", 0),
            ("2009-11-10T23:00:00.12Z", 1_257_894_000_120),
            ("2024-02-29T12:00:00+02:00", 1_709_200_800_000),
            ("1969-12-31T23:59:59Z", -1000),
        ] {
            assert_eq!(parse(text), Some(ms), "{text}");
        }
        for text in [
            "",
            "x",
            "2024-02-30T00:00:00Z",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00Z",
            "NaN",
            "1e30",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
