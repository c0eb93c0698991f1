//! What a generator knows of the data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::metric::{LabelSet, Metric, MetricKind, kind_of_name, kind_of_type};

/// The label sets that are kept of a metric, to make matchers of.
const MOST_SETS: usize = 500;

/// The labels, values and types that queries are made of.
///
/// A schema without any series has the metric `up`, so that there is something
/// to ask for.
///
/// # Examples
/// ```
/// use quarrel_compliance::random::{MetricKind, Schema};
///
/// let label = |name: &str, value: &str| (name.to_string(), value.to_string());
/// let series = ["a:90", "b:90"].map(|instance| {
///     [label("__name__", "requests_total"), label("instance", instance)]
/// });
/// let schema = Schema::new(series, 1_700_000_000_000..=1_700_003_600_000);
/// assert_eq!(schema.metrics()[0].kind(), MetricKind::Counter);
/// ```
#[derive(Clone, Debug)]
pub struct Schema {
    metrics: Vec<Arc<Metric>>,
    first_ms: i64,
    last_ms: i64,
    interval_ms: i64,
}

/// A metric whose series are still read.
#[derive(Default)]
struct Reading {
    series: u32,
    /// The label sets with the least hashes, so that which ones are kept does not
    /// depend on the order of the series.
    sets: BTreeMap<(u64, LabelSet), ()>,
}

impl Schema {
    /// The schema of some series, and of the times from their first to their last
    /// sample in milliseconds since the epoch. Kinds are guessed by names.
    pub fn new<S, L>(series: S, times: std::ops::RangeInclusive<i64>) -> Self
    where
        S: IntoIterator<Item = L>,
        L: IntoIterator<Item = (String, String)>,
    {
        let mut reading: BTreeMap<String, Reading> = BTreeMap::new();
        for labels in series {
            // A label without a value is none.
            let mut labels: LabelSet = labels
                .into_iter()
                .filter(|(name, value)| !name.is_empty() && !value.is_empty())
                .collect();
            let name = labels.remove("__name__").unwrap_or_default();
            reading.entry(name).or_default().take(labels);
        }
        if reading.is_empty() {
            reading
                .entry("up".into())
                .or_default()
                .take(LabelSet::new());
        }
        let metrics = reading.into_iter().map(|(name, read)| {
            let sets: Vec<LabelSet> = read.sets.into_keys().map(|(_, set)| set).collect();
            Arc::new(metric(name, read.series, sets))
        });
        let (first, last) = times.into_inner();
        Schema {
            metrics: metrics.collect(),
            first_ms: first.min(last),
            last_ms: last.max(first),
            interval_ms: 15_000,
        }
    }

    /// With the types that metadata gives: names of metrics, or of families of
    /// histograms and summaries, with `counter`, `gauge`, `histogram`,
    /// `gaugehistogram`, `summary`, `info`, `stateset` or `unknown`. What they do
    /// not tell is guessed by names.
    #[must_use]
    pub fn with_types<'a>(mut self, types: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let types: BTreeMap<&str, &str> = types.into_iter().collect();
        for metric in &mut self.metrics {
            if let Some(kind) = kind_of_type(metric, &types) {
                Arc::make_mut(metric).kind = kind;
            }
        }
        self
    }

    /// With the names of metrics that have native histograms.
    #[must_use]
    pub fn with_native_histograms<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: BTreeSet<&str> = names.into_iter().collect();
        for metric in &mut self.metrics {
            if names.contains(metric.name()) {
                Arc::make_mut(metric).kind = MetricKind::NativeHistogram;
            }
        }
        self
    }

    /// With the usual distance of two samples, by which windows and steps are
    /// chosen; without it, 15 s.
    #[must_use]
    pub fn with_interval_millis(mut self, interval: i64) -> Self {
        self.interval_ms = interval.clamp(1, 3_600_000);
        self
    }

    /// A made-up schema with metrics of all kinds and names of all sorts, for
    /// queries that only parsers see.
    pub fn example() -> Self {
        let mut series = Vec::new();
        let mut add = |name: &str, labels: &[(&str, &str)]| {
            let name = (!name.is_empty()).then_some(("__name__", name));
            let pairs = name.into_iter().chain(labels.iter().copied());
            series.push(
                pairs
                    .map(|(name, value)| (name.to_string(), value.to_string()))
                    .collect::<Vec<_>>(),
            );
        };
        for (job, instance) in [("api", "a-1:90"), ("api", "b-2:90"), ("web", "c-3:90")] {
            let target = [("job", job), ("instance", instance)];
            for name in [
                "up",
                "requests_total",
                "temperature",
                "native_seconds",
                "sum",
            ] {
                add(name, &target);
            }
            add("build_info", &[target[0], target[1], ("version", "1.2")]);
            add("my.metric", &[target[0], ("service.name", "ü b")]);
            add("späße", &[target[0], ("on", "d\"e\n"), ("with space", "`")]);
            add("", &[target[0], ("nameless", "yes")]);
            for le in ["0.1", "1", "+Inf"] {
                add("latency_seconds_bucket", &[target[0], ("le", le)]);
            }
        }
        let start = 1_700_000_000_000;
        Schema::new(series, start..=start + 10_000_000).with_native_histograms(["native_seconds"])
    }

    /// All metrics, ordered by name.
    pub fn metrics(&self) -> &[Arc<Metric>] {
        &self.metrics
    }

    /// The time of the first sample, in milliseconds since the epoch.
    pub fn first_millis(&self) -> i64 {
        self.first_ms
    }

    /// The time of the last sample, in milliseconds since the epoch.
    pub fn last_millis(&self) -> i64 {
        self.last_ms
    }

    /// The usual distance of two samples in milliseconds.
    pub fn interval_millis(&self) -> i64 {
        self.interval_ms
    }
}

impl Reading {
    fn take(&mut self, labels: LabelSet) {
        self.series = self.series.saturating_add(1);
        self.sets.insert((hash(&labels), labels), ());
        if self.sets.len() > MOST_SETS {
            self.sets.pop_last();
        }
    }
}

/// FNV-1a, which is the same on every machine.
fn hash(labels: &LabelSet) -> u64 {
    let bytes = labels.iter().flat_map(|(name, value)| {
        name.bytes()
            .chain([0xfe])
            .chain(value.bytes())
            .chain([0xff])
    });
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

fn metric(name: String, series: u32, mut sets: Vec<LabelSet>) -> Metric {
    sets.sort();
    let mut values: BTreeMap<String, BTreeSet<&String>> = BTreeMap::new();
    for (label, value) in sets.iter().flatten() {
        values.entry(label.clone()).or_default().insert(value);
    }
    let values: BTreeMap<String, Vec<String>> = values
        .into_iter()
        .map(|(label, values)| (label, values.into_iter().cloned().collect()))
        .collect();
    Metric {
        kind: kind_of_name(&name, values.contains_key("le")),
        labels: values.keys().cloned().collect(),
        values,
        name,
        series,
        sets,
    }
}
