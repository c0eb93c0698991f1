//! Parts of dates, UTC, from seconds since 1970.

/// The functions of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is a function of the table, documented there
pub enum DateFunction {
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    DaysInMonth,
    Hour,
    Minute,
    Month,
    Year,
}

/// The bounds within which dates are computed, s: beyond, calendars mean
/// nothing and the reference's own arithmetic wraps around.
const LIMIT: i64 = 1 << 55;

impl DateFunction {
    /// Applies the function in place.
    pub fn eval(self, values: &mut [f64]) {
        for value in values {
            *value = self.of(seconds(*value));
        }
    }

    /// The function of one time, in seconds.
    pub fn of(self, seconds: i64) -> f64 {
        let seconds = seconds.clamp(-LIMIT, LIMIT);
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        match self {
            DateFunction::Hour => (rest / 3600) as f64,
            DateFunction::Minute => (rest / 60 % 60) as f64,
            DateFunction::DayOfWeek => (days + 4).rem_euclid(7) as f64,
            _ => {
                let (year, month, day) = civil(days);
                match self {
                    DateFunction::DayOfMonth => day as f64,
                    DateFunction::Month => month as f64,
                    DateFunction::Year => year as f64,
                    DateFunction::DaysInMonth => days_in_month(year, month) as f64,
                    _ => {
                        let before: i64 = (1..month).map(|m| days_in_month(year, m)).sum();
                        (before + day) as f64
                    }
                }
            }
        }
    }
}

/// A float's whole seconds as Go converts them on amd64: what has no place in
/// an int64, NaN too, becomes the smallest one.
pub(crate) fn seconds(value: f64) -> i64 {
    if value.is_nan() || value >= 9_223_372_036_854_775_808.0 {
        i64::MIN
    } else {
        value as i64
    }
}

/// Year, month and day of a day count since 1970-01-01 (proleptic Gregorian).
/// Howard Hinnant's algorithm, http://howardhinnant.github.io/date_algorithms.html.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468; // days since 0000-03-01
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_in_month(year: i64, month: i64) -> i64 {
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

    #[test]
    fn known_dates() {
        let at = 1_709_210_096; // 2024-02-29 12:34:56 UTC, a Thursday
        let of = |f: DateFunction| f.of(at);
        assert_eq!(of(DateFunction::Year), 2024.0);
        assert_eq!(of(DateFunction::Month), 2.0);
        assert_eq!(of(DateFunction::DayOfMonth), 29.0);
        assert_eq!(of(DateFunction::DaysInMonth), 29.0);
        assert_eq!(of(DateFunction::DayOfYear), 60.0);
        assert_eq!(of(DateFunction::DayOfWeek), 4.0);
        assert_eq!(of(DateFunction::Hour), 12.0);
        assert_eq!(of(DateFunction::Minute), 34.0);
        assert_eq!(DateFunction::Year.of(-1), 1969.0);
        assert_eq!(DateFunction::DayOfWeek.of(-1), 3.0);
    }

    #[test]
    fn absurd_times_do_not_overflow() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
            for f in [
                DateFunction::Year,
                DateFunction::DayOfYear,
                DateFunction::Hour,
            ] {
                f.eval(&mut [value]);
            }
        }
    }

    #[test]
    fn days_count_up_without_gaps() {
        let mut last = civil(-200_000);
        for days in -199_999..200_000 {
            let now = civil(days);
            let next_day = (last.0, last.1, last.2 + 1);
            assert!(now == next_day || (now.2 == 1 && last.2 == days_in_month(last.0, last.1)));
            last = now;
        }
    }
}
