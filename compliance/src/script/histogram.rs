//! Native histograms as scripts write them:
//! `{{schema:1 sum:3 count:22 buckets:[5 10 7]}}`.

use std::fmt;

use quarrel_functions::fmt::format_g;

use super::scan::{ScanError, Scanner, is_space};

/// A histogram's counter-reset hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetHint {
    /// `unknown`
    Unknown,
    /// `reset`
    Reset,
    /// `not_reset`
    NotReset,
    /// `gauge`
    Gauge,
}

/// A native histogram; fields that are not written are zero or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramLiteral {
    /// `schema`
    pub schema: i32,
    /// `sum`
    pub sum: f64,
    /// `count`
    pub count: f64,
    /// `z_bucket`
    pub zero_count: f64,
    /// `z_bucket_w`
    pub zero_threshold: f64,
    /// `custom_values`: upper bounds of custom buckets
    pub custom_values: Vec<f64>,
    /// `buckets`: counts, one bucket after the other
    pub buckets: Vec<f64>,
    /// `offset`: the index of the first bucket
    pub offset: i32,
    /// `n_buckets`: counts of the negative buckets
    pub negative_buckets: Vec<f64>,
    /// `n_offset`: the index of the first negative bucket
    pub negative_offset: i32,
    /// `counter_reset_hint`, if it is written
    pub hint: Option<ResetHint>,
}

/// `{{...}}` at the scanner's position.
pub(super) fn parse_histogram(scanner: &mut Scanner<'_>) -> Result<HistogramLiteral, ScanError> {
    if !scanner.eat("{{") {
        return Err(scanner.unexpected("series values, expected \"{{\""));
    }
    let mut histogram = HistogramLiteral::default();
    let mut seen: Vec<&str> = Vec::new();
    if scanner.skip_space() && !scanner.rest().starts_with("}}") {
        return Err(scanner.unexpected("histogram description"));
    }
    while !scanner.eat("}}") {
        let key = scanner.take_while(|c| c.is_ascii_alphabetic() || c == '_');
        if key.is_empty() {
            return Err(scanner.unexpected(
                "histogram description, expected histogram description key, e.g. buckets:[5 10 7]",
            ));
        }
        if !scanner.eat(":") {
            return Err(scanner.error("missing `:` for histogram descriptor"));
        }
        field(scanner, &key.to_ascii_lowercase(), &mut histogram)?;
        if seen.iter().any(|k| k.eq_ignore_ascii_case(key)) {
            return Err(scanner.error(format!("duplicate key {key:?} in histogram")));
        }
        seen.push(key);
        if !scanner.skip_space() && !scanner.rest().starts_with("}}") {
            return Err(scanner.unexpected("histogram description"));
        }
    }
    Ok(histogram)
}

fn field(
    scanner: &mut Scanner<'_>,
    key: &str,
    histogram: &mut HistogramLiteral,
) -> Result<(), ScanError> {
    match key {
        "schema" => histogram.schema = integer(scanner)?,
        "offset" => histogram.offset = integer(scanner)?,
        "n_offset" => histogram.negative_offset = integer(scanner)?,
        "sum" => histogram.sum = scanner.signed_number()?,
        "count" => histogram.count = scanner.signed_number()?,
        "z_bucket" => histogram.zero_count = scanner.signed_number()?,
        "z_bucket_w" => histogram.zero_threshold = scanner.number()?,
        "buckets" => histogram.buckets = numbers(scanner)?,
        "n_buckets" => histogram.negative_buckets = numbers(scanner)?,
        "custom_values" => histogram.custom_values = numbers(scanner)?,
        "counter_reset_hint" => histogram.hint = Some(hint(scanner)?),
        _ => return Err(scanner.error(format!("bad histogram descriptor found: {key:?}"))),
    }
    Ok(())
}

fn integer(scanner: &mut Scanner<'_>) -> Result<i32, ScanError> {
    let minus = scanner.eat("-");
    let count = scanner.count()?;
    let value = i64::try_from(count)
        .map(|v| if minus { -v } else { v })
        .ok();
    value
        .and_then(|v| i32::try_from(v).ok())
        .ok_or_else(|| scanner.error(format!("{count} is too large for a schema or an offset")))
}

/// `[5 10 7]`
fn numbers(scanner: &mut Scanner<'_>) -> Result<Vec<f64>, ScanError> {
    if !scanner.eat("[") {
        return Err(scanner.unexpected("histogram description, expected \"[\""));
    }
    let mut out = vec![scanner.signed_number()?];
    loop {
        let spaced = scanner.skip_space();
        if scanner.eat("]") {
            return Ok(out);
        }
        if !spaced {
            return Err(scanner.unexpected("buckets"));
        }
        out.push(scanner.signed_number()?);
    }
}

fn hint(scanner: &mut Scanner<'_>) -> Result<ResetHint, ScanError> {
    let word = scanner.take_while(|c| !is_space(c) && c != '}');
    Ok(match word.to_ascii_lowercase().as_str() {
        "unknown" => ResetHint::Unknown,
        "reset" => ResetHint::Reset,
        "not_reset" => ResetHint::NotReset,
        "gauge" => ResetHint::Gauge,
        _ => return Err(scanner.error(format!("bad counter_reset_hint: {word:?}"))),
    })
}

/// Prints the form that Prometheus prints in failures, which scripts can read.
impl fmt::Display for HistogramLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut number = |key: &str, value: f64| {
            if value != 0.0 {
                parts.push(format!("{key}:{}", format_g(value)));
            }
        };
        number("schema", f64::from(self.schema));
        number("count", self.count);
        number("sum", self.sum);
        number("z_bucket", self.zero_count);
        number("z_bucket_w", self.zero_threshold);
        number("offset", f64::from(self.offset));
        number("n_offset", f64::from(self.negative_offset));
        let mut list = |key: &str, values: &[f64]| {
            if !values.is_empty() {
                let values: Vec<String> = values.iter().map(|&v| format_g(v)).collect();
                parts.push(format!("{key}:[{}]", values.join(" ")));
            }
        };
        list("custom_values", &self.custom_values);
        list("buckets", &self.buckets);
        list("n_buckets", &self.negative_buckets);
        if let Some(hint) = self.hint {
            parts.push(format!("counter_reset_hint:{}", hint.name()));
        }
        write!(f, "{{{{{}}}}}", parts.join(" "))
    }
}

impl ResetHint {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            ResetHint::Unknown => "unknown",
            ResetHint::Reset => "reset",
            ResetHint::NotReset => "not_reset",
            ResetHint::Gauge => "gauge",
        }
    }
}
