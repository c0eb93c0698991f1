//! Times and durations as Go prints them.

use quarrel_functions::elementwise::civil_from_days;

/// A time in UTC, ms since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time {
    pub(super) ms: i64,
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

const DAY: i64 = 86_400;

impl Time {
    pub(super) fn seconds(self) -> i64 {
        self.ms.div_euclid(1000)
    }

    /// Year, month and day.
    pub(super) fn date(self) -> (i64, i64, i64) {
        civil_from_days(self.seconds().div_euclid(DAY))
    }

    /// Hour, minute and second.
    pub(super) fn clock(self) -> (i64, i64, i64) {
        let second = self.seconds().rem_euclid(DAY);
        (second / 3600, second / 60 % 60, second % 60)
    }

    /// 0 is Sunday.
    pub(super) fn weekday(self) -> i64 {
        // The epoch was a Thursday.
        (self.seconds().div_euclid(DAY) + 4).rem_euclid(7)
    }

    pub(super) fn year_day(self) -> i64 {
        let (year, _, _) = self.date();
        let days = self.seconds().div_euclid(DAY);
        let mut first = days;
        while civil_from_days(first - 1).0 == year {
            first -= 1;
        }
        days - first + 1
    }

    pub(super) fn millisecond(self) -> i64 {
        self.ms.rem_euclid(1000)
    }

