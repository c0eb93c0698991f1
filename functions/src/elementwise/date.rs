//! Parts of dates, UTC, from seconds since 1970.

/// The days from 1 March of the year that Go counts from to 1 January 1970:
/// 292,277,022,400 years of 365.2425 days, and those since 1 March 0000.
const ABSOLUTE_DAYS: i64 = 292_277_022_400 / 400 * 146_097 + 719_468;

const DAY: u64 = 86_400;

/// Days since 1970, and seconds of the day.
///
/// A float becomes whole seconds as Go converts it on amd64: what has no place
/// in an int64, NaN too, becomes the smallest one. Go then counts from a time
/// some 292 billion years ago and wraps around, and so do these.
fn split(value: f64) -> (i64, u64) {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    let seconds = if fits { value as i64 } else { i64::MIN };
    let absolute = (ABSOLUTE_DAYS as u64)
        .wrapping_mul(DAY)
        .wrapping_add(seconds as u64);
    ((absolute / DAY) as i64 - ABSOLUTE_DAYS, absolute % DAY)
}

pub fn hour(value: f64) -> f64 {
    (split(value).1 / 3600) as f64
}

pub fn minute(value: f64) -> f64 {
    (split(value).1 / 60 % 60) as f64
}

pub fn day_of_week(value: f64) -> f64 {
    // 1 January 1970 was a Thursday.
    (split(value).0 + 4).rem_euclid(7) as f64
}

pub fn day_of_month(value: f64) -> f64 {
    civil_from_days(split(value).0).2 as f64
}

pub fn month(value: f64) -> f64 {
    civil_from_days(split(value).0).1 as f64
}

pub fn year(value: f64) -> f64 {
    civil_from_days(split(value).0).0 as f64
}

pub fn days_in_month(value: f64) -> f64 {
    let (year, month, _) = civil_from_days(split(value).0);
    month_length(year, month) as f64
}

pub fn day_of_year(value: f64) -> f64 {
    let (year, month, day) = civil_from_days(split(value).0);
    let before: i64 = (1..month).map(|m| month_length(year, m)).sum();
    (before + day) as f64
}

/// Year, month and day of a day count since 1970-01-01 (proleptic Gregorian).
/// Howard Hinnant's algorithm, <http://howardhinnant.github.io/date_algorithms.html>.
/// Day counts beyond those that an int64 of seconds reaches are cut.
pub fn civil_from_days(days: i64) -> (i64, i64, i64) {
    const LIMIT: i64 = 1 << 50;
    let shifted = days.clamp(-LIMIT, LIMIT) + 719_468; // days since 0000-03-01
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = match month_from_march {
        0..10 => month_from_march + 3,
        _ => month_from_march - 9,
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn month_length(year: i64, month: i64) -> i64 {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    #[test]
    fn dates_are_as_in_go() {
        let mut lines = 0;
        for fields in golden::lines("D") {
            let seconds: i64 = fields[0].parse().unwrap();
            let time = seconds as f64;
            if time as i64 != seconds {
                continue; // no float has this time
            }
            let functions = [
                year,
                month,
                day_of_month,
                day_of_week,
                day_of_year,
                days_in_month,
                hour,
                minute,
            ];
            for (function, want) in functions.iter().zip(&fields[1..]) {
                assert_eq!(function(time), want.parse::<f64>().unwrap(), "{fields:?}");
            }
            lines += 1;
        }
        assert!(lines > 12);
    }

    #[test]
    fn floats_become_seconds_as_in_go() {
        for fields in golden::lines("I") {
            let seconds: i64 = fields[1].parse().unwrap();
            assert_eq!(
                split(golden::float(fields[0])),
                split(seconds as f64),
                "{fields:?}"
            );
        }
    }

    #[test]
    fn days_count_up_without_gaps() {
        let mut last = civil_from_days(-200_000);
        for days in -199_999..200_000 {
            let now = civil_from_days(days);
            let next_day = (last.0, last.1, last.2 + 1);
            assert!(now == next_day || (now.2 == 1 && last.2 == month_length(last.0, last.1)));
            last = now;
        }
        civil_from_days(i64::MIN);
        civil_from_days(i64::MAX);
    }
}
