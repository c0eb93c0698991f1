//! Durations as Prometheus's configuration writes them: `1h30m`.

use quarrel_functions::fmt::quote;

/// The units from the longest to the shortest, ms.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// A duration in ms.
///
/// # Errors
/// When it is none, in Prometheus's words.
pub(crate) fn parse_duration_ms(text: &str) -> Result<i64, String> {
    if text == "0" {
        return Ok(0);
    }
    if text.is_empty() {
        return Err("empty duration string".to_string());
    }
    let invalid = || {
        let quoted = quote(text);
        format!("not a valid duration string: {quoted}")
    };
    let overflow = || "duration out of range".to_string();
    let mut rest = text;
    let mut total = 0i64;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit());
        let (number, behind) = rest.split_at(digits.ok_or_else(invalid)?);
        let end = behind.find(|c: char| c.is_ascii_digit());
        let (unit, behind) = behind.split_at(end.unwrap_or(behind.len()));
        let number: u64 = number.parse().map_err(|_| invalid())?;
        if !UNITS.iter().any(|(name, _)| *name == unit) {
            let (unit, text) = (quote(unit), quote(text));
            return Err(format!("unknown unit {unit} in duration {text}"));
        }
        // Units come in order, each at most once.
        let (_, factor) = units.find(|(name, _)| *name == unit).ok_or_else(invalid)?;
        let number = i64::try_from(number).map_err(|_| overflow())?;
        let ms = number.checked_mul(*factor);
        total = ms
            .and_then(|ms| total.checked_add(ms))
            .ok_or_else(overflow)?;
        rest = behind;
    }
    // Prometheus counts ns.
    if total > i64::MAX / 1_000_000 {
        return Err(overflow());
    }
    Ok(total)
}

/// A duration as Prometheus prints it.
pub(crate) fn duration_text(ms: i64) -> String {
    if ms == 0 {
        return "0s".to_string();
    }
    let mut rest = ms;
    let mut out = String::new();
    for (unit, factor) in UNITS {
        // Years, weeks and days only where nothing is left.
        let count = rest / factor;
        let whole = matches!(unit, "y" | "w") && rest % factor != 0;
        if count > 0 && !whole {
            out.push_str(&format!("{count}{unit}"));
            rest %= factor;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_prometheus_s() {
        for (text, ms) in [
            ("0", 0),
            ("1h30m", 5_400_000),
            ("15ms", 15),
            ("1d", 86_400_000),
            ("2y1ms", 63_072_000_001),
        ] {
            assert_eq!(parse_duration_ms(text), Ok(ms), "{text}");
        }
        for bad in [
            "",
            "1",
            "1m1h",
            "m",
            "-1m",
            "1.5h",
            "1m 1s",
            "300y",
            "99999999999999999999s",
        ] {
            assert!(parse_duration_ms(bad).is_err(), "{bad}");
        }
        for (ms, text) in [
            (0, "0s"),
            (60_000, "1m"),
            (5_400_000, "1h30m"),
            (86_400_000, "1d"),
            (604_800_000, "1w"),
            (90_000_001, "1d1h1ms"),
        ] {
            assert_eq!(duration_text(ms), text);
        }
    }
}
