//! Statistics of a head's labels, as Prometheus's `status/tsdb` shows them.

use quarrel_engine::storage::TimeRange;
use rustc_hash::FxHashMap;

use super::symbols::HeadSymbol;
use super::view::Head;

/// What the series of a head are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadStats {
    /// Number of series.
    pub series: u64,
    /// Number of distinct labels, names with values.
    pub label_pairs: u64,
    /// Number of chunks.
    pub chunks: u64,
    /// The times of the first and the last sample.
    pub time_range: Option<TimeRange>,
    /// Metric names with the most series.
    pub series_by_metric_name: Vec<(String, u64)>,
    /// Label names with the most values.
    pub values_by_label_name: Vec<(String, u64)>,
    /// Label names that take the most bytes with their values, counted for each
    /// series as Prometheus holds them in memory.
    pub bytes_by_label_name: Vec<(String, u64)>,
    /// Labels, as `name=value`, with the most series.
    pub series_by_label: Vec<(String, u64)>,
}

impl Head {
    /// Counts series and labels; of each list the `limit` largest, the largest
    /// first, equal ones by their names. Takes time by the number of all labels.
    pub fn stats(&self, limit: usize) -> HeadStats {
        let mut stats = HeadStats::default();
        let mut pairs: FxHashMap<(HeadSymbol, HeadSymbol), u64> = FxHashMap::default();
        for series in self.pages.iter().flat_map(|page| page.iter()) {
            // Prometheus forgets a series without samples.
            if series.deleted || series.time_range().is_none() {
                continue;
            }
            stats.series += 1;
            stats.chunks += series.chunk_count() as u64;
            for label in series.labels.iter() {
                *pairs.entry(*label).or_default() += 1;
            }
        }
        stats.label_pairs = pairs.len() as u64;
        let range = self.time_range();
        stats.time_range = range.map(|(start, end)| TimeRange { start, end });
        let mut by_name: FxHashMap<HeadSymbol, (u64, u64)> = FxHashMap::default();
        for (&(name, value), &count) in &pairs {
            let (values, bytes) = by_name.entry(name).or_default();
            *values += 1;
            *bytes += count * (held(self.symbols.get(name)) + held(self.symbols.get(value)));
        }
        let text = |symbol: HeadSymbol| self.symbols.get(symbol).to_string();
        let metrics = pairs
            .iter()
            .filter(|((name, _), _)| self.symbols.get(*name) == "__name__");
        stats.series_by_metric_name = largest(
            metrics.map(|(&(_, value), &count)| (value, count)),
            limit,
            text,
        );
        let values = by_name.iter().map(|(&name, &(values, _))| (name, values));
        stats.values_by_label_name = largest(values, limit, text);
        let bytes = by_name.iter().map(|(&name, &(_, bytes))| (name, bytes));
        stats.bytes_by_label_name = largest(bytes, limit, text);
        let pair = |(name, value)| format!("{}={}", text(name), text(value));
        let counts = pairs.iter().map(|(&label, &count)| (label, count));
        stats.series_by_label = largest(counts, limit, pair);
        stats
    }
}

/// What Prometheus holds of a string: its bytes behind their number.
fn held(text: &str) -> u64 {
    let length = text.len() as u64;
    length + if length < 255 { 1 } else { 4 }
}

/// The items with the largest counts.
fn largest<T: Copy>(
    items: impl Iterator<Item = (T, u64)>,
    limit: usize,
    text: impl Fn(T) -> String,
) -> Vec<(String, u64)> {
    let mut all: Vec<(T, u64)> = items.collect();
    all.sort_unstable_by_key(|item| std::cmp::Reverse(item.1));
    // Equal counts at the end are ordered by name, too, before they are cut.
    let least = all.get(limit.saturating_sub(1)).map_or(0, |item| item.1);
    let mut named: Vec<(String, u64)> = all
        .into_iter()
        .take_while(|item| item.1 >= least)
        .map(|(item, count)| (text(item), count))
        .collect();
    named.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    named.truncate(limit);
    named
}
