//! Finds metrics and labels of an endpoint for the list.
//!
//! Of each kind the first metric is taken that has a few series, a label that
//! tells them apart, and, of gauges, values that change; well-known names come
//! first, and then some of each family of names. Series are counted before they
//! are listed, and few metrics are looked at, so that a large endpoint has little
//! to do.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::case::Origin;
use super::super::data::{Data, DataError, Metadata};
use super::super::error::CaseError;
use super::variables::Variables;

/// How many series a metric may have; answers stay small.
const MOST_SERIES: f64 = 200.0;
/// The same for buckets of classic histograms.
const MOST_BUCKETS: f64 = 1500.0;
/// How many metrics of a kind are looked at.
const TRIES: usize = 24;

/// Names that many endpoints have, of which the queries make sense.
const KNOWN: &[&str] = &[
    "node_cpu_seconds_total",
    "container_cpu_usage_seconds_total",
    "prometheus_http_requests_total",
    "http_requests_total",
    "node_filesystem_avail_bytes",
    "node_memory_MemAvailable_bytes",
    "container_memory_working_set_bytes",
    "prometheus_http_request_duration_seconds",
    "http_request_duration_seconds",
    "http_server_request_duration_seconds",
    "prometheus_http_response_size_bytes",
    "node_os_info",
    "node_uname_info",
    "target_info",
    "prometheus_build_info",
];

/// How names of gauges end where they say what is measured.
const UNITS: &[&str] = &["_bytes", "_seconds", "_ratio", "_percent", "_celsius"];

/// Labels that say where a series is from; others make better groups.
const PLACES: [&str; 2] = ["job", "instance"];

/// The kinds of metrics that the list needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Classic,
    Native,
    Info,
}

/// Asks an endpoint for metrics and labels. What it does not have is left
/// without a value.
///
/// # Errors
/// If the names of metrics cannot be listed, or what was found cannot be asked
/// for.
pub async fn discover(data: &impl Data) -> Result<Variables, CaseError> {
    let fail = |error| CaseError::Data {
        origin: Origin::new("built-in list", ""),
        error,
    };
    let names = data.label_values("__name__", &[]).await.map_err(fail)?;
    // Not every endpoint has the API of metadata. Names tell as well.
    let metadata = data.metadata().await.unwrap_or_default();
    let catalog = Catalog {
        names: names
            .into_iter()
            .filter(|name| is_plain_name(name))
            .collect(),
        metadata,
    };
    let mut variables = Variables::default();
    for kind in [
        Kind::Counter,
        Kind::Gauge,
        Kind::Classic,
        Kind::Native,
        Kind::Info,
    ] {
        let found = find(kind, &catalog, data).await.map_err(fail)?;
        if let Some(found) = found {
            found.put(kind, &mut variables);
        }
    }
    Ok(variables)
}

struct Catalog {
    names: BTreeSet<String>,
    metadata: BTreeMap<String, Metadata>,
}

impl Catalog {
    fn kind_of(&self, name: &str) -> Option<&str> {
        let metadata = self.metadata.get(name)?;
        Some(metadata.kind.as_str()).filter(|kind| !matches!(*kind, "" | "unknown" | "untyped"))
    }

    /// The metrics of a kind, the best first.
    fn candidates(&self, kind: Kind) -> Vec<&str> {
        let mut found: Vec<&str> = match kind {
            Kind::Classic => self
                .names
                .iter()
                .filter_map(|name| name.strip_suffix("_bucket"))
                .filter(|base| {
                    let has = |suffix| self.names.contains(&format!("{base}{suffix}"));
                    has("_sum") && has("_count")
                })
                .collect(),
            _ => {
                let names = self.names.iter().map(String::as_str);
                names.filter(|name| self.is(kind, name)).collect()
            }
        };
        found.sort_by_cached_key(|name| self.rank(name));
        // The first of each family, then the second of each, and so on.
        let mut families: HashMap<String, usize> = HashMap::new();
        let mut ordered: Vec<(usize, &str)> = Vec::new();
        for name in found {
            let words: Vec<&str> = name.splitn(3, '_').take(2).collect();
            let place = families.entry(words.join("_")).or_default();
            let is_known = KNOWN.contains(&name);
            ordered.push((if is_known { 0 } else { *place }, name));
            *place += 1;
        }
        ordered.sort_by_key(|(place, _)| *place);
        ordered.truncate(TRIES);
        ordered.into_iter().map(|(_, name)| name).collect()
    }

    /// Known names, then those whose kind is told, then those with a unit.
    fn rank(&self, name: &str) -> (usize, bool, bool) {
        let known = KNOWN.iter().position(|known| *known == name);
        let has_unit = UNITS.iter().any(|unit| name.ends_with(unit));
        let is_told = self.kind_of(name).is_some();
        (known.unwrap_or(KNOWN.len()), !is_told, !has_unit)
    }

    fn is(&self, kind: Kind, name: &str) -> bool {
        let told = self.kind_of(name);
        let is_part = ["_total", "_bucket", "_sum", "_count", "_info", "_created"]
            .iter()
            .any(|suffix| name.ends_with(suffix));
        match kind {
            Kind::Counter => told == Some("counter") || told.is_none() && name.ends_with("_total"),
            Kind::Gauge => {
                // Times are gauges that rise all the time, alerts come and go.
                let is_odd = name.contains("time") || name.starts_with("ALERTS");
                !is_part && !is_odd && matches!(told, None | Some("gauge"))
            }
            Kind::Native => {
                let may_be = ["_seconds", "_bytes"]
                    .iter()
                    .any(|unit| name.ends_with(unit));
                told == Some("histogram") || told.is_none() && may_be
            }
            Kind::Info => name.ends_with("_info"),
            Kind::Classic => false,
        }
    }
}

