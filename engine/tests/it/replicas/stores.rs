//! Stores that give replicas.

use std::sync::Arc;

use quarrel_engine::storage::{Chunk, Storage};
use quarrel_storage::replicas::Replicas;

use crate::fake::{Fake, FakeSeries};
use crate::support::{instant, labels_of, range, show};

fn series(labels: &str, chunks: Vec<Chunk>) -> FakeSeries {
    FakeSeries {
        labels: labels_of(labels),
        chunks,
    }
}

fn floats(times: impl IntoIterator<Item = i64>, value: f64) -> Chunk {
    let times: Vec<i64> = times.into_iter().collect();
    let values = vec![value; times.len()];
    Chunk::floats(times, values)
}

#[test]
fn chunks_of_a_replica_may_overlap_and_stand_among_others() {
    let every = |from: i64, to: i64| (from..to).map(|i| i * 30_000);
    // The first replica has 1 until 20 and from 60 on, the other one has 2.
    let chunks = vec![
        floats(every(0, 15), 1.0).with_replica(4),
        floats(every(0, 50), 2.0).with_replica(7),
        floats(every(10, 20), 1.0).with_replica(4),
        floats(every(40, 80), 2.0).with_replica(7),
        floats(every(60, 80), 1.0).with_replica(4),
    ];
    let fake = Fake {
        series: Arc::new(vec![series("m", chunks)]),
        ..Fake::default()
    };
    let store: Arc<dyn Storage> = Arc::new(fake);
    let count = |text| show(&instant(&store, text, 80 * 30 - 30).unwrap());
    assert_eq!(count("count_over_time(m[40m])"), "{} 80@2370");
    assert_eq!(count("sum_over_time(m[40m])"), "{} 120@2370");
    let answer = show(&range(&store, "m", (0, 2370, 790)).unwrap());
    assert_eq!(answer, "{__name__=m} 1@0 2@790 2@1580 1@2370");
}

#[test]
fn a_corrupt_replica_is_an_error_that_names_the_series() {
    let bad = Chunk::floats(vec![30_000, 0], vec![1.0, 2.0]).with_replica(1);
    let mut bad = bad;
    (bad.min_time, bad.max_time) = (0, 30_000);
    let fake = Fake {
        series: Arc::new(vec![series("m{a=b}", vec![floats([0], 1.0), bad])]),
        ..Fake::default()
    };
    let store: Arc<dyn Storage> = Arc::new(fake);
    for text in ["m", "m[5m]", "rate(m[5m])"] {
        let error = instant(&store, text, 60).unwrap_err().to_string();
        assert!(error.contains(r#"{__name__="m", a="b"}"#), "{error}");
    }
}

#[test]
fn a_store_that_leaves_labels_out_is_asked_for_all_of_them() {
    let of = |labels: &str, value: f64| series(labels, vec![floats([0, 30_000], value)]);
    let fake = Fake {
        series: Arc::new(vec![
            of("m{a=1,pod=x,replica=r0}", 1.0),
            of("m{a=1,pod=x,replica=r1}", 1.0),
            of("m{a=1,pod=y,replica=r0}", 1.0),
            of("m{a=1,pod=y,replica=r1}", 1.0),
        ]),
        projects: true,
        ..Fake::default()
    };
    let store = |labels: &[&str]| -> Arc<dyn Storage> {
        Arc::new(Replicas::new(
            Arc::new(fake.clone()),
            labels.iter().copied(),
        ))
    };
    let text = "sum by (a) (m)";
    let sum = |store: Arc<dyn Storage>| show(&instant(&store, text, 30).unwrap());
    assert_eq!(sum(store(&["replica"])), "{a=1} 2@30");
    assert_eq!(sum(store(&[])), "{a=1} 4@30");
    assert_eq!(sum(store(&["nothing"])), "{a=1} 4@30");
    let labels = r#"sum by (replica) (m{replica="r1"})"#;
    let answer = show(&instant(&store(&["replica"]), labels, 30).unwrap());
    assert_eq!(answer, "{} 2@30");
}
