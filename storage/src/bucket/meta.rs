//! `meta.json` of a bucket's block: Prometheus's, and what Thanos adds.

use crate::tsdb::block::go_json::{Decoder, Json};
use crate::tsdb::block::{BlockMeta, is_ulid};

/// Names in a block's directory.
pub(super) const META: &str = "meta.json";
pub(super) const INDEX: &str = "index";
pub(super) const CHUNKS: &str = "chunks";
pub(super) const DELETION_MARK: &str = "deletion-mark.json";

/// What a reader needs of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ThanosMeta {
    pub block: BlockMeta,
    /// External labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// How long the windows of downsampled data are, ms; 0 for raw samples.
    pub resolution_ms: i64,
    /// Most bytes of a series in the index; 0 if nobody knows.
    pub series_max_size: u64,
    /// Most bytes of a chunk; 0 if nobody knows.
    pub chunk_max_size: u64,
}

/// A file that is none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MalformedMeta {
    /// The block's time range, if the file tells it.
    pub range: Option<(i64, i64)>,
    pub why: String,
}

impl ThanosMeta {
    /// Reads the text of the file of block `ulid`.
    ///
    /// # Errors
    /// When it is malformed, of an unknown version, or of another block.
    pub fn parse(text: &[u8], ulid: &str) -> Result<Self, MalformedMeta> {
        let mut meta = ThanosMeta::default();
        let mut version = 0i64;
        let block = BlockMeta::parse(text, |decoder, name, json| {
            if name == "thanos" {
                meta.decode(decoder, json, &mut version);
            }
        });
        meta.block = block.map_err(|malformed| MalformedMeta {
            range: malformed.range,
            why: malformed.why,
        })?;
        let range = (meta.block.min_time, meta.block.max_time);
        let wrong = |why: String| MalformedMeta {
            range: (range.0 < range.1).then_some(range),
            why,
        };
        if !matches!(version, 0 | 1) {
            return Err(wrong(format!("unexpected thanos.version {version}")));
        }
        if meta.block.ulid != ulid {
            return Err(wrong(format!("is of block {}", meta.block.ulid)));
        }
        if meta.resolution_ms < 0 {
            let resolution = meta.resolution_ms;
            return Err(wrong(format!("has a resolution of {resolution} ms")));
        }
        meta.labels.retain(|(_, value)| !value.is_empty());
        meta.labels.sort();
        if meta.labels.windows(2).any(|pair| pair[0].0 == pair[1].0)
            || meta.labels.iter().any(|(name, _)| name.is_empty())
        {
            return Err(wrong("has external labels that cannot be labels".into()));
        }
        Ok(meta)
    }

    fn decode(&mut self, decoder: &mut Decoder, json: &Json, version: &mut i64) {
        decoder.object(json, |decoder, name, json| match name {
            "version" => decoder.set(version, json),
            "labels" => self.decode_labels(decoder, json),
            "downsample" => decoder.object(json, |decoder, name, json| {
                if name == "resolution" {
                    decoder.set(&mut self.resolution_ms, json);
                }
            }),
            "index_stats" => decoder.object(json, |decoder, name, json| {
                let mut size = 0i64;
                match name {
                    "series_max_size" => {
                        decoder.set(&mut size, json);
                        self.series_max_size = u64::try_from(size).unwrap_or(0);
                    }
                    "chunk_max_size" => {
                        decoder.set(&mut size, json);
                        self.chunk_max_size = u64::try_from(size).unwrap_or(0);
                    }
                    _ => {}
                }
            }),
            _ => {}
        });
    }

    /// A map, whose keys are names of labels as they are written.
    fn decode_labels(&mut self, decoder: &mut Decoder, json: &Json) {
        let Json::Object(fields) = json else {
            return decoder.fail(json, "map[string]string");
        };
        for (name, value) in fields {
            let mut text = String::new();
            if *value != Json::Null {
                decoder.set(&mut text, value);
            }
            self.labels.retain(|(known, _)| known != name);
            self.labels.push((name.clone(), text));
        }
    }
}

