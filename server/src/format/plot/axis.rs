//! Ticks and their labels.

use crate::format::number::number;
use crate::time::format_ms;

/// Ticks of the values.
pub(super) struct Ticks {
    low: f64,
    high: f64,
    /// Values that have a label, from the lowest.
    pub(super) values: Vec<f64>,
    decimals: usize,
}

/// Three to ten ticks at round numbers over a range of finite values, on an axis
/// of `rows` lines.
pub(super) fn value_ticks(low: f64, high: f64, rows: usize) -> Ticks {
    // A flat line gets room around it. Halves, since the difference of the
    // two may be more than a float holds.
    let half = high / 2.0 - low / 2.0;
    let (low, high) = if half > low.abs().max(high.abs()) * 1e-12 {
        (low, high)
    } else {
        let room = if low == 0.0 {
            1.0
        } else {
            (low.abs() * 0.1).max(1e-300)
        };
        ((low - room).max(-f64::MAX), (high + room).min(f64::MAX))
    };
    let half = high / 2.0 - low / 2.0;
    let wanted = (rows / 4).clamp(2, 6) as f64;
    let step = round_step(half / wanted * 2.0);
    let first = (low / step).ceil();
    let values: Vec<f64> = (0..=12)
        .map(|i| (first + f64::from(i)) * step)
        .take_while(|value| *value <= high && value.is_finite())
        // Nearly zero is zero.
        .map(|value| {
            if value.abs() < step * 1e-9 {
                0.0
            } else {
                value
            }
        })
        .collect();
    let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    Ticks {
        low,
        high,
        values,
        decimals,
    }
}

/// 1, 2 or 5 times a power of ten, at most `step` if possible.
fn round_step(step: f64) -> f64 {
    if !step.is_finite() || step < f64::MIN_POSITIVE * 10.0 {
        return if step.is_finite() {
            f64::MIN_POSITIVE * 10.0
        } else {
            f64::MAX / 4.0
        };
    }
    let power = 10f64.powf(step.log10().floor());
    let factor = [5.0, 2.0]
        .into_iter()
        .find(|factor| factor * power <= step * 1.000_001);
    factor.unwrap_or(1.0) * power
}

impl Ticks {
    /// The height of a value, from 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        let half = self.high / 2.0 - self.low / 2.0;
        ((value / 2.0 - self.low / 2.0) / half).clamp(0.0, 1.0)
    }

    /// A tick's text.
    pub(super) fn label(&self, value: f64) -> String {
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e9).contains(&size) {
            return number(value);
        }
        format!("{value:.*}", self.decimals)
    }
}

/// The time axis: a line with ticks, one with their times, and one with the
/// whole range. All in UTC.
pub(super) fn time_labels(first: i64, last: i64, columns: usize) -> [String; 3] {
    let span = last.saturating_sub(first);
    let width = tick_label(first, first, last).len() + 4;
    let count = (columns / width).clamp(2, 10);
    let mut axis: Vec<char> = vec!['─'; columns + 1];
    let mut labels = vec![' '; columns + 1];
    for i in 0..count {
        let share = i as f64 / (count - 1) as f64;
        let label = tick_label(first + (span as f64 * share).round() as i64, first, last);
        let at = (share * (columns - 1) as f64).round() as usize + 1;
        axis[at] = '┴';
        let begin = at
            .saturating_sub(label.len() / 2)
            .min((columns + 1).saturating_sub(label.len()));
        for (cell, c) in labels[begin..].iter_mut().zip(label.chars()) {
            *cell = c;
        }
    }
    axis[0] = '└';
    let labels: String = labels.into_iter().collect();
    let range = format!(" {} to {}", format_ms(first), format_ms(last));
    [
        axis.into_iter().collect(),
        labels.trim_end().to_string(),
        range,
    ]
}

/// A time on the axis: with the date where it changes, with seconds if the
/// range is a few minutes.
fn tick_label(time: i64, first: i64, last: i64) -> String {
    const DAY: i64 = 86_400_000;
    const MINUTES: i64 = 10 * 60_000;
    let full = format_ms(time.div_euclid(1000).saturating_mul(1000));
    let (date, clock) = full.split_once('T').unwrap_or((&full, ""));
    let clock = clock.trim_end_matches('Z');
    let short = last.saturating_sub(first) >= MINUTES;
    let clock = if short {
        clock.get(..5).unwrap_or(clock)
    } else {
        clock
    };
    if first.div_euclid(DAY) == last.div_euclid(DAY) {
        return clock.to_string();
    }
    format!("{} {clock}", date.get(5..).unwrap_or(date))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64) -> Vec<String> {
        let ticks = value_ticks(low, high, 16);
        ticks
            .values
            .iter()
            .map(|&value| ticks.label(value))
            .collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(0.0, 100.0), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(0.0, 10.0), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(labels(-0.3, 0.7), ["-0.2", "0.0", "0.2", "0.4", "0.6"]);
        assert_eq!(
            labels(0.012, 0.017),
            ["0.012", "0.013", "0.014", "0.015", "0.016", "0.017"]
        );
        assert_eq!(labels(5.0, 5.0), ["4.6", "4.8", "5.0", "5.2", "5.4"]);
        assert_eq!(labels(0.0, 0.0), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
    }

    #[test]
    fn no_values_panic_or_leave_the_axis_without_a_tick() {
        let values = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            1e-300,
            5e-324,
            1e300,
            f64::MAX,
            -f64::MAX,
            1e15,
            1.0 + 1e-15,
        ];
        for low in values {
            for high in values {
                if low <= high {
                    let ticks = value_ticks(low, high, 16);
                    for value in [low, high] {
                        assert!((0.0..=1.0).contains(&ticks.share(value)), "{low} {high}");
                    }
                    assert!(ticks.values.len() <= 13);
                    for &tick in &ticks.values {
                        assert!(ticks.label(tick).len() < 40, "{low} {high} {tick}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_time_axis_has_its_ends() {
        let [axis, text, range] = time_labels(1_700_011_200_000, 1_700_014_800_000, 60);
        assert_eq!(axis.chars().count(), 61);
        assert!(text.contains("01:20") && text.contains("02:20"), "{text}");
        assert_eq!(range, " 2023-11-15T01:20:00Z to 2023-11-15T02:20:00Z");
        let [_, text, _] = time_labels(1_700_011_200_000, 1_700_611_200_000, 60);
        assert!(text.contains("11-15 01:20"), "{text}");
        for columns in 20..50 {
            let [axis, ..] = time_labels(0, 0, columns);
            assert_eq!(axis.chars().count(), columns + 1);
        }
    }
}
