//! `meta.json`: the metadata of a block.

use std::path::Path;

use quarrel_engine::storage::StorageError;
use serde::Deserialize;

use crate::tsdb::data_path::DataPath;

/// The name of the file in a block's directory.
pub(crate) const FILE: &str = "meta.json";
/// Most bytes of the file. A block that replaces a thousand others has some
/// 100 KiB.
const MAX_FILE: u64 = 16 << 20;

/// The parts of a block's `meta.json` that a reader needs.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct BlockMeta {
    /// The name of the block, by which other blocks refer to it.
    pub ulid: String,
    /// Lower bound of all timestamps, ms, inclusive.
    pub min_time: i64,
    /// Upper bound of all timestamps, ms, exclusive.
    pub max_time: i64,
    /// Numbers of samples, series and chunks; 0 if missing.
    #[serde(default)]
    pub stats: BlockStats,
    /// The compaction that created the block.
    #[serde(default)]
    pub compaction: Compaction,
    version: u32,
}

/// Statistics of a block.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct BlockStats {
    /// Number of samples.
    pub num_samples: u64,
    /// How many of them are native histograms; 0 if missing.
    pub num_histogram_samples: u64,
    /// Number of series.
    pub num_series: u64,
    /// Number of chunks.
    pub num_chunks: u64,
}

/// Assumed samples of a chunk in a block without statistics.
const DEFAULT_SAMPLES: f64 = 120.0;

/// What a native histogram costs, in floats.
const FLOATS_A_HISTOGRAM: u64 = 20;

impl BlockStats {
    /// The average number of samples in a chunk, in floats by their cost.
    pub fn samples_per_chunk(&self) -> f64 {
        let more = self
            .num_histogram_samples
            .saturating_mul(FLOATS_A_HISTOGRAM - 1);
        match (self.num_samples.saturating_add(more), self.num_chunks) {
            (samples @ 1.., chunks @ 1..) => samples as f64 / chunks as f64,
            _ => DEFAULT_SAMPLES,
        }
    }
}

/// The compaction that created a block.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Compaction {
    /// The block has no samples and will be deleted.
    pub deletable: bool,
    /// The blocks that this one replaces.
    pub parents: Vec<Parent>,
    /// Hints of the compactor.
    pub hints: Vec<String>,
}

/// A block that another one replaces.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Parent {
    /// Its name.
    pub ulid: String,
}

/// The version of the file's format.
const VERSION: u32 = 1;

impl BlockMeta {
    /// Reads the file in the block directory `dir`.
    ///
    /// # Errors
    /// When it cannot be read, has more than 16 MiB, is malformed, or has a
    /// version that Prometheus 3.16 does not know.
    pub fn read(dir: &Path) -> Result<BlockMeta, StorageError> {
        BlockMeta::read_in(&DataPath::block(dir))
    }

    pub(in crate::tsdb) fn read_in(dir: &DataPath) -> Result<BlockMeta, StorageError> {
        let path = dir.join(FILE);
        let text = path.read(MAX_FILE).map_err(|e| path.io(e))?;
        let corrupt = |detail: String| path.corrupt(detail);
        let meta: BlockMeta = serde_json::from_slice(&text).map_err(|e| corrupt(e.to_string()))?;
        if meta.version != VERSION {
            return Err(corrupt(format!(
                "unexpected meta file version {}",
                meta.version
            )));
        }
        if !is_ulid(&meta.ulid) {
            return Err(corrupt(format!("{:?} is not a ULID", meta.ulid)));
        }
        Ok(meta)
    }

    /// Whether the block has all in-order samples of its time range. Blocks of
    /// out-of-order samples or of some series do not tell which samples have
    /// left the head.
    pub fn is_in_order(&self) -> bool {
        let partial = [
            "from-out-of-order",
            "from-stale-series",
            "from-selected-series",
        ];
        !self
            .compaction
            .hints
            .iter()
            .any(|h| partial.contains(&h.as_str()))
    }

    /// Whether the block may have samples in a closed range, ms.
    pub fn overlaps(&self, start: i64, end: i64) -> bool {
        self.min_time <= end && start < self.max_time
    }
}

/// Whether a name is a ULID: 26 characters of Crockford's base 32 in either
/// case, as Go's strict parser takes them, of at most 128 bits.
pub(crate) fn is_ulid(name: &str) -> bool {
    let base32 = |b: u8| {
        b.is_ascii_alphanumeric() && !matches!(b.to_ascii_uppercase(), b'I' | b'L' | b'O' | b'U')
    };
    name.len() == 26 && name.bytes().all(base32) && name.as_bytes()[0] <= b'7'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BlockMeta, StorageError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), text).unwrap();
        BlockMeta::read(dir.path())
    }

    #[test]
    fn files_of_prometheus_are_read() {
        let meta = read(
            r#"{"ulid": "01M85E79XRE5Y0GPF7ZGGT2A8W", "minTime": 10, "maxTime": 20,
            "stats": {"numSamples": 5, "numSeries": 1, "numChunks": 1, "numTombstones": 9},
            "compaction": {"level": 2, "sources": ["01M85E79XRE5Y0GPF7ZGGT2A8W"],
              "parents": [{"ulid": "01M85E79XRE5Y0GPF7ZGGT2A8V", "minTime": 1, "maxTime": 2}],
              "hints": ["from-out-of-order"]}, "version": 1}"#,
        )
        .unwrap();
        assert_eq!(meta.stats.num_samples, 5);
        assert_eq!(
            meta.compaction.parents[0].ulid,
            "01M85E79XRE5Y0GPF7ZGGT2A8V"
        );
        assert!(!meta.is_in_order() && !meta.compaction.deletable);
        assert!(meta.overlaps(19, 30) && meta.overlaps(0, 10));
        assert!(!meta.overlaps(20, 30) && !meta.overlaps(0, 9));
    }

    #[test]
    fn invalid_files_are_errors_with_their_name() {
        let whole = r#"{"ulid":"01M85E79XRE5Y0GPF7ZGGT2A8W","minTime":1,"maxTime":2,"version":1}"#;
        assert!(read(whole).is_ok());
        for text in [
            "",
            "{}",
            "null",
            &whole[..40],
            &whole.replace("version\":1", "version\":2"),
            &whole.replace("01M", "../"),
            &whole.replace("minTime\":1", "minTime\":1e99"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("meta.json"), "{error}");
        }
    }

    #[test]
    fn ulids_are_recognized() {
        assert!(is_ulid("01M85E79XRE5Y0GPF7ZGGT2A8W"));
        assert!(is_ulid("01m85e79xre5y0gpf7zggt2a8w"));
        assert!(!is_ulid("81M85E79XRE5Y0GPF7ZGGT2A8W"));
        assert!(!is_ulid("01M85E79XRE5Y0GPF7ZGGT2A8U"));
        assert!(!is_ulid("01M85E79XRE5Y0GPF7ZGGT2A8"));
        assert!(!is_ulid("01M85E79XRE5Y0GPF7ZGGT2A8W.tmp-for-deletion"));
    }
}
