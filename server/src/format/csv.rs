//! Comma-separated values (RFC 4180): a line for each sample, with a column for
//! each label name, the time in seconds, and the value with all digits.

use std::io::{self, Write};

use quarrel_engine::labels::Symbol;
use quarrel_engine::{SampleValue, SeriesSet, Value};

use super::series::{Names, value_of};
use crate::json;

/// Writes an answer as comma-separated values.
pub(crate) fn write(value: &Value, out: &mut dyn Write) -> io::Result<()> {
    match value {
        Value::Scalar { timestamp, value } => {
            writeln!(out, "timestamp,value")?;
            writeln!(out, "{},{}", seconds(*timestamp), float(*value))
        }
        Value::String { timestamp, value } => {
            writeln!(out, "timestamp,value")?;
            writeln!(out, "{},{}", seconds(*timestamp), field(value))
        }
        Value::Vector(set) | Value::Matrix(set) => series(set, out),
    }
}

fn series(set: &SeriesSet, out: &mut dyn Write) -> io::Result<()> {
    let symbols = set.symbols().read();
    let names: Vec<Symbol> = Names::of(set, &symbols).all;
    for &name in &names {
        write!(out, "{},", field(symbols.get(name)))?;
    }
    writeln!(out, "timestamp,value")?;
    for series in set.iter() {
        let mut labels = String::new();
        for &name in &names {
            labels.push_str(&field(symbols.get(value_of(series.labels(), name))));
            labels.push(',');
        }
        for point in series.points() {
            let value = match point.value {
                SampleValue::Float(value) => float(value),
                SampleValue::Histogram(h) => field(&h.to_text()),
            };
            writeln!(out, "{labels}{},{value}", seconds(point.timestamp))?;
        }
    }
    Ok(())
}

fn seconds(ms: i64) -> String {
    let mut out = Vec::new();
    json::timestamp(&mut out, ms);
    String::from_utf8_lossy(&out).into_owned()
}

fn float(value: f64) -> String {
    let mut out = Vec::new();
    json::float(&mut out, value);
    String::from_utf8_lossy(&out).trim_matches('"').to_string()
}

/// A field, in quotes if it needs them.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}
