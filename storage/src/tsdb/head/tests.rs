use std::collections::BTreeMap;
use std::path::Path;

use quarrel_chunks::{FloatEncoder, XorEncoder, decode_floats};
use quarrel_engine::storage::Unlimited;
use quarrel_matchers::{MatchOp, Matcher};

use super::log::Follower;
use super::record::Log;
use super::testlog::{self, Compression, SegmentWriter, put};
use super::*;
use crate::tsdb::data_path::DataPath;

/// By label `i`: timestamps and bits of values.
pub(super) type Content = BTreeMap<String, Vec<(i64, u64)>>;

pub(super) fn content(head: &Head) -> Content {
    let mut all = Content::new();
    for id in head.select(&[], &Unlimited).unwrap() {
        let mut chunks = Vec::new();
        head.series(id).chunks(i64::MIN, i64::MAX, &mut chunks);
        let (mut times, mut values) = (Vec::new(), Vec::new());
        for chunk in merge_overlapping(chunks).unwrap() {
            match chunk.data {
                HeadChunkData::Encoded { encoding, bytes } => {
                    decode_floats(encoding, &bytes, &mut times, &mut values).unwrap();
                }
                HeadChunkData::Samples {
                    timestamps,
                    values: v,
                } => {
                    times.extend(timestamps);
                    values.extend(v);
                }
                HeadChunkData::Histograms(_) => panic!("no histograms here"),
            }
        }
        let bits = values.into_iter().map(f64::to_bits);
        let name = head.series(id).label("i").unwrap_or_default();
        all.insert(name.into(), times.into_iter().zip(bits).collect());
    }
    all
}

pub(super) fn read(dir: &Path) -> Content {
    content(&Head::read(dir, HeadOptions::default()).unwrap())
}

pub(super) fn floats(samples: &[(i64, f64)]) -> Vec<(i64, u64)> {
    samples.iter().map(|(t, v)| (*t, v.to_bits())).collect()
}

pub(super) fn xor(samples: &[(i64, f64)]) -> Vec<u8> {
    let mut encoder = XorEncoder::new();
    samples
        .iter()
        .for_each(|(t, v)| assert!(encoder.append(*t, *v)));
    encoder.bytes().to_vec()
}

#[test]
fn a_directory_without_a_head_has_no_series() {
    let dir = tempfile::tempdir().unwrap();
    let head = Head::read(dir.path(), HeadOptions::default()).unwrap();
    assert_eq!(
        head.select(&[], &Unlimited).unwrap(),
        Vec::<SeriesId>::new()
    );
    assert_eq!((head.time_range(), head.warnings()), (None, &[][..]));
    let nowhere = Head::read(Path::new("/nowhere"), HeadOptions::default()).unwrap();
    assert!(nowhere.select(&[], &Unlimited).unwrap().is_empty());
}

#[test]
fn a_head_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<Head>();
    sent::<HeadReader>();
}

/// Two segments: series 1 and 2 with labels, samples of both.
fn small(dir: &Path) {
    let mut w = SegmentWriter::default();
    w.log(
        &testlog::series(&[(1, &[("i", "a")]), (2, &[("i", "b")])]),
        Compression::None,
    );
    w.log(
        &testlog::samples(&[(1, 10, 1.0), (2, 10, 2.0)]),
        Compression::Snappy,
    );
    put(dir, "wal", 0, &w.bytes);
    let mut w = SegmentWriter::default();
    w.log(
        &testlog::samples(&[(1, 20, 3.0), (2, 20, 4.0)]),
        Compression::Zstd,
    );
    put(dir, "wal", 1, &w.bytes);
}

