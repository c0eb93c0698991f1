//! Fan-outs over stores in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::{BoxFuture, ready};
use proptest::prelude::*;
use quarrel_engine::labels::{LabelList, SymbolTable};
use quarrel_engine::storage::{
    Chunk, ChunkData, LabelsRequest, Matcher, SelectHints, SelectRequest, Selected, SeriesSource,
    Snapshot, Storage, StorageError, TimeRange,
};
use quarrel_matchers::MatchOp;

use super::{Fanout, Part, PartError};
use crate::conformance::{Harness, TestSeries};
use crate::memory::MemoryStorage;
use crate::shard::Shard;

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A store of series with samples (ms, value).
fn memory(series: &[(Pairs<'_>, &[(i64, f64)])]) -> Arc<MemoryStorage> {
    let memory = MemoryStorage::new();
    for (labels, samples) in series {
        for &(time, value) in *samples {
            memory.append(labels.iter().copied(), time, value).unwrap();
        }
    }
    Arc::new(memory)
}

fn equal(name: &str, value: &str) -> Matcher {
    Matcher::new(MatchOp::Equal, name, value).unwrap()
}

type Rows = Vec<(String, Vec<(i64, f64)>)>;

/// All series as text, and warnings.
fn select(
    storage: &dyn Storage,
    matchers: &[Matcher],
) -> Result<(Rows, Vec<String>), StorageError> {
    let (range, hints, symbols) = (
        TimeRange {
            start: 0,
            end: 1_000,
        },
        SelectHints::default(),
        SymbolTable::new(),
    );
    let view = block_on(storage.snapshot(range))?;
    let selected = block_on(view.select(SelectRequest::new(matchers, range, &hints, &symbols)))?;
    let mut rows = Vec::new();
    for (row, labels) in selected.labels.iter().enumerate() {
        let mut chunks = Vec::new();
        selected.series.chunks(row as u32, &mut chunks)?;
        rows.push((symbols.read().display(labels), samples(&chunks)));
    }
    let mut warnings = view.warnings();
    warnings.extend(selected.warnings);
    Ok((rows, warnings))
}

fn samples(chunks: &[Chunk]) -> Vec<(i64, f64)> {
    let mut samples = BTreeMap::new();
    for chunk in chunks {
        let ChunkData::Floats {
            timestamps, values, ..
        } = &chunk.data
        else {
            panic!("floats");
        };
        for (&time, &value) in timestamps.iter().zip(values.iter()) {
            samples.entry(time).or_insert(value);
        }
    }
    samples.into_iter().collect()
}

fn texts(storage: &dyn Storage, label: Option<&str>, selectors: &[Vec<Matcher>]) -> Vec<String> {
    let range = TimeRange {
        start: 0,
        end: 1_000,
    };
    let view = block_on(storage.snapshot(range)).unwrap();
    let request = LabelsRequest::new(selectors, range);
    block_on(async {
        match label {
            Some(label) => view.label_values(label, request).await.unwrap(),
            None => view.label_names(request).await.unwrap(),
        }
    })
}

/// A store that always fails, when it is opened or when it is asked.
struct Broken(bool);

impl Storage for Broken {
    fn snapshot(&self, _: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let result = match self.0 {
            true => Err(StorageError::Other("cannot be opened".into())),
            false => Ok(Arc::new(Broken(false)) as Arc<dyn Snapshot>),
        };
        ready(result).boxed()
    }
}

impl Snapshot for Broken {
    fn select<'a>(&'a self, _: SelectRequest<'a>) -> BoxFuture<'a, Result<Selected, StorageError>> {
        ready(Err(StorageError::Other("cannot be read".into()))).boxed()
    }

    fn label_names<'a>(
        &'a self,
        _: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        ready(Err(StorageError::Other("cannot be read".into()))).boxed()
    }

    fn label_values<'a>(
        &'a self,
        _: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.label_names(request)
    }
}

#[test]
fn series_of_all_parts_are_united() {
    let one = memory(&[
        (&[("__name__", "up"), ("job", "a")], &[(1, 1.0), (2, 2.0)]),
        (&[("__name__", "up"), ("job", "c")], &[(1, 5.0)]),
    ]);
    let two = memory(&[
        (&[("__name__", "up"), ("job", "a")], &[(2, 9.0), (3, 3.0)]),
        (&[("__name__", "up"), ("job", "b")], &[(1, 4.0)]),
    ]);
    let both = Fanout::new(vec![Part::new(one), Part::new(two)]);
    let (rows, warnings) = select(&both, &[equal("__name__", "up")]).unwrap();
    let expected: Rows = vec![
        // At one time, the first part's sample is taken.
        ("up{job=\"a\"}".into(), vec![(1, 1.0), (2, 2.0), (3, 3.0)]),
        ("up{job=\"b\"}".into(), vec![(1, 4.0)]),
        ("up{job=\"c\"}".into(), vec![(1, 5.0)]),
    ];
    assert_eq!((rows, warnings.len()), (expected, 0));
    assert_eq!(both.name(), "2 storages");
}

