//! When and on what the table was made.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// The machine and the compiler.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// The day, UTC.
    pub date: String,
    /// What the processor is called.
    pub cpu: String,
    /// How many of its cores there are for us.
    pub cores: usize,
    /// Its memory, GiB.
    pub memory_gib: u64,
    /// The release of Linux.
    pub kernel: String,
    /// The compiler's version.
    pub rust: String,
}

impl Machine {
    /// This one, now.
    pub fn here() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        Machine {
            date: date(seconds),
            cpu: field(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib(&read("/proc/meminfo"), "MemTotal") >> 20,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_string(),
            rust: output("rustc", &["--version"]),
        }
    }

    /// One line.
    pub fn line(&self) -> String {
        format!(
            "{}; {} cores of an {}, {} GiB of memory, Linux {}; {}",
            self.date, self.cores, self.cpu, self.memory_gib, self.kernel, self.rust
        )
    }
}

/// The memory that is free for processes, bytes.
pub fn available_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    kib(&text, "MemAvailable") * 1024
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or_else(
        |_| format!("{program} of an unknown version"),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_string(),
    )
}

/// The first value of a key in a file of `key: value` lines.
fn field(text: &str, key: &str) -> String {
    let values = text.lines().filter_map(|line| line.split_once(':'));
    let mut values = values.filter(|(name, _)| name.trim() == key);
    values
        .next()
        .map_or("unknown", |(_, value)| value.trim())
        .to_string()
}

fn kib(text: &str, key: &str) -> u64 {
    let value = field(text, key);
    let number = value.split_whitespace().next();
    number.and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// The day of a time in seconds since 1970, UTC.
fn date(seconds: u64) -> String {
    let (mut year, mut day) = (1970, seconds / 86_400);
    let leap = |y: u64| (y.is_multiple_of(4) && !y.is_multiple_of(100)) || y.is_multiple_of(400);
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 1;
    for length in lengths {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(1_700_006_400), "2023-11-15");
        assert_eq!(date(1_735_603_200), "2024-12-31");
    }

    #[test]
    fn fields() {
        let text = "a\t: b\nMemTotal:       24 kB\n";
        assert_eq!(field(text, "a"), "b");
        assert_eq!(field(text, "c"), "unknown");
        assert_eq!(kib(text, "MemTotal"), 24);
        assert_eq!(kib(text, "a"), 0);
    }
}