#[test]
fn samples_come_from_all_segments() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let expected = Content::from([
        ("a".into(), floats(&[(10, 1.0), (20, 3.0)])),
        ("b".into(), floats(&[(10, 2.0), (20, 4.0)])),
    ]);
    assert_eq!(read(dir.path()), expected);
    let head = Head::read(
        dir.path(),
        HeadOptions {
            min_valid_time_ms: 11,
        },
    )
    .unwrap();
    assert_eq!(content(&head)["a"], floats(&[(20, 3.0)]));
    assert_eq!(head.time_range(), Some((20, 20)));
    assert_eq!(head.label_names(&[], &Unlimited).unwrap(), ["i"]);
    assert_eq!(head.label_values("i", &[], &Unlimited).unwrap(), ["a", "b"]);
}

#[test]
fn records_after_a_corruption_are_left_out_with_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let path = dir.path().join("wal/00000000");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let head = Head::read(dir.path(), HeadOptions::default()).unwrap();
    assert_eq!(content(&head), Content::new());
    let [
        HeadWarning::LogCorrupt {
            path: where_,
            offset,
            ..
        },
    ] = head.warnings()
    else {
        panic!("{:?}", head.warnings())
    };
    let expected = Path::new("wal/00000000");
    assert_eq!((where_.as_path(), *offset > 0), (expected, true));
    // In the last segment an incomplete record may still be written.
    small(dir.path());
    let path = dir.path().join("wal/00000001");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let head = Head::read(dir.path(), HeadOptions::default()).unwrap();
    assert_eq!(content(&head)["a"], floats(&[(10, 1.0)]));
    assert_eq!(head.warnings(), []);
}

#[test]
fn a_missing_segment_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    std::fs::rename(
        dir.path().join("wal/00000001"),
        dir.path().join("wal/00000002"),
    )
    .unwrap();
    let error = Head::read(dir.path(), HeadOptions::default()).unwrap_err();
    assert!(
        matches!(error, HeadError::MissingSegment { missing: 1, .. }),
        "{error}"
    );
    std::fs::remove_file(dir.path().join("wal/00000000")).unwrap();
    let error = Head::read(dir.path(), HeadOptions::default()).unwrap_err();
    assert!(
        matches!(error, HeadError::MissingSegment { missing: 0, .. }),
        "{error}"
    );
}

#[test]
fn the_newest_checkpoint_replaces_the_segments_before() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let mut w = SegmentWriter::default();
    w.log(&testlog::min_valid_time(15), Compression::Snappy);
    w.log(&testlog::series(&[(1, &[("i", "a")])]), Compression::Snappy);
    w.log(
        &testlog::samples(&[(1, 14, 8.0), (1, 16, 0.1)]),
        Compression::None,
    );
    put(dir.path(), "wal/checkpoint.00000000", 0, &w.bytes);
    put(dir.path(), "wal/checkpoint.00000007.tmp", 0, b"incomplete");
    let head = Head::read(dir.path(), HeadOptions::default()).unwrap();
    assert_eq!(head.min_valid_time(), 15);
    let expected = Content::from([("a".into(), floats(&[(16, 0.1), (20, 3.0)]))]);
    assert_eq!(content(&head), expected);
    // The segment with the series record of `b` is left out.
    assert_eq!(
        head.warnings(),
        [HeadWarning::UnknownSeries {
            samples: 1,
            markers: 0
        }]
    );
    // A corrupt checkpoint is an error.
    w.bytes.pop();
    put(dir.path(), "wal/checkpoint.00000000", 0, &w.bytes);
    let error = Head::read(dir.path(), HeadOptions::default()).unwrap_err();
    assert!(matches!(error, HeadError::Corrupt { .. }), "{error}");
}

