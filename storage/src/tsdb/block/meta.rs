//! `meta.json`: the metadata of a block.

use std::path::Path;

use quarrel_engine::storage::StorageError;

use super::go_json::{Decode, Decoder, Json};
use crate::tsdb::data_path::DataPath;

/// The name of the file in a block's directory.
pub(crate) const FILE: &str = "meta.json";
/// Most bytes of the file. A block that replaces a thousand others has some
/// 100 KiB.
pub(crate) const MAX_FILE: u64 = 16 << 20;

/// The parts of a block's `meta.json` that a reader needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockMeta {
    /// The name of the block, by which other blocks refer to it, in upper case.
    pub ulid: String,
    /// Lower bound of all timestamps, ms, inclusive.
    pub min_time: i64,
    /// Upper bound of all timestamps, ms, exclusive.
    pub max_time: i64,
    /// Numbers of samples, series and chunks; 0 if missing.
    pub stats: BlockStats,
    /// The compaction that created the block.
    pub compaction: Compaction,
    version: i64,
}

/// Statistics of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compaction {
    /// The block has no samples and will be deleted.
    pub deletable: bool,
    /// The first blocks, of the head, whose samples it has.
    pub sources: Vec<String>,
    /// The blocks that this one replaces.
    pub parents: Vec<Parent>,
    /// Hints of the compactor.
    pub hints: Vec<String>,
}

/// A block that another one replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parent {
    /// Its name.
    pub ulid: String,
}

/// The version of the file's format.
const VERSION: i64 = 1;
/// The version that Prometheus 2.1 wrote by mistake, in place of the index's.
/// Prometheus mends it when it starts.
const MISTAKEN: i64 = 2;

/// A block whose `meta.json` cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// The block's time range, if the file tells it.
    pub range: Option<(i64, i64)>,
    pub error: StorageError,
}

/// The text of a `meta.json` that is none.
#[derive(Debug)]
pub(crate) struct Malformed {
    /// The block's time range, if the text tells it.
    pub range: Option<(i64, i64)>,
    /// What is wrong.
    pub why: String,
}

impl BlockMeta {
    /// Reads the file in the block directory `dir`.
    ///
    /// # Errors
    /// When it cannot be read, has more than 16 MiB, is malformed, or has a
    /// version that Prometheus 3.16 does not know.
    pub fn read(dir: &Path) -> Result<BlockMeta, StorageError> {
        BlockMeta::read_in(&DataPath::block(dir))
    }

    pub(crate) fn read_in(dir: &DataPath) -> Result<BlockMeta, StorageError> {
        BlockMeta::try_read(dir).map_err(|unreadable| unreadable.error)
    }

    pub(crate) fn try_read(dir: &DataPath) -> Result<BlockMeta, Unreadable> {
        let path = dir.join(FILE);
        let text = path.read(MAX_FILE).map_err(|e| Unreadable {
            range: None,
            error: path.io(e),
        })?;
        BlockMeta::parse(&text, |_, _, _| {}).map_err(|malformed| Unreadable {
            range: malformed.range,
            error: path.corrupt(malformed.why),
        })
    }

    /// Reads the text of the file. `more` gets the fields beside Prometheus's.
    ///
    /// # Errors
    /// When it is malformed, or has a version that Prometheus 3.16 does not know.
    pub(crate) fn parse(
        text: &[u8],
        more: impl FnMut(&mut Decoder, &str, &Json),
    ) -> Result<BlockMeta, Malformed> {
        let json = Json::parse(text).map_err(|e| Malformed {
            range: None,
            why: e.to_string(),
        })?;
        let mut decoder = Decoder::default();
        let meta = BlockMeta::decode(&mut decoder, &json, more);
        let why = match decoder.error {
            Some(error) => error.to_string(),
            None if !matches!(meta.version, VERSION | MISTAKEN) => {
                format!("unexpected meta file version {}", meta.version)
            }
            None => return Ok(meta),
        };
        let range = (meta.min_time, meta.max_time);
        Err(Malformed {
            range: (range.0 < range.1).then_some(range),
            why,
        })
    }

    /// Decodes all that Go decodes, since what is of a wrong type makes the file
    /// unreadable.
    fn decode(
        decoder: &mut Decoder,
        json: &Json,
        mut more: impl FnMut(&mut Decoder, &str, &Json),
    ) -> BlockMeta {
        let mut meta = BlockMeta::default();
        let mut ulid = Ulid::default();
        decoder.object(json, |decoder, name, json| match name {
            "ulid" => decoder.set(&mut ulid, json),
            "mintime" => decoder.set(&mut meta.min_time, json),
            "maxtime" => decoder.set(&mut meta.max_time, json),
            "stats" => meta.stats.decode(decoder, json),
            "compaction" => meta.compaction.decode(decoder, json),
            "version" => decoder.set(&mut meta.version, json),
            name => more(decoder, name, json),
        });
        meta.ulid = ulid.0;
        meta
    }

