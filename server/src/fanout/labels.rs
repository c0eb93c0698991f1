//! Labels of rules, targets and exemplars.

use quarrel_proto::labels::LabelSet;
use serde::{Serialize, Serializer};

/// Labels, sorted by name. They compare as Prometheus compares them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Labels(pub(super) Vec<(String, String)>);

impl Labels {
    /// # Errors
    /// If they are not UTF-8.
    pub(super) fn read(set: Option<LabelSet>) -> Result<Self, String> {
        let text = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).map(str::to_string);
            text.map_err(|_| "labels are not UTF-8".to_string())
        };
        let labels = set.unwrap_or_default().labels;
        let pairs = labels.iter().map(|l| Ok((text(&l.name)?, text(&l.value)?)));
        let mut pairs = pairs.collect::<Result<Vec<_>, String>>()?;
        pairs.sort_unstable();
        pairs.dedup_by(|next, first| next.0 == first.0);
        Ok(Labels(pairs))
    }

    /// Takes labels away.
    pub(super) fn remove(&mut self, names: &[String]) {
        self.0.retain(|(name, _)| !names.contains(name));
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