#[test]
fn chunks_on_disk_replace_the_samples_up_to_their_end() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let chunk = (1, 5, 15, 1, xor(&[(5, 0.5), (15, 1.5)]));
    let unknown = (1, 16, 17, 77, vec![0, 0]);
    let file = testlog::chunk_file(&[chunk.clone(), unknown]);
    put(dir.path(), "chunks_head", 1, &file);
    let expected = floats(&[(5, 0.5), (15, 1.5), (20, 3.0)]);
    assert_eq!(read(dir.path())["a"], expected);
    // Zeros after the last chunk and new empty files are not corruptions.
    put(
        dir.path(),
        "chunks_head",
        1,
        &[file.clone(), vec![0; 100]].concat(),
    );
    put(dir.path(), "chunks_head", 2, &[]);
    let head = Head::read(dir.path(), HeadOptions::default()).unwrap();
    assert_eq!(
        (&content(&head)["a"], head.warnings()),
        (&expected, &[][..])
    );
    // A chunk that ends before the blocks is left out.
    let head = Head::read(
        dir.path(),
        HeadOptions {
            min_valid_time_ms: 16,
        },
    )
    .unwrap();
    assert_eq!(content(&head)["a"], floats(&[(20, 3.0)]));
    // If chunks of a series overlap, Prometheus discards all files.
    put(dir.path(), "chunks_head", 2, &testlog::chunk_file(&[chunk]));
    let head = Head::read(dir.path(), HeadOptions::default()).unwrap();
    assert_eq!(content(&head)["a"], floats(&[(10, 1.0), (20, 3.0)]));
    assert!(matches!(
        head.warnings(),
        [HeadWarning::ChunksCorrupt { .. }]
    ));
}

#[test]
fn out_of_order_samples_are_separate_chunks_until_they_are_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let mut w = SegmentWriter::default();
    w.log(
        &testlog::samples(&[(1, 12, 7.0), (1, 11, 6.0), (1, 12, 99.0)]),
        Compression::None,
    );
    put(dir.path(), "wbl", 0, &w.bytes);
    let merged = floats(&[(10, 1.0), (11, 6.0), (12, 7.0), (20, 3.0)]);
    assert_eq!(read(dir.path())["a"], merged);
    // The marker of an existing chunk drops the samples before it.
    let on_disk = (1, 11, 12, 0x81, xor(&[(11, 6.5), (12, 7.5)]));
    put(
        dir.path(),
        "chunks_head",
        1,
        &testlog::chunk_file(&[on_disk]),
    );
    w.log(&testlog::marker(1, 1 << 32 | 8), Compression::None);
    w.log(&testlog::marker(1, 1 << 32 | 9), Compression::None);
    w.log(&testlog::samples(&[(1, 13, 8.0)]), Compression::None);
    put(dir.path(), "wbl", 0, &w.bytes);
    let head = Head::read(dir.path(), HeadOptions::default()).unwrap();
    let expected = floats(&[(10, 1.0), (11, 6.5), (12, 7.5), (13, 8.0), (20, 3.0)]);
    assert_eq!(content(&head)["a"], expected);
    let mut chunks = Vec::new();
    head.series(head.select(&[], &Unlimited).unwrap()[0])
        .chunks(i64::MIN, i64::MAX, &mut chunks);
    let order: Vec<_> = chunks
        .iter()
        .map(|c| (c.min_time, c.out_of_order))
        .collect();
    assert_eq!(order, [(10, false), (11, true), (13, true)]);
    chunks.clear();
    head.series(head.select(&[], &Unlimited).unwrap()[0])
        .chunks(13, 14, &mut chunks);
    let order: Vec<_> = chunks
        .iter()
        .map(|c| (c.min_time, c.out_of_order))
        .collect();
    assert_eq!(order, [(10, false), (13, true)]);
}

#[test]
fn a_second_series_record_resets_the_series() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let mut w = SegmentWriter::default();
    w.log(&testlog::series(&[(7, &[("i", "a")])]), Compression::None);
    w.log(
        &testlog::samples(&[(7, 30, 5.0), (1, 40, 6.0), (1, 35, 0.0)]),
        Compression::None,
    );
    put(dir.path(), "wal", 2, &w.bytes);
    assert_eq!(read(dir.path())["a"], floats(&[(30, 5.0), (40, 6.0)]));
    // A tombstone over all time deletes the series and its references.
    w.log(
        &testlog::tombstone(7, i64::MIN, i64::MAX),
        Compression::None,
    );
    w.log(&testlog::samples(&[(1, 50, 5.0)]), Compression::None);
    put(dir.path(), "wal", 2, &w.bytes);
    assert!(!read(dir.path()).contains_key("a"));
    w.log(&testlog::series(&[(9, &[("i", "a")])]), Compression::None);
    w.log(&testlog::samples(&[(9, 45, 5.0)]), Compression::None);
    put(dir.path(), "wal", 2, &w.bytes);
    assert_eq!(read(dir.path())["a"], floats(&[(45, 5.0)]));
}