    /// The version of the index, if that in the index is wrong.
    pub(crate) fn index_version(&self) -> Option<u8> {
        (self.version == MISTAKEN).then_some(2)
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

impl BlockStats {
    fn decode(&mut self, decoder: &mut Decoder, json: &Json) {
        decoder.object(json, |decoder, name, json| match name {
            "numsamples" => decoder.set(&mut self.num_samples, json),
            "numhistogramsamples" => decoder.set(&mut self.num_histogram_samples, json),
            "numseries" => decoder.set(&mut self.num_series, json),
            "numchunks" => decoder.set(&mut self.num_chunks, json),
            "numfloatsamples" | "numtombstones" => decoder.set(&mut 0u64, json),
            _ => {}
        });
    }
}

impl Compaction {
    fn decode(&mut self, decoder: &mut Decoder, json: &Json) {
        decoder.object(json, |decoder, name, json| match name {
            "deletable" => decoder.set(&mut self.deletable, json),
            "parents" => decoder.list(&mut self.parents, json, |decoder, parent, json| {
                *parent = Parent::decode(decoder, json);
            }),
            "hints" => decoder.list(&mut self.hints, json, Decoder::set),
            "level" => decoder.set(&mut 0i64, json),
            "sources" => {
                let mut sources = Vec::<Ulid>::new();
                decoder.list(&mut sources, json, Decoder::set);
                self.sources = sources.into_iter().map(|ulid| ulid.0).collect();
            }
            "failed" => decoder.set(&mut false, json),
            _ => {}
        });
    }
}

impl Parent {
    fn decode(decoder: &mut Decoder, json: &Json) -> Parent {
        let mut ulid = Ulid::default();
        decoder.object(json, |decoder, name, json| match name {
            "ulid" => decoder.set(&mut ulid, json),
            "mintime" | "maxtime" => decoder.set(&mut 0i64, json),
            _ => {}
        });
        Parent { ulid: ulid.0 }
    }
}

/// A ULID in upper case. Go takes any 26 bytes whose number is not too large.
#[derive(Debug)]
struct Ulid(String);

impl Default for Ulid {
    fn default() -> Self {
        Ulid("0".repeat(26))
    }
}

impl Decode for Ulid {
    const NAME: &'static str = "ulid.ULID";

    fn decode(json: &Json) -> Option<Self> {
        match json {
            Json::Text(text) if text.len() == 26 && text.as_bytes()[0] <= b'7' => {
                Some(Ulid(text.to_ascii_uppercase()))
            }
            _ => None,
        }
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
        for (text, why) in [
            ("", "EOF"),
            ("{}", "version 0"),
            ("null", "version 0"),
            ("[]", "array"),
            (&whole[..40], "EOF"),
            (&format!("{whole}x"), "trailing"),
            (&whole.replace("version\":1", "version\":3"), "version 3"),
            (&whole.replace("version\":1", "version\":null"), "version 0"),
            (
                &whole.replace("01M", "a"),
                "into field ulid of type ulid.ULID",
            ),
            (
                &whole.replace("minTime\":1", "minTime\":1e99"),
                "number into field minTime",
            ),
            (
                &whole.replace("minTime\":1", "minTime\":1.0"),
                "number into field minTime",
            ),
            (
                &whole.replace('}', ",\"stats\":{\"numTombstones\":-1}}"),
                "stats.numTombstones",
            ),
            (
                &whole.replace('}', ",\"compaction\":{\"level\":\"1\"}}"),
                "compaction.level",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(
                error.contains("meta.json") && error.contains(why),
                "{error}"
            );
        }
    }

    #[test]
    fn files_are_read_as_by_go() {
        let meta = read(
            r#"{"ULID": "01m85e79xre5y0gpf7zggt2a8w", "MINTIME": 1, "minTime": 10, "maxtime": 20,
            "maxTime": null, "Stats": {"numSamples": 5, "numSeries": 7}, "stats": {"numSeries": 1},
            "ſtats": {"numChunKs": 3}, "compaction": {"parents": null, "sources": null, "hints": [null]},
            "compaction": null, "version": 2, "Version": 1, "other": [{"a": 1.5}]}"#,
        )
        .unwrap();
        assert_eq!(meta.ulid, "01M85E79XRE5Y0GPF7ZGGT2A8W");
        assert_eq!((meta.min_time, meta.max_time), (10, 20));
        let stats = meta.stats;
        let counts = (stats.num_samples, stats.num_series, stats.num_chunks);
        assert_eq!(counts, (5, 1, 3));
        assert_eq!(meta.compaction.hints, [""]);
        let missing = read(r#"{"version": 1}"#).unwrap();
        assert_eq!(missing.ulid, "0".repeat(26));
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
