//! Arguments of the table functions: constants of SQL as times, steps, texts.

use datafusion_common::arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use datafusion_common::arrow::datatypes::DataType;
use datafusion_common::{Result, ScalarValue, plan_datafusion_err, plan_err};
use datafusion_expr::Expr;
use quarrel::Timestamp;
use quarrel::promql::parse_duration;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const NANOS_OF_MS: i64 = 1_000_000;

/// The arguments of a call. DataFusion has folded constants before.
#[derive(Clone, Copy)]
pub(crate) struct Arguments<'a> {
    function: &'static str,
    exprs: &'a [Expr],
}

/// An argument: its number, from 1, and what it is for.
#[derive(Clone, Copy)]
pub(crate) struct Argument(pub usize, pub &'static str);

impl<'a> Arguments<'a> {
    /// The arguments of a function with this signature.
    ///
    /// # Errors
    /// When there are fewer than `required`.
    pub fn new(
        function: &'static str,
        signature: &str,
        exprs: &'a [Expr],
        required: usize,
    ) -> Result<Self> {
        if exprs.len() < required {
            return plan_err!(
                "{function}({signature}) needs {required} arguments, {} are given",
                exprs.len()
            );
        }
        Ok(Arguments { function, exprs })
    }

    /// A text.
    pub fn text(&self, argument: Argument) -> Result<&'a str> {
        let value = self.constant(argument)?;
        let text = value.try_as_str().flatten();
        text.ok_or_else(|| self.mismatch(argument, "a text", value))
    }

    /// All texts from an argument on.
    pub fn texts(&self, Argument(first, what): Argument) -> Result<Vec<&'a str>> {
        let numbers = first..=self.exprs.len();
        numbers.map(|i| self.text(Argument(i, what))).collect()
    }

    /// A time: a timestamp or a date (without a zone: UTC), its text as in RFC
    /// 3339, or milliseconds since the epoch.
    pub fn time(&self, argument: Argument) -> Result<Timestamp> {
        let value = self.constant(argument)?;
        let ms = match value.try_as_str().flatten() {
            Some(text) => string_to_timestamp_nanos(text)
                .ok()
                .map(|nanos| nanos.div_euclid(NANOS_OF_MS)),
            None => time_ms(value),
        };
        let what = "a timestamp, its text as in RFC 3339, or milliseconds since 1970 (integer)";
        let ms = ms.ok_or_else(|| self.mismatch(argument, what, value))?;
        Ok(Timestamp::from_millis(ms))
    }

    /// A step in milliseconds: an interval, a duration such as `1m30s`, or
    /// milliseconds. Whether it is positive is not checked.
    pub fn step_ms(&self, argument: Argument) -> Result<i64> {
        let value = self.constant(argument)?;
        let ms = match value.try_as_str().flatten() {
            Some(text) => parse_duration(text).ok(),
            None => duration_ms(value),
        };
        let what = "an interval without months, a duration such as '1m', or milliseconds (integer)";
        ms.ok_or_else(|| self.mismatch(argument, what, value))
    }

    fn constant(&self, Argument(number, what): Argument) -> Result<&'a ScalarValue> {
        let function = self.function;
        let expr = number.checked_sub(1).and_then(|i| self.exprs.get(i));
        let mut expr = expr.ok_or_else(|| {
            plan_datafusion_err!("{function}: argument {number} ({what}) is missing")
        })?;
        while let Expr::Alias(alias) = expr {
            expr = &alias.expr;
        }
        match expr {
            Expr::Literal(value, _) => Ok(value),
            other => {
                plan_err!("{function}: argument {number} ({what}) must be constant, not {other}")
            }
        }
    }

    fn mismatch(
        &self,
        Argument(number, what): Argument,
        wanted: &str,
        value: &ScalarValue,
    ) -> datafusion_common::DataFusionError {
        let (function, data_type) = (self.function, value.data_type());
        plan_datafusion_err!(
            "{function}: argument {number} ({what}) must be {wanted}, not {value} ({data_type})"
        )
    }
}

/// Milliseconds since the epoch of a time; the millisecond that it lies in.
fn time_ms(value: &ScalarValue) -> Option<i64> {
    use ScalarValue as V;
    match value {
        V::TimestampSecond(seconds, _) => (*seconds)?.checked_mul(1000),
        V::TimestampMillisecond(ms, _) => *ms,
        V::TimestampMicrosecond(micros, _) => Some((*micros)?.div_euclid(1000)),
        V::TimestampNanosecond(nanos, _) => Some((*nanos)?.div_euclid(NANOS_OF_MS)),
        V::Date32(days) => i64::from((*days)?).checked_mul(DAY_MS),
        V::Date64(ms) => *ms,
        _ => integer(value),
    }
}

