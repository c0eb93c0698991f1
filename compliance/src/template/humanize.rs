//! Numbers with units, for people.

use super::printf::four_digits;

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const LARGE_1024: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

/// Divides a number until it is below `step`, and names its prefix.
fn divided(mut value: f64, step: f64, prefixes: [&'static str; 8]) -> (f64, &'static str) {
    let mut prefix = "";
    for next in prefixes {
        if value.abs() < step {
            break;
        }
        prefix = next;
        value /= step;
    }
    (value, prefix)
}

/// Multiplies a number until it is 1 or more, and names its prefix.
fn multiplied(mut value: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for next in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        prefix = next;
        value *= 1000.0;
    }
    (value, prefix)
}

/// `humanize`: prefixes of the metric system.
pub(super) fn metric(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return four_digits(value);
    }
    let (value, prefix) = match value.abs() >= 1.0 {
        true => divided(value, 1000.0, LARGE),
        false => multiplied(value),
    };
    format!("{}{prefix}", four_digits(value))
}

/// `humanize1024`: prefixes of powers of 1,024.
pub(super) fn binary(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return four_digits(value);
    }
    let (value, prefix) = divided(value, 1024.0, LARGE_1024);
    format!("{}{prefix}", four_digits(value))
}

/// `humanizePercentage`
pub(super) fn percentage(value: f64) -> String {
    format!("{}%", four_digits(value * 100.0))
}

/// `humanizeDuration`, of seconds.
pub(super) fn duration(value: f64) -> String {
    if !value.is_finite() {
        return four_digits(value);
    }
    if value == 0.0 {
        return format!("{}s", four_digits(value));
    }
    if value.abs() < 1.0 {
        let (value, prefix) = multiplied(value);
        return format!("{}{prefix}s", four_digits(value));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    // What does not fit is the smallest number on the machines that Go is used on.
    let fits = value.abs() < 2f64.powi(63);
    let whole = if fits { value.abs() as i64 } else { i64::MIN };
    let (days, hours) = (whole / 86_400, whole / 3600 % 24);
    let (minutes, seconds) = (whole / 60 % 60, whole % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", four_digits(value.abs())),
        (0, 0, _) => format!("{sign}{minutes}m {seconds}s"),
        (0, ..) => format!("{sign}{hours}h {minutes}m {seconds}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units() {
        assert_eq!(metric(1234567.0), "1.235M");
        assert_eq!(metric(0.0000125), "12.5u");
        assert_eq!(metric(0.0), "0");
        assert_eq!(binary(1048576.0), "1Mi");
        assert_eq!(percentage(0.1234567), "12.35%");
        assert_eq!(duration(90061.5), "1d 1h 1m 1s");
        assert_eq!(duration(-1.2345), "-1.234s");
        assert_eq!(duration(0.0005), "500us");
    }
}
