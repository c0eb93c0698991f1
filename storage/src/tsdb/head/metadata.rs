//! What a head's log says about its metrics: type, unit and help.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

/// What is known of a metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Metadata {
    /// `counter`, `gauge`, `histogram` and so on.
    pub kind: &'static str,
    /// What it is.
    pub help: String,
    /// In which unit it is; often empty.
    pub unit: String,
}

impl Metadata {
    /// The name of a type by its number in the log.
    pub(super) fn kind(number: u8) -> &'static str {
        match number {
            1 => "counter",
            2 => "gauge",
            3 => "histogram",
            4 => "gaugehistogram",
            5 => "summary",
            6 => "info",
            7 => "stateset",
            _ => "unknown",
        }
    }

    /// The metric whose series these are: those of a histogram or a summary have
    /// endings.
    pub fn family<'a>(&self, name: &'a str) -> &'a str {
        let endings: &[&str] = match self.kind {
            "histogram" | "gaugehistogram" => &["_bucket", "_count", "_sum", "_gcount", "_gsum"],
            "summary" => &["_count", "_sum"],
            _ => &[],
        };
        let family = endings.iter().find_map(|ending| name.strip_suffix(ending));
        family.filter(|family| !family.is_empty()).unwrap_or(name)
    }
}

/// Metadata by series.
pub(super) type BySeries = FxHashMap<u32, Arc<Metadata>>;

/// The metadata of a replay.
#[derive(Debug, Default)]
pub(super) struct AllMetadata {
    /// Views share it until there is something new.
    pub by_series: Arc<BySeries>,
    /// Each one is kept once.
    known: FxHashSet<Arc<Metadata>>,
}

impl AllMetadata {
    pub fn set(&mut self, series: u32, metadata: Metadata) {
        let metadata = match self.known.get(&metadata) {
            Some(known) => Arc::clone(known),
            None => {
                let new = Arc::new(metadata);
                self.known.insert(Arc::clone(&new));
                new
            }
        };
        Arc::make_mut(&mut self.by_series).insert(series, metadata);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_belong_to_their_types() {
        for (kind, name, family) in [
            (3, "x_bucket", "x"),
            (3, "x_count", "x"),
            (3, "x_total", "x_total"),
            (5, "x_sum", "x"),
            (5, "x_bucket", "x_bucket"),
            (1, "x_count", "x_count"),
            (3, "_sum", "_sum"),
        ] {
            let metadata = Metadata {
                kind: Metadata::kind(kind),
                help: String::new(),
                unit: String::new(),
            };
            assert_eq!(metadata.family(name), family, "{kind}");
        }
    }
}