/// Whole milliseconds of a duration; the rest is cut off, as Prometheus does.
fn duration_ms(value: &ScalarValue) -> Option<i64> {
    use ScalarValue as V;
    let of_days = |days: i32, ms: i64| i64::from(days).checked_mul(DAY_MS)?.checked_add(ms);
    match value {
        V::IntervalMonthDayNano(Some(i)) if i.months == 0 => {
            of_days(i.days, i.nanoseconds / NANOS_OF_MS)
        }
        V::IntervalDayTime(Some(i)) => of_days(i.days, i64::from(i.milliseconds)),
        V::DurationSecond(seconds) => (*seconds)?.checked_mul(1000),
        V::DurationMillisecond(ms) => *ms,
        V::DurationMicrosecond(micros) => Some((*micros)? / 1000),
        V::DurationNanosecond(nanos) => Some((*nanos)? / NANOS_OF_MS),
        _ => integer(value),
    }
}

fn integer(value: &ScalarValue) -> Option<i64> {
    if !value.data_type().is_integer() {
        return None;
    }
    match value.cast_to(&DataType::Int64) {
        Ok(ScalarValue::Int64(integer)) => integer,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion_common::arrow::datatypes::{IntervalDayTime, IntervalMonthDayNano};
    use datafusion_expr::lit;

    use super::*;

    fn time(value: impl Into<ScalarValue>) -> Result<i64> {
        let exprs = [Expr::Literal(value.into(), None)];
        let arguments = Arguments::new("f", "time", &exprs, 1)?;
        Ok(arguments.time(Argument(1, "time"))?.as_millis())
    }

    fn step(value: impl Into<ScalarValue>) -> Result<i64> {
        let exprs = [Expr::Literal(value.into(), None)];
        Arguments::new("f", "step", &exprs, 1)?.step_ms(Argument(1, "step"))
    }

    #[test]
    fn times_have_many_forms() {
        use ScalarValue as V;
        assert_eq!(time(1500i64).unwrap(), 1500);
        assert_eq!(time(V::UInt8(Some(7))).unwrap(), 7);
        assert_eq!(time(V::TimestampSecond(Some(2), None)).unwrap(), 2000);
        let utc = || Some("UTC".into());
        assert_eq!(time(V::TimestampMillisecond(Some(-5), utc())).unwrap(), -5);
        assert_eq!(time(V::TimestampMicrosecond(Some(-1), utc())).unwrap(), -1);
        assert_eq!(
            time(V::TimestampNanosecond(Some(2_999_999), None)).unwrap(),
            2
        );
        assert_eq!(time(V::Date32(Some(1))).unwrap(), 86_400_000);
        for text in [
            "1970-01-02T00:00:01Z",
            "1970-01-02T02:00:01+02:00",
            "1970-01-02 00:00:01",
        ] {
            assert_eq!(time(text).unwrap(), 86_401_000);
        }
    }

    #[test]
    fn times_that_are_none_are_refused() {
        use ScalarValue as V;
        let bad = [
            V::from("yesterday"),
            V::Null,
            V::Int64(None),
            V::Float64(Some(1.5)),
            V::UInt64(Some(u64::MAX)),
            V::TimestampSecond(Some(i64::MAX), None),
            V::Boolean(Some(true)),
        ];
        for value in bad {
            let error = time(value.clone()).unwrap_err().to_string();
            assert!(
                error.contains("f: argument 1 (time) must be a timestamp"),
                "{error}"
            );
        }
    }

    #[test]
    fn steps_have_many_forms() {
        use ScalarValue as V;
        assert_eq!(step("1m30s").unwrap(), 90_000);
        assert_eq!(step(-15i32).unwrap(), -15);
        let interval = IntervalMonthDayNano::new(0, 1, 2_999_999);
        assert_eq!(
            step(V::IntervalMonthDayNano(Some(interval))).unwrap(),
            DAY_MS + 2
        );
        let interval = IntervalDayTime::new(0, 30_000);
        assert_eq!(step(V::IntervalDayTime(Some(interval))).unwrap(), 30_000);
        assert_eq!(step(V::DurationSecond(Some(3))).unwrap(), 3000);
        let months = IntervalMonthDayNano::new(1, 0, 0);
        for bad in [
            V::IntervalMonthDayNano(Some(months)),
            V::from("1 minute"),
            V::Null,
        ] {
            let error = step(bad).unwrap_err().to_string();
            assert!(
                error.contains("(step) must be an interval without months"),
                "{error}"
            );
        }
    }

    #[test]
    fn arguments_are_constants() {
        let exprs = [datafusion_expr::col("a"), lit("up").alias("q")];
        let arguments = Arguments::new("f", "time, query", &exprs, 2).unwrap();
        let error = arguments.time(Argument(1, "time")).unwrap_err().to_string();
        assert!(
            error.contains("f: argument 1 (time) must be constant, not a"),
            "{error}"
        );
        assert_eq!(arguments.text(Argument(2, "query")).unwrap(), "up");
        let error = arguments.text(Argument(3, "more")).unwrap_err().to_string();
        assert!(error.contains("argument 3 (more) is missing"), "{error}");
        assert!(arguments.texts(Argument(3, "label")).unwrap().is_empty());
    }
}
