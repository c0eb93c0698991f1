//! Fields and methods of values.

use super::call::CallError;
use super::printf::plain;
use super::time::{DAYS, MONTHS, Time, duration_text};
use super::value::Value;

const SECOND: f64 = 1e9;
const NANOS_OF_MS: i64 = 1_000_000;

/// What a name behind a value is.
pub(super) enum Member {
    /// A field or a key with its value. The flag says whether its type is an
    /// interface.
    Field(Value, bool),
    /// A method that takes texts or nothing, with their number.
    Method(usize, fn(&Value, &[Value]) -> Value),
    /// There is none of this name.
    Unknown,
}

/// The field, entry or method of a value.
///
/// # Errors
/// When Go has it and this engine has not.
pub(super) fn member(value: &Value, name: &str) -> Result<Member, CallError> {
    Ok(match value {
        Value::Labels(labels) => {
            let found = labels.get(name).map_or("", String::as_str);
            Member::Field(Value::text(found), false)
        }
        Value::Map(map) => Member::Field(map.get(name).cloned().unwrap_or(Value::Nothing), true),
        Value::Sample(sample) => match name {
            "Labels" => Member::Field(Value::Labels(sample.labels.clone()), false),
            "Value" => Member::Field(Value::from(&sample.value), true),
            _ => Member::Unknown,
        },
        Value::Alert(data) => match name {
            "Labels" => Member::Field(Value::Labels(data.labels.clone()), false),
            "ExternalLabels" => Member::Field(Value::Labels(data.external_labels.clone()), false),
            "ExternalURL" => Member::Field(Value::Text(data.external_url.clone()), false),
            "Value" => Member::Field(Value::from(&data.value), true),
            _ => Member::Unknown,
        },
        Value::Time(_) => time_method(name)?,
        Value::Duration(_) => duration_method(name)?,
        Value::Named(..) if name == "String" => {
            Member::Method(0, |value, _| Value::text(plain(value)))
        }
        Value::Histogram(histogram) => {
            let layout = histogram.layout();
            match name {
                "Count" => Member::Field(Value::Float(histogram.count), false),
                "Sum" => Member::Field(Value::Float(histogram.sum), false),
                "ZeroCount" => Member::Field(Value::Float(histogram.zero_count), false),
                "ZeroThreshold" => Member::Field(Value::Float(layout.zero_threshold()), false),
                "Schema" => Member::Field(Value::Int(i64::from(layout.schema())), false),
                "String" => Member::Method(0, |value, _| Value::text(plain(value))),
                _ => return Err(unsupported("a histogram", name)),
            }
        }
        _ => Member::Unknown,
    })
}

fn unsupported(of: &str, name: &str) -> CallError {
    CallError::Unsupported(format!("{name} of {of}"))
}

fn time_of(value: &Value) -> Time {
    match value {
        Value::Time(time) => *time,
        _ => Time { ms: 0 },
    }
}

fn time_method(name: &str) -> Result<Member, CallError> {
    /// A method without arguments that gives an `int`.
    macro_rules! int {
        ($get:expr) => {
            Member::Method(0, |value, _| {
                let get: fn(Time) -> i64 = $get;
                Value::Int(get(time_of(value)))
            })
        };
    }
    /// One that gives an `int64`.
    macro_rules! int64 {
        ($get:expr) => {
            Member::Method(0, |value, _| {
                let get: fn(Time) -> i64 = $get;
                Value::Int64(get(time_of(value)))
            })
        };
    }
    Ok(match name {
        "Unix" => int64!(|time| time.seconds()),
        "UnixMilli" => int64!(|time| time.ms),
        "UnixMicro" => int64!(|time| time.ms.saturating_mul(1000)),
        "UnixNano" => int64!(|time| time.ms.saturating_mul(NANOS_OF_MS)),
        "Year" => int!(|time| time.date().0),
        "Day" => int!(|time| time.date().2),
        "YearDay" => int!(|time| time.year_day()),
        "Hour" => int!(|time| time.clock().0),
        "Minute" => int!(|time| time.clock().1),
        "Second" => int!(|time| time.clock().2),
        "Nanosecond" => int!(|time| time.millisecond() * NANOS_OF_MS),
        "Month" => Member::Method(0, |value, _| {
            let month = time_of(value).date().1;
            let name = MONTHS[(month - 1).rem_euclid(12) as usize];
            Value::Named("time.Month", name, month)
        }),
        "Weekday" => Member::Method(0, |value, _| {
            let day = time_of(value).weekday();
            Value::Named("time.Weekday", DAYS[day as usize], day)
        }),
        "UTC" => Member::Method(0, |value, _| value.clone()),
        "IsZero" => Member::Method(0, |_, _| Value::Bool(false)),
        "String" => Member::Method(0, |value, _| Value::text(plain(value))),
        "Format" => Member::Method(1, |value, arguments| {
            let layout = super::call::text(arguments, 0);
            Value::text(time_of(value).format(layout))
        }),
        _ => return Err(unsupported("a time", name)),
    })
}

fn nanos_of(value: &Value) -> i64 {
    match value {
        Value::Duration(nanos) => *nanos,
        _ => 0,
    }
}

/// Nanoseconds in a unit, as Go counts: the whole ones and the rest apart.
fn in_unit(nanos: i64, unit: f64) -> Value {
    let whole = nanos / unit as i64;
    let rest = nanos % unit as i64;
    Value::Float(whole as f64 + rest as f64 / unit)
}

fn duration_method(name: &str) -> Result<Member, CallError> {
    Ok(match name {
        "Seconds" => Member::Method(0, |value, _| in_unit(nanos_of(value), SECOND)),
        "Minutes" => Member::Method(0, |value, _| in_unit(nanos_of(value), 60.0 * SECOND)),
        "Hours" => Member::Method(0, |value, _| in_unit(nanos_of(value), 3600.0 * SECOND)),
        "Milliseconds" => Member::Method(0, |value, _| Value::Int64(nanos_of(value) / NANOS_OF_MS)),
        "Microseconds" => Member::Method(0, |value, _| Value::Int64(nanos_of(value) / 1000)),
        "Nanoseconds" => Member::Method(0, |value, _| Value::Int64(nanos_of(value))),
        "String" => Member::Method(0, |value, _| Value::text(duration_text(nanos_of(value)))),
        _ => return Err(unsupported("a duration", name)),
    })
}