#[test]
fn adjacent_tombstones_become_one() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let mut w = SegmentWriter::default();
    for (from, to) in [
        (10, 20),
        (40, 50),
        (0, 3),
        (21, 25),
        (100, 200),
        (48, 60),
        (5, 5),
    ] {
        w.log(&testlog::tombstone(2, from, to), Compression::None);
    }
    put(dir.path(), "wal", 2, &w.bytes);
    let head = Head::read(dir.path(), HeadOptions::default()).unwrap();
    let b = head
        .select(
            &[Matcher::new(MatchOp::Equal, "i", "b").unwrap()],
            &Unlimited,
        )
        .unwrap();
    let stones = head.series(b[0]).tombstones();
    assert_eq!(stones, [(0, 3), (5, 5), (10, 25), (40, 60), (100, 200)]);
}

#[test]
fn a_new_checkpoint_or_a_repaired_log_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let mut reader = HeadReader::open(dir.path(), HeadOptions::default()).unwrap();
    let before = reader.head();
    assert_eq!(before.time_range(), Some((10, 20)));
    // Without a change the view is the same.
    assert!(std::sync::Arc::ptr_eq(
        &before,
        &reader.refresh(i64::MIN).unwrap()
    ));
    // Blocks end at 15; a chunk that ends later is unchanged.
    let after = reader.refresh(15).unwrap();
    assert_eq!(
        (after.time_range(), after.min_valid_time()),
        (Some((10, 20)), 15)
    );
    // A checkpoint follows.
    let mut w = SegmentWriter::default();
    w.log(&testlog::series(&[(1, &[("i", "a")])]), Compression::None);
    put(dir.path(), "wal/checkpoint.00000000", 0, &w.bytes);
    std::fs::remove_file(dir.path().join("wal/00000000")).unwrap();
    let after = content(&reader.refresh(15).unwrap());
    assert_eq!(after, Content::from([("a".into(), floats(&[(20, 3.0)]))]));
    // A repair replaces the segment by one of the same name.
    let mut w = SegmentWriter::default();
    w.log(&testlog::samples(&[(1, 33, 3.5)]), Compression::None);
    put(dir.path(), "wal", 9, &w.bytes);
    std::fs::rename(
        dir.path().join("wal/00000009"),
        dir.path().join("wal/00000001"),
    )
    .unwrap();
    let after = content(&reader.refresh(15).unwrap());
    assert_eq!(after["a"], floats(&[(33, 3.5)]));
    // The old view is unchanged.
    assert_eq!(content(&before)["b"], floats(&[(10, 2.0), (20, 4.0)]));
}

#[test]
fn a_follower_stops_at_its_limit() {
    let dir = tempfile::tempdir().unwrap();
    let mut w = SegmentWriter::default();
    w.log(&testlog::samples(&[(1, 1, 1.0)]), Compression::None);
    let end = w.bytes.len() as u64;
    w.log(&testlog::samples(&[(1, 2, 1.0)]), Compression::None);
    put(dir.path(), "wbl", 4, &w.bytes);
    let mut log = Follower::new(Log::Wbl, &DataPath::root(dir.path()).join("wbl"), 4);
    let mut count = |limit| {
        let mut n = 0;
        log.poll(limit, &mut |_| {
            n += 1;
            Vec::new()
        })
        .unwrap();
        n
    };
    assert_eq!(count(Some((4, end))), 1);
    assert_eq!(count(Some((4, end))), 0);
    assert_eq!(count(Some((4, end + 3))), 0);
    assert_eq!(count(None), 1);
}
