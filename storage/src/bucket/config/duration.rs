//! Durations of configurations.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A duration as Prometheus's configurations have it: `1m30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GoDuration(pub Duration);

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = GoDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as 1m30s")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<GoDuration, E> {
        let parsed = parse(text).map(|ms| GoDuration(Duration::from_millis(ms)));
        parsed.ok_or_else(|| E::custom(format!("not a valid duration string: {text:?}")))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<GoDuration, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<GoDuration, E> {
        self.visit_str(&number.to_string())
    }
}

/// Milliseconds of a duration: units from the largest to the smallest, each at most
/// once, or 0.
pub(crate) fn parse(text: &str) -> Option<u64> {
    const DAY: u64 = 24 * 3_600_000;
    const UNITS: [(&str, u64); 7] = [
        ("y", 365 * DAY),
        ("w", 7 * DAY),
        ("d", DAY),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut total, mut next_unit) = (text, 0u64, 0);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let end = tail.find(|c: char| c.is_ascii_digit());
        let (unit, tail) = tail.split_at(end.unwrap_or(tail.len()));
        let position = UNITS.iter().position(|(name, _)| *name == unit)?;
        if position < next_unit {
            return None;
        }
        let amount = number.parse::<u64>().ok()?.checked_mul(UNITS[position].1)?;
        total = total.checked_add(amount)?;
        (rest, next_unit) = (tail, position + 1);
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_prometheus() {
        for (text, ms) in [
            ("0", Some(0)),
            ("90s", Some(90_000)),
            ("2m", Some(120_000)),
            ("1d2h3m4s5ms", Some(93_784_005)),
            ("1s1m", None),
            ("1s1s", None),
            ("5", None),
            ("", None),
            ("-1s", None),
            ("1.5s", None),
            ("99999999999999999y", None),
        ] {
            assert_eq!(parse(text), ms, "{text}");
        }
    }
}
