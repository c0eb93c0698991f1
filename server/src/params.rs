//! Parses parameters as Prometheus's API does, with its error texts.

use quarrel_functions::fmt::{parse_float, quote};

use crate::duration::parse_model_duration;
use crate::time::{self, Moment};

/// The error is a text without the parameter's name.
pub type Result<T> = std::result::Result<T, String>;

/// A time: seconds or RFC 3339.
///
/// # Errors
/// If it is neither.
pub fn parse_time(text: &str) -> Result<Moment> {
    time::parse(text).ok_or_else(|| format!("cannot parse {} to a valid timestamp", quote(text)))
}

/// A duration in nanoseconds: seconds as a number, or units as in PromQL.
///
/// # Errors
/// If it is neither, or does not fit into 64 bits.
pub fn parse_duration(text: &str) -> Result<i64> {
    if let Some(seconds) = parse_float(text) {
        let nanos = seconds * 1e9;
        if nanos.is_nan() || !(-(2f64.powi(63))..2f64.powi(63)).contains(&nanos) {
            return Err(format!(
                "cannot parse {} to a valid duration. It overflows int64",
                quote(text)
            ));
        }
        return Ok(nanos as i64);
    }
    parse_model_duration(text)
        .ok_or_else(|| format!("cannot parse {} to a valid duration", quote(text)))
}

/// The parameter `limit`; 0 if it is empty.
///
/// # Errors
/// If it is no whole number, or negative.
pub fn parse_limit(text: &str) -> Result<usize> {
    if text.is_empty() {
        return Ok(0);
    }
    let limit = parse_int(text)?;
    usize::try_from(limit).map_err(|_| "limit must be non-negative".to_string())
}

/// Go's `strconv.Atoi`.
///
/// # Errors
/// With Go's text.
pub fn parse_int(text: &str) -> Result<i64> {
    integer(text, "Atoi", i64::MIN, i64::MAX)
}

/// Go's `strconv.ParseInt(text, 10, 32)`.
///
/// # Errors
/// With Go's text.
pub fn parse_int32(text: &str) -> Result<i64> {
    integer(text, "ParseInt", i64::from(i32::MIN), i64::from(i32::MAX))
}

fn integer(text: &str, function: &str, min: i64, max: i64) -> Result<i64> {
    let fail = |why: &str| {
        Err(format!(
            "strconv.{function}: parsing {}: {why}",
            quote(text)
        ))
    };
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return fail("invalid syntax");
    }
    match text.parse::<i64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => fail("value out of range"),
    }
}

/// Go's `strconv.ParseBool`.
///
/// # Errors
/// With Go's text.
pub fn parse_bool(text: &str) -> Result<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!(
            "strconv.ParseBool: parsing {}: invalid syntax",
            quote(text)
        )),
    }
}

/// A size such as `512MB` in bytes, with the units of Prometheus's flags:
/// powers of 1024, `B` to `EB`, also as `KiB`.
pub fn parse_size(text: &str) -> Option<u64> {
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit
        .strip_suffix("iB")
        .or(unit.strip_suffix('B'))
        .unwrap_or(unit);
    let shift = match unit {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        "P" => 50,
        "E" => 60,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    let bytes = number * (1u64 << shift) as f64;
    (bytes < 2f64.powi(64)).then_some(bytes as u64)
}

/// Decodes escaped UTF-8 names: `U__a_2e_b` is `a.b`. A name that is not well
/// escaped is returned unchanged.
pub fn unescape_name(name: &str) -> String {
    name.strip_prefix("U__")
        .and_then(unescape)
        .unwrap_or_else(|| name.to_string())
}

fn unescape(escaped: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = escaped;
    while let Some((plain, tail)) = rest.split_once('_') {
        out.push_str(plain);
        if let Some(tail) = tail.strip_prefix('_') {
            out.push('_');
            rest = tail;
            continue;
        }
        let (code, tail) = tail.split_once('_')?;
        if code.len() > 5 || !code.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        out.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests;