/// A metric, and labels of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    metric: String,
    label: String,
    value: String,
    other: String,
}

impl Found {
    fn put(&self, kind: Kind, variables: &mut Variables) {
        let Found {
            metric,
            label,
            value,
            other,
        } = self;
        let pairs: &[(&'static str, &str)] = match kind {
            Kind::Counter => &[
                ("counter", metric),
                ("counter_label", label),
                ("counter_value", value),
                ("counter_other", other),
            ],
            Kind::Gauge => &[
                ("gauge", metric),
                ("gauge_label", label),
                ("gauge_value", value),
                ("gauge_other", other),
            ],
            Kind::Classic => &[("histogram", metric), ("histogram_label", label)],
            Kind::Native => &[("native", metric), ("native_label", label)],
            Kind::Info => &[("info", metric), ("info_label", label)],
        };
        for (name, value) in pairs {
            variables.put(name, value);
        }
    }
}

async fn find(kind: Kind, catalog: &Catalog, data: &impl Data) -> Result<Option<Found>, DataError> {
    let mut best: Option<(u8, Found)> = None;
    for name in catalog.candidates(kind) {
        let (selector, count) = match kind {
            Kind::Classic => (format!("{name}_bucket"), format!("count({name}_bucket)")),
            Kind::Native => (name.into(), format!("count(histogram_count({name}))")),
            // Histograms have no absolute value.
            Kind::Gauge => (name.into(), format!("count(abs({name}))")),
            Kind::Counter | Kind::Info => (name.into(), format!("count({name})")),
        };
        let most = match kind {
            Kind::Classic => MOST_BUCKETS,
            _ => MOST_SERIES,
        };
        // Not every endpoint knows every function, or counts so many series.
        let Ok(series) = data.query(&count).await else {
            continue;
        };
        let fits = |count: f64| count >= 1.0 && count <= most;
        if !series.first().is_some_and(|sample| fits(sample.value)) {
            continue;
        }
        let series = data.series(&[selector]).await?;
        let Some((labels, apart)) = labels(kind, &series) else {
            continue;
        };
        let changes = kind != Kind::Gauge || {
            let changes = format!("count(changes({name}[15m]) > 0)");
            data.query(&changes)
                .await
                .is_ok_and(|found| !found.is_empty())
        };
        let score = 2 * apart as u8 + u8::from(changes);
        let found = Found {
            metric: name.into(),
            ..labels
        };
        if score == 2 * Apart::Well as u8 + 1 {
            return Ok(Some(found));
        }
        if best.as_ref().is_none_or(|(other, _)| score > *other) {
            best = Some((score, found));
        }
    }
    Ok(best.map(|(_, found)| found))
}

/// How a label tells the series of a metric apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Apart {
    /// Not at all.
    No = 0,
    /// By where they are from.
    ByPlace = 1,
    /// By what they are.
    Well = 2,
}

/// Labels of a metric, and how the first tells its series apart: the label with
/// the most values, `job` and `instance` behind others.
fn labels(kind: Kind, series: &[BTreeMap<String, String>]) -> Option<(Found, Apart)> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in series.iter().flatten() {
        let is_usable = is_plain_name(name) && !name.contains(':') && !name.starts_with("__");
        if is_usable && name != "le" {
            values.entry(name).or_default().insert(value);
        }
    }
    if kind == Kind::Info {
        // The labels that are matched on must be there.
        if !PLACES.iter().all(|place| values.contains_key(place)) {
            return None;
        }
        values.retain(|name, _| !PLACES.contains(name));
    }
    let mut ranked: Vec<(&str, BTreeSet<&str>)> = values.into_iter().collect();
    ranked.sort_by_key(|(name, values)| {
        let is_alike = values.len() < 2 || plain(values).is_none();
        let place = PLACES.contains(name);
        (is_alike, place, std::cmp::Reverse(values.len()))
    });
    let (label, values) = ranked.first()?;
    let other = ranked.get(1).map_or(*label, |(name, _)| name);
    let value = plain(values).or((kind == Kind::Info).then_some(""))?;
    let found = Found {
        metric: String::new(),
        label: (*label).into(),
        value: value.into(),
        other: other.into(),
    };
    let apart = match values.len() {
        _ if kind == Kind::Info => Apart::Well,
        0 | 1 => Apart::No,
        _ if PLACES.contains(label) => Apart::ByPlace,
        _ => Apart::Well,
    };
    Some((found, apart))
}

/// The first value that needs no escapes.
fn plain<'a>(values: &BTreeSet<&'a str>) -> Option<&'a str> {
    let mut values = values.iter().copied();
    values.find(|value| is_plain_value(value))
}

/// Whether a name needs no quotes.
fn is_plain_name(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    starts_well && name.chars().all(is_plain)
}

/// Whether a value is itself in strings and regular expressions.
fn is_plain_value(value: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '/' | '-');
    !value.is_empty() && value.chars().all(is_plain)
}
