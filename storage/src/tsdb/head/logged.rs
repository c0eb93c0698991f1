//! What a head's log tells beside samples: exemplars and metadata of its series.

use std::collections::BTreeMap;
use std::sync::Arc;

use quarrel_engine::storage::TimeRange;
use quarrel_matchers::Matcher;
use rustc_hash::{FxHashMap, FxHashSet};

use super::exemplars::{Exemplar, SeriesExemplars};
use super::metadata::Metadata;
use super::view::Head;

impl Head {
    /// The exemplars in a range of time, of series that satisfy all matchers of
    /// one of the sets; ordered by labels.
    pub fn exemplars(&self, range: TimeRange, sets: &[Vec<Matcher>]) -> Vec<SeriesExemplars> {
        let mut found: FxHashMap<u32, Option<SeriesExemplars>> = FxHashMap::default();
        for (id, exemplar) in self.exemplars.iter() {
            if exemplar.timestamp < range.start || exemplar.timestamp > range.end {
                continue;
            }
            let series = found.entry(*id).or_insert_with(|| {
                let series = self.series(*id);
                let matches = |m: &Matcher| m.matches(series.label(m.name()).unwrap_or_default());
                let is_wanted = sets.iter().any(|set| set.iter().all(matches));
                is_wanted.then(|| {
                    let text = |(name, value): (&str, &str)| (name.to_string(), value.to_string());
                    SeriesExemplars {
                        labels: series.labels().map(text).collect(),
                        exemplars: Vec::new(),
                    }
                })
            });
            if let Some(series) = series {
                series.exemplars.push(Exemplar::clone(exemplar));
            }
        }
        let mut all: Vec<SeriesExemplars> = found.into_values().flatten().collect();
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        all
    }

    /// What the log says about each metric, or about the one of this name, of which
    /// it has a series that satisfies all matchers. Where it says several things, all
    /// of them in their order.
    pub fn metadata(
        &self,
        metric: Option<&str>,
        matchers: &[Matcher],
    ) -> BTreeMap<String, Vec<Metadata>> {
        let mut pairs: FxHashSet<(&str, &Arc<Metadata>)> = FxHashSet::default();
        for (id, metadata) in self.metadata.iter() {
            let series = self.series(*id);
            let name = series.label("__name__").unwrap_or_default();
            let family = metadata.family(name);
            let matches = |m: &Matcher| m.matches(series.label(m.name()).unwrap_or_default());
            if metric.is_none_or(|metric| metric == family)
                && !family.is_empty()
                && matchers.iter().all(matches)
            {
                pairs.insert((family, metadata));
            }
        }
        let mut all: BTreeMap<String, Vec<Metadata>> = BTreeMap::new();
        for (family, metadata) in pairs {
            let of_family = all.entry(family.to_string()).or_default();
            of_family.push(Metadata::clone(metadata));
        }
        all.values_mut().for_each(|list| list.sort());
        all
    }
}
