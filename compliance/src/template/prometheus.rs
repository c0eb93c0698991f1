//! The functions that Prometheus adds to templates.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use quarrel_functions::fmt::{quote, try_parse_float};
use quarrel_matchers::Search;
use quarrel_planner::literal;

use super::call::{CallError, Called, Environment, text};
use super::escape::url_query;
use super::humanize;
use super::time::Time;
use super::title::title_case;
use super::value::{Sample, Value};

type Env<'a> = &'a dyn Environment;

const NO_ELEMENTS: &str = "first() called on vector with no elements";

pub(super) fn query(values: &[Value], env: Env<'_>) -> Called {
    let samples = env.query(text(values, 0)).map_err(CallError::Failed)?;
    Ok(Value::Samples(samples.into()))
}

pub(super) fn first(values: &[Value], _: Env<'_>) -> Called {
    match values.first() {
        Some(Value::Samples(samples)) if !samples.is_empty() => {
            Ok(Value::Sample(samples[0].clone()))
        }
        _ => Err(CallError::new(NO_ELEMENTS)),
    }
}

/// The sample of an argument; nothing is a pointer to nothing.
fn sample(values: &[Value], index: usize) -> Result<&Arc<Sample>, CallError> {
    match values.get(index) {
        Some(Value::Sample(sample)) => Ok(sample),
        _ => Err(CallError::nil()),
    }
}

fn label_of(sample: &Sample, name: &str) -> Value {
    Value::text(sample.labels.get(name).map_or("", String::as_str))
}

pub(super) fn label(values: &[Value], _: Env<'_>) -> Called {
    Ok(label_of(sample(values, 1)?, text(values, 0)))
}

pub(super) fn value(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::from(&sample(values, 0)?.value))
}

pub(super) fn strvalue(values: &[Value], _: Env<'_>) -> Called {
    Ok(label_of(sample(values, 0)?, "__value__"))
}

pub(super) fn sort_by_label(values: &[Value], _: Env<'_>) -> Called {
    let Some(Value::Samples(samples)) = values.get(1) else {
        return Ok(Value::Samples(Vec::new().into()));
    };
    let name = text(values, 0);
    let key = |sample: &Arc<Sample>| sample.labels.get(name).cloned().unwrap_or_default();
    let mut sorted = samples.to_vec();
    sorted.sort_by_key(key);
    Ok(Value::Samples(sorted.into()))
}

pub(super) fn args(values: &[Value], _: Env<'_>) -> Called {
    let named = values.iter().enumerate();
    let named = named.map(|(i, value)| (format!("arg{i}"), value.clone()));
    Ok(Value::Map(Arc::new(named.collect())))
}

pub(super) fn re_replace_all(values: &[Value], _: Env<'_>) -> Called {
    let pattern = text(values, 0);
    let search = Search::new(pattern).map_err(|error| {
        let quoted = match pattern.contains('`') {
            true => quote(pattern),
            false => format!("`{pattern}`"),
        };
        CallError::new(format!("regexp: Compile({quoted}): {error}"))
    })?;
    Ok(Value::text(
        search.replace_all(text(values, 2), text(values, 1)),
    ))
}

pub(super) fn matches(values: &[Value], _: Env<'_>) -> Called {
    let search = Search::new(text(values, 0)).map_err(|error| CallError::new(error.to_string()))?;
    Ok(Value::Bool(search.is_match(text(values, 1))))
}

pub(super) fn safe_html(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::Html(text(values, 0).into()))
}

pub(super) fn title(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(title_case(text(values, 0))))
}

pub(super) fn to_upper(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(super::title::upper(text(values, 0))))
}

pub(super) fn to_lower(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(super::title::lower(text(values, 0))))
}

pub(super) fn graph_link(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(link(text(values, 0), 0)))
}

pub(super) fn table_link(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(link(text(values, 0), 1)))
}

fn link(query: &str, tab: u8) -> String {
    format!("/graph?g0.expr={}&g0.tab={tab}", url_query(query))
}

/// Host and port of `host:port`, `[host]:port`; `None` if it is neither.
fn split_host_port(address: &str) -> Option<(&str, &str)> {
    let colon = address.rfind(':')?;
    let (host, port) = (&address[..colon], &address[colon + 1..]);
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']')?;
        return (!inner.contains(['[', ']']) && !port.contains(['[', ']']))
            .then_some((inner, port));
    }
    (!host.contains([':', '[', ']']) && !port.contains(['[', ']'])).then_some((host, port))
}