    /// The time by a layout of Go, which shows how Monday, January 2, 15:04:05
    /// 2006 is written.
    pub(super) fn format(self, layout: &str) -> String {
        let mut out = String::new();
        let mut rest = layout;
        while !rest.is_empty() {
            match LAYOUT.iter().find(|(word, _)| starts(rest, word)) {
                Some((word, part)) => {
                    self.push_part(*part, &mut out);
                    rest = &rest[word.len()..];
                }
                None => {
                    if let Some((length, fraction)) = fraction(rest) {
                        self.push_fraction(fraction, &mut out);
                        rest = &rest[length..];
                        continue;
                    }
                    let c = rest.chars().next().unwrap_or_default();
                    out.push(c);
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        out
    }

    fn push_part(self, part: Part, out: &mut String) {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.clock();
        let month_name = MONTHS[(month - 1).rem_euclid(12) as usize];
        let day_name = DAYS[self.weekday() as usize];
        let twelve = match hour % 12 {
            0 => 12,
            hour => hour,
        };
        let text = match part {
            Part::Month => month_name.to_string(),
            Part::ShortMonth => month_name[..3].to_string(),
            Part::Weekday => day_name.to_string(),
            Part::ShortWeekday => day_name[..3].to_string(),
            Part::Year => format!("{year:04}"),
            Part::ShortYear => format!("{:02}", year.rem_euclid(100)),
            Part::MonthNumber(width) => format!("{month:0width$}"),
            Part::Day(width) => format!("{day:0width$}"),
            Part::PaddedDay => format!("{day:2}"),
            Part::YearDay => format!("{:03}", self.year_day()),
            Part::Hour => format!("{hour:02}"),
            Part::Hour12(width) => format!("{twelve:0width$}"),
            Part::Minute(width) => format!("{minute:0width$}"),
            Part::Second(width) => format!("{second:0width$}"),
            Part::Half => if hour < 12 { "AM" } else { "PM" }.to_string(),
            Part::LowerHalf => if hour < 12 { "am" } else { "pm" }.to_string(),
            Part::Zone(text) => text.to_string(),
        };
        out.push_str(&text);
    }

    fn push_fraction(self, fraction: Fraction, out: &mut String) {
        let all = format!("{:03}000000", self.millisecond());
        let digits = &all[..fraction.digits.min(9)];
        let digits = match fraction.trims {
            true => digits.trim_end_matches('0'),
            false => digits,
        };
        if !digits.is_empty() {
            out.push(fraction.point);
            out.push_str(digits);
        }
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }
}

/// A part of a layout.
#[derive(Clone, Copy)]
enum Part {
    Month,
    ShortMonth,
    Weekday,
    ShortWeekday,
    Year,
    ShortYear,
    MonthNumber(usize),
    Day(usize),
    PaddedDay,
    YearDay,
    Hour,
    Hour12(usize),
    Minute(usize),
    Second(usize),
    Half,
    LowerHalf,
    /// The zone, which is always UTC.
    Zone(&'static str),
}

/// The words of layouts; of two that fit the first counts.
const LAYOUT: [(&str, Part); 33] = [
    ("January", Part::Month),
    ("Jan", Part::ShortMonth),
    ("Monday", Part::Weekday),
    ("Mon", Part::ShortWeekday),
    ("MST", Part::Zone("UTC")),
    ("2006", Part::Year),
    ("__2", Part::YearDay),
    ("_2", Part::PaddedDay),
    ("002", Part::YearDay),
    ("01", Part::MonthNumber(2)),
    ("02", Part::Day(2)),
    ("03", Part::Hour12(2)),
    ("04", Part::Minute(2)),
    ("05", Part::Second(2)),
    ("06", Part::ShortYear),
    ("15", Part::Hour),
    ("1", Part::MonthNumber(1)),
    ("2", Part::Day(1)),
    ("3", Part::Hour12(1)),
    ("4", Part::Minute(1)),
    ("5", Part::Second(1)),
    ("PM", Part::Half),
    ("pm", Part::LowerHalf),
    ("-07:00:00", Part::Zone("+00:00:00")),
    ("-07:00", Part::Zone("+00:00")),
    ("-070000", Part::Zone("+000000")),
    ("-0700", Part::Zone("+0000")),
    ("-07", Part::Zone("+00")),
    ("Z07:00:00", Part::Zone("Z")),
    ("Z07:00", Part::Zone("Z")),
    ("Z070000", Part::Zone("Z")),
    ("Z0700", Part::Zone("Z")),
    ("Z07", Part::Zone("Z")),
];

/// Whether a layout goes on with a word. `Jan` and `Mon` are none before a small
/// letter, as in `Month`.
fn starts(rest: &str, word: &str) -> bool {
    if !rest.starts_with(word) {
        return false;
    }
    let next = rest[word.len()..].chars().next();
    !(matches!(word, "Jan" | "Mon") && next.is_some_and(|c| c.is_ascii_lowercase()))
}

/// Digits behind the second.
#[derive(Clone, Copy)]
struct Fraction {
    point: char,
    digits: usize,
    /// `9` instead of `0`: zeros at the end are left out.
    trims: bool,
}

/// `.000` or `,999`, where no digit follows.
fn fraction(rest: &str) -> Option<(usize, Fraction)> {
    let mut chars = rest.chars();
    let point = chars.next().filter(|c| matches!(c, '.' | ','))?;
    let digit = chars.next().filter(|c| matches!(c, '0' | '9'))?;
    let digits = rest[1..].len() - rest[1..].trim_start_matches(digit).len();
    let behind = rest[1 + digits..].chars().next();
    if behind.is_some_and(|c| c.is_ascii_digit()) {
        return None;
    }
    let trims = digit == '9';
    Some((
        1 + digits,
        Fraction {
            point,
            digits,
            trims,
        },
    ))
}

/// A duration in ns as `1h2m3.5s`.
pub(super) fn duration_text(ns: i64) -> String {
    if ns == 0 {
        return "0s".to_string();
    }
    let sign = if ns < 0 { "-" } else { "" };
    let all = ns.unsigned_abs();
    let decimal = |value: u64, unit: u64| {
        let (whole, part) = (value / unit, value % unit);
        let width = unit.ilog10() as usize;
        let text = format!("{part:0width$}");
        match text.trim_end_matches('0') {
            "" => whole.to_string(),
            digits => format!("{whole}.{digits}"),
        }
    };
    const SECOND: u64 = 1_000_000_000;
    if all < SECOND {
        let (unit, name) = match all {
            0..1_000 => return format!("{sign}{all}ns"),
            1_000..1_000_000 => (1_000, "µs"),
            _ => (1_000_000, "ms"),
        };
        return format!("{sign}{}{name}", decimal(all, unit));
    }
    let (minutes, rest) = (all / (60 * SECOND), all % (60 * SECOND));
    let seconds = decimal(rest, SECOND);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_in_go() {
        let time = Time {
            ms: 1_257_894_000_120,
        };
        assert_eq!(time.to_string(), "2009-11-10 23:00:00.12 +0000 UTC");
        let layout = "Monday, 02-Jan-06 15:04:05.000 MST, _2 3PM 2006-01-02T15:04:05Z07:00 Month";
        let want = "Tuesday, 10-Nov-09 23:00:00.120 UTC, 10 11PM 2009-11-10T23:00:00Z Month";
        assert_eq!(time.format(layout), want);
        assert_eq!(time.year_day(), 314);
        assert_eq!(
            Time { ms: -1 }.to_string(),
            "1969-12-31 23:59:59.999 +0000 UTC"
        );
    }

    #[test]
    fn durations_print_as_in_go() {
        for (ns, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (2_000_000, "2ms"),
            (-90_000_000_000, "-1m30s"),
            (3_600_000_000_000, "1h0m0s"),
            (3_661_500_000_000, "1h1m1.5s"),
        ] {
            assert_eq!(duration_text(ns), text);
        }
    }
}