#[test]
fn labels_of_parts_win_and_are_matched() {
    let series: Vec<(Pairs<'_>, &[(i64, f64)])> = vec![
        (&[("__name__", "up"), ("job", "a")], &[(1, 1.0)]),
        (&[("__name__", "up"), ("job", "a"), ("x", "1")], &[(1, 2.0)]),
        (
            &[("__name__", "up"), ("job", "a"), ("zone", "own")],
            &[(2, 3.0)],
        ),
    ];
    let part = |zone: &str| {
        Part::new(memory(&series))
            .with_labels([("zone", zone)])
            .unwrap()
    };
    let both = Fanout::new(vec![part("east"), part("west")]);
    let (rows, _) = select(&both, &[equal("zone", "west")]).unwrap();
    // The label in front of `zone` comes first, though "" is below "x".
    let expected: Rows = vec![
        (
            "up{job=\"a\", x=\"1\", zone=\"west\"}".into(),
            vec![(1, 2.0)],
        ),
        (
            "up{job=\"a\", zone=\"west\"}".into(),
            vec![(1, 1.0), (2, 3.0)],
        ),
    ];
    assert_eq!(rows, expected);
    assert!(select(&both, &[equal("zone", "own")]).unwrap().0.is_empty());
    assert_eq!(select(&both, &[]).unwrap().0.len(), 4);
    assert_eq!(texts(&both, None, &[]), ["__name__", "job", "x", "zone"]);
    assert_eq!(texts(&both, Some("zone"), &[]), ["east", "west"]);
    assert_eq!(
        texts(
            &both,
            Some("zone"),
            &[vec![equal("job", "a"), equal("zone", "west")]]
        ),
        ["west"]
    );
    assert!(texts(&both, Some("zone"), &[vec![equal("job", "b")]]).is_empty());
    assert_eq!(
        texts(
            &both,
            Some("x"),
            &[vec![equal("zone", "east")], vec![equal("zone", "no")]]
        ),
        ["1"]
    );
    let labels = |labels: Pairs<'_>| {
        Part::new(memory(&[]))
            .with_labels(labels.iter().copied())
            .map(drop)
    };
    let (name, value) = ("a".to_string(), String::new());
    assert_eq!(labels(&[("a", "")]), Err(PartError::Empty { name, value }));
    assert_eq!(
        labels(&[("a", "1"), ("b", "1"), ("a", "2")]),
        Err(PartError::Repeated("a".into()))
    );
}

#[test]
fn parts_are_asked_for_their_time_alone() {
    let samples: Vec<(Pairs<'_>, &[(i64, f64)])> = vec![(&[("a", "1")], &[(5, 1.0)])];
    let range = |start, end| TimeRange { start, end };
    let late = Part::new(Arc::new(Broken(true))).with_range(range(2_000, 3_000));
    let both = Fanout::new(vec![Part::new(memory(&samples)), late]);
    assert_eq!(select(&both, &[]).unwrap().0.len(), 1);
    let view = block_on(both.snapshot(range(0, 10))).unwrap();
    assert_eq!(
        (view.series_count(), view.time_range()),
        (Some(1), Some(range(5, 5)))
    );
    assert!(!view.is_fed_by_caller());
}

#[test]
fn a_failing_part_is_a_warning_or_an_error() {
    let good = || Part::new(memory(&[(&[("a", "1")], &[(5, 1.0)])]));
    for (at_opening, why) in [(true, "cannot be opened"), (false, "cannot be read")] {
        let bad = || Part::new(Arc::new(Broken(at_opening))).named("the second");
        let strict = Fanout::new(vec![good(), bad()]);
        assert_eq!(select(&strict, &[]).unwrap_err().to_string(), why);
        let partial = Fanout::new(vec![good(), bad()]).with_partial_response(true);
        let (rows, warnings) = select(&partial, &[]).unwrap();
        assert_eq!(
            (rows.len(), &warnings[..]),
            (1, &[format!("the second: {why}")][..])
        );
        assert_eq!(texts(&partial, None, &[]), ["a"]);
        // Of one part, too.
        let alone = bad().with_labels([("x", "y")]).unwrap();
        let alone = Fanout::new(vec![alone]).with_partial_response(true);
        let (rows, warnings) = select(&alone, &[]).unwrap();
        assert_eq!((rows.len(), warnings.len()), (0, 1));
    }
}

#[test]
fn one_plain_part_is_its_storage() {
    let storage = memory(&[(&[("a", "1")], &[(5, 1.0)])]);
    let fanout = Fanout::new(vec![Part::new(storage.clone())]);
    let count = |storage: &dyn Storage| {
        let view = block_on(storage.snapshot(TimeRange::ALL)).unwrap();
        view.series_count()
    };
    assert_eq!(count(&fanout), count(&*storage));
    assert_eq!(fanout.name(), storage.name());
    assert!(select(&Fanout::new(vec![]), &[]).unwrap().0.is_empty());
}

/// A source of empty rows that notes what is fetched.
struct Fetches(parking_lot::Mutex<Vec<std::ops::Range<u32>>>);

impl SeriesSource for Fetches {
    fn chunks(&self, _: u32, _: &mut Vec<Chunk>) -> Result<(), StorageError> {
        Ok(())
    }

    fn prefetch(
        &self,
        rows: std::ops::Range<u32>,
    ) -> Option<BoxFuture<'static, Result<(), StorageError>>> {
        self.0.lock().push(rows);
        Some(ready(Ok(())).boxed())
    }

    fn estimated_samples(&self) -> Option<u64> {
        Some(7)
    }

    fn held_bytes(&self) -> usize {
        1_000
    }

    fn origin(&self, row: u32) -> Option<String> {
        Some(format!("row {row}"))
    }
}

