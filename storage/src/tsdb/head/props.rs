//! Properties of reading a head, on random, cut and corrupt logs.

use std::path::Path;

use proptest::prelude::*;
use quarrel_engine::storage::Unlimited;
use quarrel_matchers::{MatchOp, Matcher};

use super::record::Log;
use super::segment::{SegmentReader, Step, Tail};
use super::testlog::{self, Compression, SegmentWriter, put};
use super::tests::{content, floats, read, xor};
use super::*;
use crate::tsdb::data_path::DataPath;

/// A log of random records of few series.
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

/// All records of a segment, and whether it is corrupt.
fn records(path: &Path, tail: Tail) -> (Vec<Vec<u8>>, bool) {
    let mut reader = SegmentReader::open(DataPath::root(path), 0, tail).unwrap();
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
        // In a closed segment a cut inside a record may look like an empty one.
        let (got, _) = records(&path, Tail::Closed);
        prop_assert_eq!(&got[..whole], &log[..whole]);
        prop_assert!(got[whole..].iter().all(Vec::is_empty) || got[whole..] == log[whole..=whole]);
    }

    #[test]
    fn a_flipped_bit_keeps_the_records_before_it(
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
    fn random_bytes_do_not_panic(
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
    fn refreshes_of_a_growing_log_agree_with_reading_it_at_once(
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
    fn cut_or_corrupt_chunk_files_give_the_chunks_before(
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
                reader.refresh(0).unwrap().select(&[], &Unlimited).unwrap();
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
            .select(&matchers, &Unlimited)
            .unwrap()
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
        prop_assert_eq!(head.label_names(&matchers, &Unlimited).unwrap(), sorted(names));
        let values = pairs().filter(|l| l.0 == "a").map(|l| l.1.clone()).collect();
        prop_assert_eq!(head.label_values("a", &matchers, &Unlimited).unwrap(), sorted(values));
    }
}
