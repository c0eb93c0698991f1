//! A metric of a schema.

use std::collections::BTreeMap;

/// The labels of a series without its name.
pub(super) type LabelSet = BTreeMap<String, String>;

/// The series that share a name.
#[derive(Clone, Debug)]
pub struct Metric {
    pub(super) name: String,
    pub(super) kind: MetricKind,
    /// Names of labels, ordered.
    pub(super) labels: Vec<String>,
    pub(super) values: BTreeMap<String, Vec<String>>,
    pub(super) series: u32,
    /// The label sets of some series.
    pub(super) sets: Vec<LabelSet>,
}

/// What the samples of a metric are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// Numbers that rise until a restart.
    Counter,
    /// Any other numbers.
    Gauge,
    /// The buckets of classic histograms.
    ClassicBucket,
    /// Labels alone; the numbers are 1.
    Info,
    /// Native histograms.
    NativeHistogram,
}

impl Metric {
    /// Its name; empty for series without one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its samples are.
    pub fn kind(&self) -> MetricKind {
        self.kind
    }

    /// The names of its labels, ordered, without `__name__`.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// How many series it has.
    pub fn series(&self) -> u32 {
        self.series
    }

    /// The values of a label.
    pub(super) fn values(&self, label: &str) -> &[String] {
        self.values.get(label).map_or(&[], Vec::as_slice)
    }

    /// How often it is picked, compared with others: seldom if it is slow, or if
    /// a query selects few of its series.
    pub(super) fn weight(&self) -> u32 {
        match self.series {
            0..=10 => 2 + self.series,
            11..=110 => 12,
            111..=2_000 => 4,
            _ => 1,
        }
    }

    /// Whether it only rises.
    pub(super) fn rises(&self) -> bool {
        matches!(self.kind, MetricKind::Counter | MetricKind::ClassicBucket)
    }
}

/// The kind of a metric of which nothing but the name is known.
pub(super) fn kind_of_name(name: &str, has_bounds: bool) -> MetricKind {
    let ends = |suffix| name.ends_with(suffix);
    if ends("_bucket") && has_bounds {
        MetricKind::ClassicBucket
    } else if ends("_total") || ends("_count") || ends("_sum") || ends("_bucket") {
        MetricKind::Counter
    } else if ends("_info") {
        MetricKind::Info
    } else {
        MetricKind::Gauge
    }
}

/// The kind of a metric by the type of its family; `None` if that is unknown.
pub(super) fn kind_of_type(metric: &Metric, types: &BTreeMap<&str, &str>) -> Option<MetricKind> {
    let by_name = |name: &str| types.get(name).copied();
    let own = by_name(&metric.name);
    let of_suffix = |suffix: &str| metric.name.strip_suffix(suffix).and_then(by_name);
    let bounds = metric.values.contains_key("le");
    if let Some("histogram" | "gaugehistogram") = of_suffix("_bucket").filter(|_| bounds) {
        return Some(MetricKind::ClassicBucket);
    }
    match of_suffix("_count").or(of_suffix("_sum")) {
        Some("histogram" | "summary") => return Some(MetricKind::Counter),
        Some("gaugehistogram") => return Some(MetricKind::Gauge),
        _ => {}
    }
    match own.or(of_suffix("_total")).or(of_suffix("_info"))? {
        "counter" => Some(MetricKind::Counter),
        "gauge" | "summary" | "stateset" => Some(MetricKind::Gauge),
        "info" => Some(MetricKind::Info),
        // The series of classic ones have other names.
        "histogram" | "gaugehistogram" if !bounds => Some(MetricKind::NativeHistogram),
        _ => None,
    }
}
