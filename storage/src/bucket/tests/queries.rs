//! Selects by all kinds of matchers, compared with a plain definition.

use std::sync::Arc;

use proptest::prelude::*;
use quarrel_engine::storage::{LabelsRequest, MatchOp, Matcher, Snapshot, Storage, TimeRange};

use super::super::BucketOptions;
use super::super::testing::{RUNTIME, TestStore, bucket, put_block, series, storage};
use crate::conformance::reader::{Labels, read_series};
use crate::tsdb::testblock::BlockSeries;

fn value(labels: &Labels, name: &str) -> String {
    let found = labels.iter().find(|(label, _)| label == name);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Many series of some metrics, over two blocks that overlap in time.
fn data() -> Vec<BlockSeries> {
    let mut all = Vec::new();
    for metric in 0..5 {
        for instance in 0..40 {
            let (metric, instance_text) = (format!("m{metric}"), format!("i{instance}"));
            let mut labels = vec![("__name__", &*metric), ("instance", &*instance_text)];
            if instance % 3 == 0 {
                labels.push(("job", if instance % 2 == 0 { "even" } else { "odd" }));
            }
            all.push(series(&labels, 0..2_000, 10));
        }
    }
    all
}

fn view() -> (Vec<Labels>, Arc<dyn Snapshot>) {
    let all = data();
    let store = TestStore::new();
    let cut = |of: &dyn Fn(usize, i64) -> bool| -> Vec<BlockSeries> {
        let all = all.iter().enumerate();
        let part = |(at, (labels, samples)): (usize, &BlockSeries)| {
            let samples = samples.iter().filter(|sample| of(at, sample.0));
            (labels.clone(), samples.copied().collect())
        };
        all.map(part).collect()
    };
    put_block(&store, 1, &[], &cut(&|at, t| at % 7 != 0 && t < 1_500));
    put_block(&store, 2, &[], &cut(&|at, t| at % 5 != 0 && t > 1_000));
    let bucket = bucket(&store, BucketOptions::default());
    let storage = storage(&bucket, false);
    let snapshot = RUNTIME.block_on(storage.snapshot(TimeRange::ALL)).unwrap();
    let labels = all.iter().enumerate();
    let labels = labels.filter(|(at, _)| at % 7 != 0 || at % 5 != 0);
    (
        labels.map(|(_, series)| series.0.clone()).collect(),
        snapshot,
    )
}

#[test]
fn selects_find_what_matches() {
    let (all, view) = view();
    let names = ["__name__", "instance", "job", "none"];
    let values = [
        "", "m1", "i7", "even", "odd|even", "m[0-3]", ".*", ".+", "i1.*", "|odd", "i.|x", "m1|m2",
    ];
    let ops = [
        MatchOp::Equal,
        MatchOp::NotEqual,
        MatchOp::Regex,
        MatchOp::NotRegex,
    ];
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let one = (0..ops.len(), 0..names.len(), 0..values.len());
    let some = proptest::collection::vec(one, 0..4);
    runner
        .run(&some, |chosen| {
            let matchers = chosen.iter().map(|&(op, name, value)| {
                Matcher::new(ops[op], names[name], values[value]).unwrap()
            });
            let matchers: Vec<Matcher> = matchers.collect();
            let matches = |labels: &&Labels| {
                let mut all = matchers.iter();
                all.all(|m| m.matches(&value(labels, m.name())))
            };
            let mut expected: Vec<Labels> = all.iter().filter(matches).cloned().collect();
            expected.sort();
            let read = read_series(&*view, &matchers, TimeRange::ALL).unwrap();
            prop_assert_eq!(read.keys().cloned().collect::<Vec<_>>(), expected.clone());
            let selectors = [matchers.clone()];
            let request = LabelsRequest::new(&selectors, TimeRange::ALL);
            for name in names {
                let mut wanted: Vec<String> = expected.iter().map(|l| value(l, name)).collect();
                wanted.sort();
                wanted.dedup();
                wanted.retain(|value| !value.is_empty());
                let got = RUNTIME.block_on(view.label_values(name, request)).unwrap();
                prop_assert_eq!(got, wanted);
            }
            let mut wanted: Vec<String> = expected.iter().flatten().map(|l| l.0.clone()).collect();
            wanted.sort();
            wanted.dedup();
            let got = RUNTIME.block_on(view.label_names(request)).unwrap();
            prop_assert_eq!(got, wanted);
            Ok(())
        })
        .unwrap();
}

#[test]
fn blocks_that_overlap_are_merged() {
    let (_, view) = view();
    let matchers = [
        Matcher::new(MatchOp::Equal, "__name__", "m1").unwrap(),
        Matcher::new(MatchOp::Equal, "instance", "i3").unwrap(),
    ];
    let range = TimeRange {
        start: 900,
        end: 1_600,
    };
    let read = read_series(&*view, &matchers, range).unwrap();
    let times: Vec<i64> = read
        .values()
        .next()
        .unwrap()
        .iter()
        .map(|s| s.timestamp)
        .collect();
    assert_eq!(times, (900..=1_600).step_by(10).collect::<Vec<i64>>());
}

#[test]
fn the_last_list_of_an_index_may_be_longer_than_is_guessed() {
    // Nothing tells where the list of the last value of the last label ends.
    let instances: Vec<String> = (0..3_000).map(|n| format!("i{n}")).collect();
    let all: Vec<BlockSeries> = (instances.iter())
        .map(|instance| {
            let labels = [("__name__", "up"), ("instance", instance), ("zone", "z")];
            series(&labels, 0..20, 10)
        })
        .collect();
    let store = TestStore::new();
    put_block(&store, 1, &[], &all);
    for matcher in [
        Matcher::new(MatchOp::Equal, "zone", "z").unwrap(),
        Matcher::new(MatchOp::Regex, "zone", "z|y").unwrap(),
        Matcher::new(MatchOp::Regex, "zone", "z.*").unwrap(),
    ] {
        let bucket = bucket(&store, BucketOptions::default());
        let storage = storage(&bucket, false);
        let view = RUNTIME.block_on(storage.snapshot(TimeRange::ALL)).unwrap();
        let read = read_series(&*view, &[matcher], TimeRange::ALL).unwrap();
        assert_eq!(read.len(), 3_000);
    }
}