/// When a block was marked for deletion, ms, as its mark says.
///
/// # Errors
/// When the text is malformed.
pub(super) fn deletion_time_ms(text: &[u8]) -> Result<i64, String> {
    let json = Json::parse(text).map_err(|error| error.to_string())?;
    let (mut seconds, mut version) = (0i64, 0i64);
    let mut decoder = Decoder::default();
    decoder.object(&json, |decoder, name, json| match name {
        "deletion_time" => decoder.set(&mut seconds, json),
        "version" => decoder.set(&mut version, json),
        _ => {}
    });
    match decoder.error {
        Some(error) => Err(error.to_string()),
        None if version != 1 => Err(format!("unexpected version {version}")),
        None => Ok(seconds.saturating_mul(1000)),
    }
}

/// The block that an object belongs to, and its name there.
pub(super) fn split(object: &str) -> Option<(&str, &str)> {
    object.split_once('/').filter(|(block, _)| is_ulid(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ULID: &str = "01M85E79XRE5Y0GPF7ZGGT2A8W";

    fn text(thanos: &str) -> String {
        format!(
            r#"{{"ulid":"{ULID}","minTime":1,"maxTime":9,"version":1,
            "compaction":{{"sources":["{ULID}"]}},"thanos":{thanos}}}"#
        )
    }

    fn parse(thanos: &str) -> Result<ThanosMeta, MalformedMeta> {
        ThanosMeta::parse(text(thanos).as_bytes(), ULID)
    }

    #[test]
    fn metas_of_thanos_are_read() {
        let meta = parse(
            r#"{"version":1,"labels":{"replica":"a","cluster":"x","none":""},
            "downsample":{"resolution":300000},"source":"compactor","extensions":[1],
            "files":[{"rel_path":"index","size_bytes":7}],
            "index_stats":{"series_max_size":90,"chunk_max_size":800}}"#,
        )
        .unwrap();
        let label = |n: &str, v: &str| (n.to_string(), v.to_string());
        assert_eq!(meta.labels, [label("cluster", "x"), label("replica", "a")]);
        assert_eq!(meta.resolution_ms, 300_000);
        assert_eq!((meta.series_max_size, meta.chunk_max_size), (90, 800));
        assert_eq!(meta.block.compaction.sources, [ULID]);
        assert!(parse("null").unwrap().labels.is_empty());
    }

    #[test]
    fn what_is_no_meta_is_an_error() {
        for (thanos, why) in [
            (r#"{"version":2}"#, "thanos.version 2"),
            (r#"{"labels":[]}"#, "thanos.labels"),
            (r#"{"labels":{"a":1}}"#, "thanos.labels"),
            (r#"{"labels":{"":"x"}}"#, "external labels"),
            (r#"{"downsample":{"resolution":"5m"}}"#, "resolution"),
            (r#"{"downsample":{"resolution":-1}}"#, "-1 ms"),
        ] {
            let error = parse(thanos).unwrap_err();
            assert!(error.why.contains(why), "{thanos}: {}", error.why);
            assert_eq!(error.range, Some((1, 9)));
        }
        let other = "01M85E79XRE5Y0GPF7ZGGT2A8V";
        let error = ThanosMeta::parse(text("{}").as_bytes(), other).unwrap_err();
        assert!(error.why.contains("is of block"), "{}", error.why);
    }

    #[test]
    fn marks_are_read() {
        let mark = br#"{"id":"x","version":1,"deletion_time":1700000000,"details":"d"}"#;
        assert_eq!(deletion_time_ms(mark), Ok(1_700_000_000_000));
        for bad in [
            "",
            "{}",
            r#"{"version":2}"#,
            r#"{"version":1,"deletion_time":"x"}"#,
        ] {
            assert!(deletion_time_ms(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn objects_belong_to_blocks() {
        assert_eq!(split(&format!("{ULID}/index")), Some((ULID, "index")));
        let nested = format!("{ULID}/chunks/000001");
        assert_eq!(split(&nested), Some((ULID, "chunks/000001")));
        assert_eq!(split("debug/metas/x.json"), None);
        assert_eq!(split(ULID), None);
    }
}