pub(super) fn strip_port(values: &[Value], _: Env<'_>) -> Called {
    let address = text(values, 0);
    Ok(Value::text(
        split_host_port(address).map_or(address, |(host, _)| host),
    ))
}

fn is_ip(host: &str) -> bool {
    let zoned = || {
        let (address, zone) = host.split_once('%')?;
        (!zone.is_empty() && address.parse::<Ipv6Addr>().is_ok()).then_some(())
    };
    host.parse::<IpAddr>().is_ok() || zoned().is_some()
}

pub(super) fn strip_domain(values: &[Value], _: Env<'_>) -> Called {
    let address = text(values, 0);
    let (host, port) = split_host_port(address).unwrap_or((address, ""));
    if is_ip(host) {
        return Ok(Value::text(address));
    }
    let host = host.split('.').next().unwrap_or_default();
    Ok(Value::text(match port {
        "" => host.to_string(),
        port if host.contains([':', '%']) => format!("[{host}]:{port}"),
        port => format!("{host}:{port}"),
    }))
}

pub(super) fn url_query_escape(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(url_query(text(values, 0))))
}

/// The number that a value is.
fn float(values: &[Value]) -> Result<f64, CallError> {
    match values.first() {
        Some(Value::Float(value)) => Ok(*value),
        Some(Value::Int(n) | Value::Int64(n)) => Ok(*n as f64),
        Some(Value::Text(text)) => try_parse_float(text).map_err(|error| {
            let (text, why) = (quote(text), error.to_string());
            let why = why.rsplit(": ").next().unwrap_or_default();
            CallError::new(format!("strconv.ParseFloat: parsing {text}: {why}"))
        }),
        Some(other) => {
            let name = other.type_name();
            Err(CallError::new(format!("can't convert {name} to float")))
        }
        None => Err(CallError::new("can't convert <nil> to float")),
    }
}

pub(super) fn humanize(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(humanize::metric(float(values)?)))
}

pub(super) fn humanize1024(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(humanize::binary(float(values)?)))
}

pub(super) fn humanize_duration(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(humanize::duration(float(values)?)))
}

pub(super) fn humanize_percentage(values: &[Value], _: Env<'_>) -> Called {
    Ok(Value::text(humanize::percentage(float(values)?)))
}

/// A time in seconds; it is kept in ms.
fn time(seconds: f64) -> Result<Time, CallError> {
    let nanos = seconds * 1e9;
    if nanos > i64::MAX as f64 || nanos < i64::MIN as f64 {
        let text = quarrel_functions::fmt::format_g(seconds);
        return Err(CallError::new(format!(
            "{text} cannot be represented as a nanoseconds timestamp since it overflows int64"
        )));
    }
    Ok(Time {
        ms: nanos as i64 / 1_000_000,
    })
}

pub(super) fn humanize_timestamp(values: &[Value], _: Env<'_>) -> Called {
    let seconds = float(values)?;
    if !seconds.is_finite() {
        return Ok(Value::text(super::printf::four_digits(seconds)));
    }
    Ok(Value::text(time(seconds)?.to_string()))
}

pub(super) fn to_time(values: &[Value], _: Env<'_>) -> Called {
    let seconds = float(values)?;
    if !seconds.is_finite() {
        return Err(CallError::new("value is NaN or Inf"));
    }
    Ok(Value::Time(time(seconds)?))
}

pub(super) fn to_duration(values: &[Value], _: Env<'_>) -> Called {
    let nanos = float(values)? * 1e9;
    // What does not fit is the smallest number on the machines that Go is used on.
    let fits = nanos > -(2f64.powi(63)) && nanos < 2f64.powi(63);
    Ok(Value::Duration(if fits { nanos as i64 } else { i64::MIN }))
}

pub(super) fn parse_duration(values: &[Value], _: Env<'_>) -> Called {
    let written = text(values, 0);
    let (sign, unsigned) = match written.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, written),
    };
    let ms = literal::parse_duration(unsigned).map_err(CallError::Failed)?;
    Ok(Value::Float(sign * ms as f64 / 1000.0))
}

pub(super) fn now(_: &[Value], env: Env<'_>) -> Called {
    Ok(Value::Float(env.now_ms() as f64 / 1000.0))
}

pub(super) fn external_url(_: &[Value], env: Env<'_>) -> Called {
    Ok(Value::text(env.server_url().ok_or_else(CallError::nil)?))
}

pub(super) fn path_prefix(_: &[Value], env: Env<'_>) -> Called {
    let url = env.server_url().ok_or_else(CallError::nil)?;
    let behind = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = behind.find('/').map_or("", |at| &behind[at..]);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    Ok(Value::text(path))
}
