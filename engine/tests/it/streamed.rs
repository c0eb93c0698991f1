//! Joins and sets whose rows are computed as they come, in several partitions: they
//! answer, fail and annotate as if all rows had been there before.

use std::sync::Arc;

use futures::executor::block_on;
use quarrel_chunks::histogram::Histogram;
use quarrel_engine::storage::{Chunk, Encoding, Storage};
use quarrel_engine::{QueryError, QueryOptions, QueryResult};

use crate::fake::{Fake, encoded, floats};
use crate::support::{at_secs, engine, over_secs, show};

const THREADS: [usize; 3] = [1, 2, 8];
const SERIES: usize = 700;

/// Series `name{i="0000"}` of some chunk each.
fn series(name: &str, chunk: impl Fn(usize) -> Chunk) -> Fake {
    Fake::new((0..SERIES).map(|i| (format!("{name}{{i=\"{i:04}\"}}"), vec![chunk(i)])))
}

/// A store that says that it has more samples than are computed on the caller's
/// thread.
fn large(fake: Fake) -> Arc<dyn Storage> {
    let estimate = Some(10_000_000);
    Fake { estimate, ..fake }.store()
}

/// The answers at a time and over some, on so many threads.
fn ask(
    store: &Arc<dyn Storage>,
    text: &str,
    threads: usize,
) -> [Result<QueryResult, QueryError>; 2] {
    let prepared = engine(threads).prepare(text).unwrap();
    let (options, more) = (QueryOptions::new(), QueryOptions::new());
    let instant = prepared.instant(Arc::clone(store), at_secs(60), options);
    let range = prepared.range(Arc::clone(store), over_secs((0, 60, 30)), more);
    [block_on(instant.execute()), block_on(range.execute())]
}

fn three(i: usize) -> Chunk {
    let value = (i * 7919 % 1009) as f64 + 0.5;
    floats(&[(0, value), (30, value / 3.0), (60, value / 7.0)])
}

/// A row of the "one" side that repeats its group, at another time, makes the
/// same join need all rows first.
#[test]
fn they_answer_as_those_that_have_all_rows() {
    let whole = Fake::new([
        (
            "one{i=\"x\",v=\"a\"}".to_string(),
            vec![floats(&[(0, 1.0)])],
        ),
        (
            "one{i=\"x\",v=\"b\"}".to_string(),
            vec![floats(&[(900, 1.0)])],
        ),
    ]);
    let gaps = |i: usize| match i % 5 {
        0 => floats(&[(30, 2.0)]),
        1 => floats(&[(0, f64::NAN), (60, 0.0)]),
        _ => three(i + 1),
    };
    let streamed = series("many", three).and(series("one", gaps));
    let whole = streamed.clone().and(whole);
    let (streamed, whole) = (large(streamed), large(whole));
    for text in [
        "many / on (i) one",
        "many < on (i) one",
        "many * on (i) group_left () one",
        "many * on (i) group_left (v) one",
        "one - on (i) group_right () many",
        "sum(many == bool on (i) group_left () one)",
        "topk(3, many - on (i) one)",
        "(many + on (i) one) + on (i) group_left () one",
    ] {
        let expected = ask(&whole, text, 1).map(|answer| show(&answer.unwrap()));
        assert!(expected.iter().all(|answer| !answer.is_empty()), "{text}");
        for threads in THREADS {
            let answers = ask(&streamed, text, threads).map(|answer| show(&answer.unwrap()));
            assert!(answers == expected, "{text} on {threads} threads");
        }
    }
}

#[test]
fn sets_filter_the_rows_of_the_first_operand() {
    let gaps = |i: usize| match i % 3 {
        0 => floats(&[(0, 1.0), (30, f64::from_bits(0x7ff0_0000_0000_0002))]),
        _ => three(i),
    };
    let few = Fake::new((0..50).map(|i| (format!("few{{i=\"{:04}\"}}", i * 14), vec![three(i)])));
    let store = large(series("many", three).and(series("gaps", gaps)).and(few));
    // Of 700 rows, 234 are in a group that is gone after 0 s, 50 in one of the few,
    // and 17 in both.
    for (text, counts) in [
        ("count(many and on (i) gaps)", "{} 700@0 466@30 466@60"),
        ("count(many unless on (i) gaps)", "{} 234@30 234@60"),
        ("count(many and on (i) few)", "{} 50@0 50@30 50@60"),
        (
            "count(many unless on (i) gaps and on (i) few)",
            "{} 17@30 17@60",
        ),
        (
            "count(many and on (i) gaps and on (i) few)",
            "{} 50@0 33@30 33@60",
        ),
        (
            "count(many unless on (i) gaps unless on (i) few)",
            "{} 217@30 217@60",
        ),
        (
            "count(many unless on (i) nothing)",
            "{} 700@0 700@30 700@60",
        ),
        ("count(many and on (i) nothing)", ""),
    ] {
        for threads in THREADS {
            let [_, range] = ask(&store, text, threads);
            assert_eq!(show(&range.unwrap()), counts, "{text} on {threads} threads");
        }
    }
}

#[test]
fn the_left_operands_error_comes_first() {
    let corrupt = |bad: Option<usize>| {
        move |i: usize| match bad {
            Some(number) if number == i => encoded(Encoding::Xor, vec![0, 9, 1], three(i)),
            _ => three(i),
        }
    };
    for (left, right, expected) in [
        (Some(600), Some(10), "left"),
        (Some(10), Some(600), "left"),
        (Some(650), None, "left"),
        (None, Some(650), "right"),
    ] {
        let store = large(series("left", corrupt(left)).and(series("right", corrupt(right))));
        for text in [
            "left + on (i) right",
            "left + on (i) group_left () right",
            "left + on (i) group_right () right",
            "sum(left + on (i) group_right () right)",
            "left and on (i) right",
            "count(left unless on (i) right)",
            "left and on (i) right and on (i) right * 2",
        ] {
            for threads in THREADS {
                for answer in ask(&store, text, threads) {
                    let error = answer.expect_err(text).to_string();
                    let named = format!("__name__=\"{expected}\"");
                    assert!(error.contains(&named), "{text} on {threads}: {error}");
                }
            }
        }
    }
}

/// Prometheus keeps the annotation of a step's last pair.
#[test]
fn the_last_pair_annotates() {
    let histogram = Histogram::<u64>::default();
    let mixed = |at: &'static [usize]| {
        let histogram = histogram.clone();
        move |i: usize| match at.contains(&i) {
            true => Chunk::histograms([(60_000, &histogram)]).unwrap().remove(0),
            false => floats(&[(60, 1.0)]),
        }
    };
    for (many, one, last) in [
        (&[10][..], &[690][..], "float + histogram"),
        (&[690], &[10], "histogram + float"),
    ] {
        let store = large(series("many", mixed(many)).and(series("one", mixed(one))));
        for threads in THREADS {
            for answer in ask(&store, "many + on (i) group_left () one", threads) {
                let infos = answer.unwrap().infos;
                assert_eq!(infos.len(), 1, "{infos:?} on {threads} threads");
                assert!(infos[0].contains(last), "{infos:?} on {threads} threads");
            }
        }
    }
}
