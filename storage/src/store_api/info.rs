//! What an endpoint says of itself.

use quarrel_engine::storage::TimeRange;
use quarrel_functions::fmt::quote;
use quarrel_proto::info::{InfoResponse, StoreInfo};
use quarrel_proto::labels::Label;

/// External labels: names and values, sorted by name.
pub type LabelSet = Vec<(String, String)>;

/// What an endpoint has said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointInfo {
    /// `sidecar`, `store`, `receive`, `rule`, `query`.
    pub component: String,
    /// The external labels of its data; one set or several.
    pub label_sets: Vec<LabelSet>,
    /// The StoreAPI, if it is there.
    pub store: Option<StoreFacts>,
    /// Whether it has the Query API.
    pub query: bool,
    /// Whether it has rules.
    pub rules: bool,
    /// Whether it has targets.
    pub targets: bool,
    /// Whether it has the metadata of metrics.
    pub metric_metadata: bool,
    /// The range of its exemplars, if it has some.
    pub exemplars: Option<TimeRange>,
}

/// What an endpoint has said of its StoreAPI.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreFacts {
    /// The range of its data, ms.
    pub range: TimeRange,
    /// Whether it heeds `shard_info`.
    pub supports_sharding: bool,
    /// Whether it heeds `without_replica_labels`.
    pub supports_without_replica_labels: bool,
    /// The single databases behind it.
    pub tsdbs: Vec<TsdbFacts>,
}

/// A database behind an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TsdbFacts {
    /// Its external labels.
    pub labels: LabelSet,
    /// The range of its data, ms.
    pub range: TimeRange,
}

impl EndpointInfo {
    /// The range of its data; everything if it has not said.
    pub fn range(&self) -> TimeRange {
        self.store
            .as_ref()
            .map_or(TimeRange::ALL, |store| store.range)
    }

    /// Reads an answer of the Info API.
    ///
    /// # Errors
    /// When labels are not UTF-8.
    pub(super) fn read(answer: InfoResponse) -> Result<Self, String> {
        let sets = answer.label_sets.iter();
        let sets: Result<Vec<LabelSet>, String> = sets.map(|set| label_set(&set.labels)).collect();
        let mut label_sets = sets?;
        label_sets.retain(|set| !set.is_empty());
        let range = |start, end| TimeRange { start, end };
        Ok(EndpointInfo {
            component: answer.component_type,
            label_sets,
            store: answer.store.map(store_facts).transpose()?,
            query: answer.query.is_some(),
            rules: answer.rules.is_some(),
            targets: answer.targets.is_some(),
            metric_metadata: answer.metric_metadata.is_some(),
            exemplars: answer.exemplars.map(|e| range(e.min_time, e.max_time)),
        })
    }
}

fn store_facts(info: StoreInfo) -> Result<StoreFacts, String> {
    let tsdbs = info.tsdb_infos.iter().map(|tsdb| {
        let labels = tsdb.labels.as_ref();
        Ok(TsdbFacts {
            labels: label_set(labels.map_or(&[], |set| &set.labels))?,
            range: TimeRange {
                start: tsdb.min_time,
                end: tsdb.max_time,
            },
        })
    });
    Ok(StoreFacts {
        range: TimeRange {
            start: info.min_time,
            end: info.max_time,
        },
        supports_sharding: info.supports_sharding,
        supports_without_replica_labels: info.supports_without_replica_labels,
        tsdbs: tsdbs.collect::<Result<_, String>>()?,
    })
}

fn label_set(labels: &[Label]) -> Result<LabelSet, String> {
    let text = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).map(str::to_string);
        text.map_err(|_| "external labels are not UTF-8".to_string())
    };
    let pairs = labels.iter().map(|l| Ok((text(&l.name)?, text(&l.value)?)));
    let mut pairs: LabelSet = pairs.collect::<Result<_, String>>()?;
    pairs.sort_unstable();
    Ok(pairs)
}

/// Label sets as Thanos prints them, `{a="1"},{b="2"}`, cut where they are long.
pub(super) fn print_label_sets(sets: &[LabelSet]) -> String {
    const LONGEST: usize = 1_000;
    let mut out = String::new();
    for (number, set) in sets.iter().enumerate() {
        if out.len() > LONGEST {
            out.push_str(",...");
            break;
        }
        out.push_str(if number > 0 { ",{" } else { "{" });
        for (number, (name, value)) in set.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            out.push_str(&format!("{comma}{name}={}", quote(value)));
        }
        out.push('}');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> LabelSet {
        let own = |&(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        pairs.iter().map(own).collect()
    }

    #[test]
    fn label_sets_are_printed_as_thanos_does() {
        let sets = [labels(&[("a", "1"), ("b", "x\"y")]), labels(&[("a", "2")])];
        assert_eq!(print_label_sets(&sets), r#"{a="1", b="x\"y"},{a="2"}"#);
        assert_eq!(print_label_sets(&[]), "");
        let many: Vec<LabelSet> = (0..1_000).map(|_| labels(&[("a", "1")])).collect();
        let text = print_label_sets(&many);
        assert!(text.len() < 1_100 && text.ends_with(",..."), "{text}");
    }
}