#[test]
fn sources_of_parts_are_asked_for_their_rows() {
    let sources = [0, 1].map(|_| Arc::new(Fetches(parking_lot::Mutex::default())));
    let united = super::rows::United {
        members: vec![(0, 0), (1, 0), (1, 1), (0, 1), (1, 3)],
        ends: vec![2, 3, 5],
    };
    let parts = sources
        .iter()
        .map(|s| Arc::clone(s) as Arc<dyn SeriesSource>)
        .collect();
    let source = super::source::FanoutSource::new(parts, united);
    block_on(source.prefetch(0..2).unwrap()).unwrap();
    block_on(source.prefetch(1..3).unwrap()).unwrap();
    assert_eq!(*sources[0].0.lock(), [0..1, 1..2]);
    assert_eq!(*sources[1].0.lock(), [0..2, 1..4]);
    assert!(source.prefetch(3..4).is_none());
    assert_eq!(source.estimated_samples(), Some(14));
    assert!(source.held_bytes() > 2_000);
    assert_eq!(source.origin(2).as_deref(), Some("row 1, row 3"));
    assert!(source.chunks(3, &mut Vec::new()).is_err());
}

/// Series over so many parts; the parts of a series go round.
struct Parts {
    count: usize,
    labels: bool,
}

impl Harness for Parts {
    fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage> {
        let memories: Vec<_> = (0..self.count).map(|_| MemoryStorage::new()).collect();
        for series in series {
            for (number, part) in series.parts.iter().enumerate() {
                let labels = series.labels.iter().map(|(n, v)| (n, v));
                let (times, values) = part.iter().copied().unzip();
                memories[number % self.count]
                    .append_series(labels, times, values)
                    .unwrap();
            }
        }
        let part = |memory| {
            let part = Part::new(Arc::new(memory) as Arc<dyn Storage>);
            match self.labels {
                // All shards of one.
                true => part.with_shard(Shard {
                    index: 0,
                    total: 1,
                    by: true,
                    labels: vec![],
                }),
                false => part,
            }
        };
        Arc::new(Fanout::new(memories.into_iter().map(part).collect()))
    }
}

mod one_part {
    crate::conformance_tests!(super::Parts {
        count: 1,
        labels: false
    });
}

mod three_parts {
    crate::conformance_tests!(super::Parts {
        count: 3,
        labels: false
    });
}

mod shards_of_two_parts {
    crate::conformance_tests!(super::Parts {
        count: 2,
        labels: true
    });
}

proptest! {
    /// The answer is that of one store of all series.
    #[test]
    fn a_fan_out_is_one_store(
        series in prop::collection::vec((prop::collection::btree_map("[abz]", "[12]", 1..4), 0usize..3), 0..25),
        total in 1u64..4,
    ) {
        let labels = |series: &BTreeMap<String, String>, part: usize| {
            let mut labels = series.clone();
            labels.insert("part".into(), (part % 2).to_string());
            labels
        };
        let memories = [(); 3].map(|()| Arc::new(MemoryStorage::new()));
        let mut expected = BTreeMap::new();
        for (at, (own, part)) in series.iter().enumerate() {
            let (time, value) = (at as i64, at as f64);
            memories[*part].append(own.iter(), time, value).unwrap();
            let row: &mut Vec<(i64, f64)> = expected.entry(labels(own, *part).into_iter().collect::<Vec<_>>()).or_default();
            row.push((time, value));
        }
        let table = SymbolTable::new();
        let expected: Rows = expected.into_iter().map(|(labels, samples)| {
            let mut list = LabelList::new();
            list.push(labels.iter().map(|(n, v)| quarrel_engine::labels::Label { name: table.intern(n), value: table.intern(v) }));
            (table.read().display(list.get(0)), samples)
        }).collect();
        let mut found = Vec::new();
        for index in 0..total {
            let parts = memories.iter().enumerate().map(|(number, memory)| {
                let part = Part::new(Arc::clone(memory) as Arc<dyn Storage>);
                let shard = Shard { index, total, by: false, labels: vec!["a".into()] };
                part.with_labels([("part", (number % 2).to_string())]).unwrap().with_shard(shard)
            });
            let rows = select(&Fanout::new(parts.collect()), &[]).unwrap().0;
            prop_assert!(rows.windows(2).all(|pair| expected.iter().position(|r| *r == pair[0]) < expected.iter().position(|r| *r == pair[1])));
            found.extend(rows);
        }
        found.sort_by_key(|row| expected.iter().position(|r| r == row));
        prop_assert_eq!(found, expected);
    }
}
