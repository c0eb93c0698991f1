use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use quarrel_chunks::{FloatEncoder, XorEncoder, decode_floats};
use quarrel_matchers::{MatchOp, Matcher};

use super::log::Follower;
use super::record::Log;
use super::segment::{SegmentReader, Step, Tail};
use super::testlog::{self, Compression, SegmentWriter, put};
use super::*;

/// Series by their `i` label, with timestamps and bits of values.
type Content = BTreeMap<String, Vec<(i64, u64)>>;

fn content(head: &Head) -> Content {
    let mut all = Content::new();
    for id in head.select(&[]) {
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

fn read(dir: &Path) -> Content {
    content(&Head::read(dir, HeadOptions::default()).unwrap())
}

fn floats(samples: &[(i64, f64)]) -> Vec<(i64, u64)> {
    samples.iter().map(|(t, v)| (*t, v.to_bits())).collect()
}

fn xor(samples: &[(i64, f64)]) -> Vec<u8> {
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
    assert_eq!(head.select(&[]), Vec::<SeriesId>::new());
    assert_eq!((head.time_range(), head.warnings()), (None, &[][..]));
    let nowhere = Head::read(Path::new("/nowhere"), HeadOptions::default()).unwrap();
    assert!(nowhere.select(&[]).is_empty());
}

#[test]
fn a_head_is_for_all_threads() {
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
    assert_eq!(head.label_names(&[]), ["i"]);
    assert_eq!(head.label_values("i", &[]), ["a", "b"]);
}

#[test]
fn nothing_is_read_after_a_corruption_and_a_warning_says_so() {
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
    assert_eq!((where_, *offset > 0), (&path, true));
    // In the last segment a record that is not whole may still be written.
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
fn the_newest_checkpoint_stands_for_the_segments_before() {
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
    put(
        dir.path(),
        "wal/checkpoint.00000007.tmp",
        0,
        b"not yet there",
    );
    let head = Head::read(dir.path(), HeadOptions::default()).unwrap();
    assert_eq!(head.min_valid_time(), 15);
    let expected = Content::from([("a".into(), floats(&[(16, 0.1), (20, 3.0)]))]);
    assert_eq!(content(&head), expected);
    // The series record of `b` is gone with its segment.
    assert_eq!(
        head.warnings(),
        [HeadWarning::UnknownSeries {
            samples: 1,
            markers: 0
        }]
    );
    // A checkpoint must be whole.
    w.bytes.pop();
    put(dir.path(), "wal/checkpoint.00000000", 0, &w.bytes);
    let error = Head::read(dir.path(), HeadOptions::default()).unwrap_err();
    assert!(matches!(error, HeadError::Corrupt { .. }), "{error}");
}

#[test]
fn chunks_on_disk_stand_for_the_samples_up_to_their_end() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let chunk = (1, 5, 15, 1, xor(&[(5, 0.5), (15, 1.5)]));
    let unknown = (1, 16, 17, 77, vec![0, 0]);
    let file = testlog::chunk_file(&[chunk.clone(), unknown]);
    put(dir.path(), "chunks_head", 1, &file);
    let expected = floats(&[(5, 0.5), (15, 1.5), (20, 3.0)]);
    assert_eq!(read(dir.path())["a"], expected);
    // Zeros after the last chunk, and files just made, are no corruption.
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
    // A chunk that ends before the blocks do is of no use.
    let head = Head::read(
        dir.path(),
        HeadOptions {
            min_valid_time_ms: 16,
        },
    )
    .unwrap();
    assert_eq!(content(&head)["a"], floats(&[(20, 3.0)]));
    // Chunks of a series that overlap: Prometheus takes none of any file.
    put(dir.path(), "chunks_head", 2, &testlog::chunk_file(&[chunk]));
    let head = Head::read(dir.path(), HeadOptions::default()).unwrap();
    assert_eq!(content(&head)["a"], floats(&[(10, 1.0), (20, 3.0)]));
    assert!(matches!(
        head.warnings(),
        [HeadWarning::ChunksCorrupt { .. }]
    ));
}

#[test]
fn out_of_order_samples_are_chunks_of_their_own_until_they_are_on_disk() {
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
    // The marker of a chunk that is there drops the samples before it.
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
    head.series(head.select(&[])[0])
        .chunks(i64::MIN, i64::MAX, &mut chunks);
    let order: Vec<_> = chunks
        .iter()
        .map(|c| (c.min_time, c.out_of_order))
        .collect();
    assert_eq!(order, [(10, false), (11, true), (13, true)]);
    chunks.clear();
    head.series(head.select(&[])[0]).chunks(13, 14, &mut chunks);
    let order: Vec<_> = chunks
        .iter()
        .map(|c| (c.min_time, c.out_of_order))
        .collect();
    assert_eq!(order, [(10, false), (13, true)]);
}

#[test]
fn a_second_series_record_begins_the_series_anew() {
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
    // A tombstone over all time deletes the series; its references go with it.
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
fn tombstones_that_touch_become_one() {
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
    let b = head.select(&[Matcher::new(MatchOp::Equal, "i", "b").unwrap()]);
    let stones = head.series(b[0]).tombstones();
    assert_eq!(stones, [(0, 3), (5, 5), (10, 25), (40, 60), (100, 200)]);
}

/// A log of random records over few series, and what each prefix of it holds.
fn random_log() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let sample = (1u64..6, 0i64..60, -4i32..4).prop_map(|(r, t, v)| (r, t, f64::from(v)));
    let record = prop_oneof![
        2 => (1u64..6, 0usize..4).prop_map(|(r, i)| {
            testlog::series(&[(r, &[("i", ["a", "b", "c", "d"][i])])])
        }),
        8 => proptest::collection::vec(sample, 0..6).prop_map(|s| testlog::samples(&s)),
        1 => (1u64..6).prop_map(|r| testlog::tombstone(r, i64::MIN, i64::MAX)),
        1 => proptest::collection::vec(any::<u8>(), 0..4).prop_map(|mut junk| {
            junk.insert(0, 200);
            junk
        }),
        1 => (0usize..40_000).prop_map(|n| vec![201; n]),
    ];
    proptest::collection::vec(record, 1..30)
}

fn compression() -> impl Strategy<Value = Compression> {
    prop_oneof![
        Just(Compression::None),
        Just(Compression::Snappy),
        Just(Compression::Zstd)
    ]
}

/// All records that a segment gives.
fn records(path: &Path, tail: Tail) -> (Vec<Vec<u8>>, bool) {
    let mut reader = SegmentReader::open(path, 0, tail).unwrap();
    let mut all = Vec::new();
    loop {
        match reader.next().unwrap() {
            Step::Record(bytes) => all.push(bytes.to_vec()),
            Step::End => return (all, true),
            Step::Corrupt(_) => return (all, false),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_cut_segment_gives_the_records_before_the_cut(
        log in random_log(), how in compression(), cut in any::<prop::sample::Index>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = SegmentWriter::default();
        let mut ends = Vec::new();
        for record in &log {
            writer.log(record, how);
            ends.push(writer.bytes.len());
        }
        let cut = cut.index(writer.bytes.len() + 1);
        put(dir.path(), "wal", 0, &writer.bytes[..cut]);
        let path = dir.path().join("wal/00000000");
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let (got, clean) = records(&path, Tail::Growing);
        prop_assert_eq!(&got, &log[..whole]);
        prop_assert!(clean);
        // Closed, a cut inside a record may look like an empty record.
        let (got, _) = records(&path, Tail::Closed);
        prop_assert_eq!(&got[..whole], &log[..whole]);
        prop_assert!(got[whole..].iter().all(Vec::is_empty) || got[whole..] == log[whole..=whole]);
    }

    #[test]
    fn a_flipped_bit_does_no_harm_before_it_and_none_panics(
        log in random_log(), how in compression(), at in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = SegmentWriter::default();
        let mut ends = Vec::new();
        for record in &log {
            writer.log(record, how);
            ends.push(writer.bytes.len());
        }
        let at = at.index(writer.bytes.len());
        writer.bytes[at] ^= 1 << bit;
        put(dir.path(), "wal", 0, &writer.bytes);
        let path = dir.path().join("wal/00000000");
        let whole = ends.iter().filter(|end| **end <= at).count();
        for tail in [Tail::Growing, Tail::Closed] {
            let (got, _) = records(&path, tail);
            prop_assert_eq!(&got[..whole], &log[..whole]);
        }
        Head::read(dir.path(), HeadOptions::default()).unwrap();
    }

    #[test]
    fn random_bytes_are_no_reason_to_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0u8..16,
    ) {
        let mut record = vec![kind];
        record.extend(&bytes);
        for log in [Log::Wal, Log::Wbl] {
            let _ = super::record::decode(log, &record, Vec::new());
        }
        let dir = tempfile::tempdir().unwrap();
        let mut writer = SegmentWriter::default();
        writer.log(&record, Compression::None);
        put(dir.path(), "wal", 0, &writer.bytes);
        put(dir.path(), "wal", 1, &bytes);
        put(dir.path(), "wbl", 0, &writer.bytes);
        put(dir.path(), "chunks_head", 1, &bytes);
        put(dir.path(), "chunks_head", 2, &bytes);
        let _ = Head::read(dir.path(), HeadOptions::default());
    }

    #[test]
    fn refreshing_as_a_log_grows_gives_what_reading_it_whole_gives(
        log in random_log(), how in compression(),
        steps in proptest::collection::vec(1usize..400, 1..12),
        cut in 1usize..30,
    ) {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "wal", 0, &[]);
        let mut reader = HeadReader::open(dir.path(), HeadOptions::default()).unwrap();
        let mut views = Vec::new();
        let cut = cut.min(log.len());
        for (segment, records) in [&log[..cut], &log[cut..]].into_iter().enumerate() {
            let mut writer = SegmentWriter::default();
            records.iter().for_each(|r| writer.log(r, how));
            let mut end = 0;
            for step in steps.iter().cycle() {
                put(dir.path(), "wal", segment as u64, &writer.bytes[..end]);
                let view = reader.refresh(i64::MIN).unwrap();
                let now = content(&view);
                prop_assert_eq!(&now, &read(dir.path()));
                views.push((view, now));
                if end == writer.bytes.len() {
                    break;
                }
                end = (end + step * (1 + writer.bytes.len() / 2000)).min(writer.bytes.len());
            }
        }
        for (view, then) in views {
            prop_assert_eq!(content(&view), then);
        }
    }

    #[test]
    fn chunk_files_cut_or_flipped_give_the_chunks_before(
        counts in proptest::collection::vec(1i64..20, 1..6),
        at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = SegmentWriter::default();
        writer.log(&testlog::series(&[(1, &[("i", "a")])]), Compression::None);
        put(dir.path(), "wal", 0, &writer.bytes);
        let (mut chunks, mut ends, mut t) = (Vec::new(), Vec::new(), 0);
        for count in counts {
            let samples: Vec<_> = (t..t + count).map(|t| (t, t as f64)).collect();
            chunks.push((1, t, t + count - 1, 1, xor(&samples)));
            t += count;
            ends.push((testlog::chunk_file(&chunks).len(), t));
        }
        let mut file = testlog::chunk_file(&chunks);
        let at = at.index(file.len());
        if cut {
            file.truncate(at);
        } else {
            file[at] ^= 1 << bit;
        }
        put(dir.path(), "chunks_head", 1, &file);
        let kept = ends.iter().rfind(|(end, _)| *end <= at).map_or(0, |e| e.1);
        // Bits 5 to 7 of the header are padding.
        let kept = if at < 8 && !(5..8).contains(&at) { 0 } else { kept };
        let kept = if !cut && (5..8).contains(&at) { t } else { kept };
        let expected: Vec<_> = (0..kept).map(|t| (t, t as f64)).collect();
        let got = read(dir.path()).remove("a").unwrap_or_default();
        prop_assert_eq!(got, floats(&expected));
    }

    #[test]
    fn selects_agree_with_matching_each_series(
        sets in proptest::collection::vec(
            proptest::collection::btree_map("[ab]", "[xyz]{0,3}", 0..3), 1..80),
        split in any::<prop::sample::Index>(),
        conditions in proptest::collection::vec(
            (0usize..4, "[abc]", prop_oneof!["[xy]{0,2}", Just("x.*|".to_owned()), Just(".+".into())]),
            0..4),
    ) {
        let ops = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex];
        let matchers: Vec<_> = conditions
            .iter()
            .map(|(op, name, value)| Matcher::new(ops[*op], name, value).unwrap())
            .collect();
        let dir = tempfile::tempdir().unwrap();
        let mut writer = SegmentWriter::default();
        put(dir.path(), "wal", 0, &[]);
        let mut reader = HeadReader::open(dir.path(), HeadOptions::default()).unwrap();
        let split = split.index(sets.len());
        for (n, set) in sets.iter().enumerate() {
            let labels: Vec<_> = set.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            writer.log(&testlog::series(&[(n as u64, &labels)]), Compression::None);
            writer.log(&testlog::samples(&[(n as u64, 1, 0.0)]), Compression::None);
            if n == split {
                put(dir.path(), "wal", 0, &writer.bytes);
                reader.refresh(0).unwrap().select(&[]);
            }
        }
        put(dir.path(), "wal", 0, &writer.bytes);
        let head = reader.refresh(0).unwrap();
        let mut expected: Vec<Vec<(String, String)>> = sets
            .iter()
            .filter(|set| {
                let value = |m: &Matcher| set.get(m.name()).map_or("", String::as_str);
                matchers.iter().all(|m| m.matches(value(m)))
            })
            .map(|set| {
                let kept = set.iter().filter(|l| !l.1.is_empty());
                kept.map(|(n, v)| (n.clone(), v.clone())).collect()
            })
            .collect();
        expected.sort();
        expected.dedup();
        let owned = |(n, v): (&str, &str)| (n.to_owned(), v.to_owned());
        let got: Vec<Vec<_>> = head
            .select(&matchers)
            .into_iter()
            .map(|id| head.series(id).labels().map(owned).collect())
            .collect();
        prop_assert_eq!(&got, &expected);
        let sorted = |mut all: Vec<String>| {
            all.sort();
            all.dedup();
            all
        };
        let pairs = || expected.iter().flatten();
        let names = pairs().map(|l| l.0.clone()).collect();
        prop_assert_eq!(head.label_names(&matchers), sorted(names));
        let values = pairs().filter(|l| l.0 == "a").map(|l| l.1.clone()).collect();
        prop_assert_eq!(head.label_values("a", &matchers), sorted(values));
    }
}

#[test]
fn a_new_checkpoint_or_a_repaired_log_is_read_anew() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let mut reader = HeadReader::open(dir.path(), HeadOptions::default()).unwrap();
    let before = reader.head();
    assert_eq!(before.time_range(), Some((10, 20)));
    // Nothing new: the same view.
    assert!(std::sync::Arc::ptr_eq(
        &before,
        &reader.refresh(i64::MIN).unwrap()
    ));
    // Blocks up to 15 are there; a chunk that goes on after is kept as it is.
    let after = reader.refresh(15).unwrap();
    assert_eq!(
        (after.time_range(), after.min_valid_time()),
        (Some((10, 20)), 15)
    );
    // Then the checkpoint follows.
    let mut w = SegmentWriter::default();
    w.log(&testlog::series(&[(1, &[("i", "a")])]), Compression::None);
    put(dir.path(), "wal/checkpoint.00000000", 0, &w.bytes);
    std::fs::remove_file(dir.path().join("wal/00000000")).unwrap();
    let after = content(&reader.refresh(15).unwrap());
    assert_eq!(after, Content::from([("a".into(), floats(&[(20, 3.0)]))]));
    // A repair writes the segment anew under the same name.
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
    // The view of old is as it was.
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
    let mut log = Follower::new(Log::Wbl, &dir.path().join("wbl"), 4);
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
