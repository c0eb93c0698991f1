//! Tests of rows and labels; what is made of samples is tested with the engine.

use std::sync::Arc;

use futures::executor::block_on;
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{
    LabelsRequest, MatchOp, Matcher, SelectHints, SelectRequest, Selected, Snapshot, Storage,
    TimeRange,
};

use super::Replicas;
use crate::conformance::{Harness, TestSeries};
use crate::memory::MemoryStorage;

/// Every series, in some replicas that have all of its samples.
struct Copies(&'static [&'static str]);

impl Harness for Copies {
    fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage> {
        let storage = MemoryStorage::new();
        for series in series {
            for replica in self.0 {
                for (timestamp, value) in series.samples() {
                    let labels = series.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
                    let labels = labels.chain([("replica", *replica)]);
                    storage.append(labels, timestamp, value).unwrap();
                }
            }
        }
        Arc::new(Replicas::new(Arc::new(storage), ["replica"]))
    }
}

mod conformance_of_two {
    crate::conformance_tests!(super::Copies(&["a", "b"]));
}

mod conformance_without_replicas {
    // A label with an empty value is none.
    crate::conformance_tests!(super::Copies(&[""]));
}

fn storage(series: &[&[(&str, &str)]]) -> Arc<MemoryStorage> {
    let storage = MemoryStorage::new();
    for (number, labels) in series.iter().enumerate() {
        let labels = labels.iter().copied();
        storage
            .append(labels, number as i64, number as f64)
            .unwrap();
    }
    Arc::new(storage)
}

fn snapshot(storage: &dyn Storage) -> Arc<dyn Snapshot> {
    block_on(storage.snapshot(TimeRange { start: 0, end: 10 })).unwrap()
}

struct Answer {
    selected: Selected,
    symbols: SymbolTable,
}

fn select(storage: &dyn Storage, matchers: &[Matcher], projection: Option<&[String]>) -> Answer {
    let (symbols, hints) = (SymbolTable::new(), SelectHints::default());
    let range = TimeRange { start: 0, end: 10 };
    let request = SelectRequest::new(matchers, range, &hints, &symbols);
    let request = request.with_projection(projection);
    let selected = block_on(snapshot(storage).select(request)).unwrap();
    Answer { selected, symbols }
}

impl Answer {
    /// Labels, and for each replica its number and the value of its sample.
    fn rows(&self) -> Vec<(String, Vec<(u32, i64)>)> {
        let symbols = self.symbols.read();
        let rows = self.selected.labels.iter().enumerate();
        rows.map(|(row, labels)| {
            let mut chunks = Vec::new();
            self.selected
                .series
                .chunks(row as u32, &mut chunks)
                .unwrap();
            let chunks = chunks.iter().map(|chunk| (chunk.replica, chunk.min_time));
            (symbols.display(labels), chunks.collect())
        })
        .collect()
    }
}

const SERIES: &[&[(&str, &str)]] = &[
    &[
        ("__name__", "m"),
        ("replica", "b"),
        ("a", "1"),
        ("rule_replica", "x"),
    ],
    &[
        ("__name__", "m"),
        ("replica", "a"),
        ("a", "1"),
        ("rule_replica", "y"),
    ],
    &[
        ("__name__", "m"),
        ("replica", "a"),
        ("a", "1"),
        ("rule_replica", "x"),
    ],
    // Behind the others with its replica label, before them without it.
    &[("__name__", "m"), ("replica", "a"), ("z", "1")],
    &[("__name__", "m"), ("replica", "a")],
    &[("__name__", "m"), ("z", "1")],
];

#[test]
fn rows_are_united_in_order_and_replicas_in_that_of_their_labels() {
    let replicas = Replicas::new(storage(SERIES), ["replica", "rule_replica"]);
    let expected = [
        ("m", vec![(0, 4)]),
        ("m{a=\"1\"}", vec![(0, 2), (1, 1), (2, 0)]),
        ("m{z=\"1\"}", vec![(0, 5), (1, 3)]),
    ];
    let rows = select(&replicas, &[], None).rows();
    let expected = expected.map(|(labels, chunks)| (labels.to_owned(), chunks));
    assert_eq!(rows, expected);
}

#[test]
fn matchers_on_replica_labels_reach_the_store() {
    let replicas = Replicas::new(storage(SERIES), ["replica"]);
    let matcher = Matcher::new(MatchOp::Equal, "replica", "b").unwrap();
    let rows = select(&replicas, &[matcher], None).rows();
    let expected = "m{a=\"1\", rule_replica=\"x\"}".to_owned();
    assert_eq!(rows, [(expected, vec![(0, 0)])]);
}

#[test]
fn without_replica_labels_all_stays_as_it_is() {
    let rows = |replicas: &Replicas| select(replicas, &[], None).rows();
    let none = Replicas::new(storage(SERIES), Vec::<String>::new());
    assert_eq!(rows(&none).len(), SERIES.len());
    let others = Replicas::new(storage(SERIES), ["nothing"]);
    assert_eq!(rows(&others), rows(&none));
}

#[test]
fn names_and_values_do_not_tell_of_replica_labels() {
    let replicas = Replicas::new(storage(SERIES), ["replica"]);
    let view = snapshot(&replicas);
    let request = || LabelsRequest::new(&[], TimeRange::ALL);
    let names = block_on(view.label_names(request())).unwrap();
    assert_eq!(names, ["__name__", "a", "rule_replica", "z"]);
    let values = |name| block_on(view.label_values(name, request())).unwrap();
    assert_eq!(values("rule_replica"), ["x", "y"]);
    assert!(values("replica").is_empty());
}
