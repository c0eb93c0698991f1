//! What was measured, as Markdown and as a picture.

pub mod summary;
pub mod svg;
pub mod table;
pub mod threads;
pub mod windows;

/// Nanoseconds as ms.
pub fn ms(nanos: u64) -> String {
    let ms = nanos as f64 / 1e6;
    match ms {
        0.0..1.0 => format!("{ms:.4}"),
        1.0..100.0 => format!("{ms:.2}"),
        _ => format!("{ms:.0}"),
    }
}

/// Bytes as MiB.
pub fn mib(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    match mib {
        0.0..0.01 => format!("{mib:.4}"),
        0.01..10.0 => format!("{mib:.2}"),
        _ => format!("{mib:.0}"),
    }
}

/// How many times something is something else.
pub fn times(ratio: f64) -> String {
    match ratio {
        0.0..100.0 => format!("{ratio:.1}"),
        _ => format!("{ratio:.0}"),
    }
}

/// A duration of ms, as PromQL writes it.
pub fn duration(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m")];
    for (unit, name) in units {
        if ms >= unit && ms % unit == 0 {
            return format!("{}{name}", ms / unit);
        }
    }
    format!("{}s", ms / 1_000)
}

/// Text of a cell: code in which `|` does not end the cell.
pub fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(ms(7_513), "0.0075");
        assert_eq!(ms(13_304_999), "13.30");
        assert_eq!(ms(1_208_488_000), "1208");
        assert_eq!(mib(512), "0.0005");
        assert_eq!(mib(3 << 20), "3.00");
        assert_eq!(mib(300 << 20), "300");
        assert_eq!(times(5.84), "5.8");
        assert_eq!(times(1234.5), "1234");
    }

    #[test]
    fn durations() {
        assert_eq!(duration(30_000), "30s");
        assert_eq!(duration(1_800_000), "30m");
        assert_eq!(duration(86_400_000), "1d");
        assert_eq!(duration(90_000), "90s");
    }
}
