//! Durations in the notations of Prometheus's flags and of Go.

use std::time::Duration;

/// A duration such as `1h30m` in nanoseconds, as Prometheus's flags take it:
/// units from the largest to the smallest, a year of 365 days.
pub fn parse_model_duration(text: &str) -> Option<i64> {
    const MS: u64 = 1_000_000;
    const DAY: u64 = 24 * 3_600_000 * MS;
    const UNITS: [(&str, u64); 7] = [
        ("y", 365 * DAY),
        ("w", 7 * DAY),
        ("d", DAY),
        ("h", 3_600_000 * MS),
        ("m", 60_000 * MS),
        ("s", 1000 * MS),
        ("ms", MS),
    ];
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut total, mut next_unit) = (text, 0u64, 0);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let unit = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let position = UNITS.iter().position(|(name, _)| *name == unit)?;
        if position < next_unit {
            return None;
        }
        let amount = number.parse::<u64>().ok()?.checked_mul(UNITS[position].1)?;
        total = total.checked_add(amount)?;
        (rest, next_unit) = (tail, position + 1);
    }
    if text.is_empty() {
        None
    } else {
        i64::try_from(total).ok()
    }
}

/// Go's notation of durations that are not negative, such as `1m30.5s`.
pub fn parse_go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let (mut seconds, mut parts) = (0.0, 0);
    while !rest.is_empty() {
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let (number, tail) = rest.split_at(rest.find(|c| !is_digit(c))?);
        let (unit, tail) = tail.split_at(tail.find(is_digit).unwrap_or(tail.len()));
        let unit = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit;
        (rest, parts) = (tail, parts + 1);
    }
    let duration = Duration::try_from_secs_f64(seconds).ok();
    duration.filter(|_| parts > 0)
}

/// Nanoseconds as Go prints a `time.Duration`, such as `1m30s` or `-1.5ms`.
pub fn format_go_duration(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let fraction = |value: u64, unit: u64, name: &str| {
        let (whole, rest) = (value / unit, value % unit);
        if rest == 0 {
            return format!("{whole}{name}");
        }
        let width = unit.ilog10() as usize;
        let digits = format!("{rest:0width$}");
        format!("{whole}.{}{name}", digits.trim_end_matches('0'))
    };
    let text = match size {
        0 => "0s".to_string(),
        1..1_000 => format!("{size}ns"),
        1_000..1_000_000 => fraction(size, 1_000, "µs"),
        1_000_000..1_000_000_000 => fraction(size, 1_000_000, "ms"),
        _ => {
            let minutes = size / 60_000_000_000;
            let seconds = fraction(size % 60_000_000_000, 1_000_000_000, "s");
            match (minutes / 60, minutes % 60) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    };
    format!("{sign}{text}")
}
