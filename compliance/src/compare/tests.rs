use std::time::Duration;

use proptest::prelude::*;
use quarrel_engine::{QueryTimes, Timestamp};

use super::*;
use crate::answer::{Answer, Data, Labels, Row, Value};
use crate::cases::{Case, Expected, Origin};
use crate::endpoint::fake::{Asked, Fake, Told};
use crate::endpoint::{Endpoint, EndpointOptions};

fn row(job: &str, floats: &[(i64, f64)]) -> Row {
    Row {
        labels: Labels::new(vec![("job", job)]).unwrap(),
        floats: floats.to_vec(),
        histograms: Vec::new(),
    }
}

fn answer(value: Value) -> Answer {
    Answer::Data(Data {
        value,
        warnings: Vec::new(),
        infos: Vec::new(),
        steps: None,
    })
}

/// The kinds in which two matrices differ, and how many there are of each.
fn kinds(a: &[Row], b: &[Row]) -> Vec<(Kind, usize)> {
    let (a, b) = (Value::Matrix(a.to_vec()), Value::Matrix(b.to_vec()));
    let found = compare(
        &answer(a),
        &answer(b),
        Promise::None,
        &Strictness::default(),
    );
    found.iter().map(|one| (one.kind, one.count)).collect()
}

#[test]
fn each_kind_has_its_name() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_name(kind.name()), Some(kind));
    }
    assert!(Kind::ALL.is_sorted());
    assert_eq!(Kind::from_name("other"), None);
}

#[test]
fn differences_of_rows_are_told_apart() {
    let a = [row("a", &[(0, 1.0), (60, 2.0)]), row("b", &[(0, 5.0)])];
    assert_eq!(kinds(&a, &a), []);
    let seventh = row("a", &[(0, 1.0), (60, 2.0000002)]);
    assert_eq!(kinds(&a, &[seventh, a[1].clone()]), [(Kind::Value, 1)]);
    assert_eq!(kinds(&a, &a[..1]), [(Kind::MissingSeries, 1)]);
    assert_eq!(kinds(&a[..1], &a), [(Kind::ExtraSeries, 1)]);
    let named = row("c", &[(0, 5.0)]);
    assert_eq!(kinds(&a, &[a[0].clone(), named]), [(Kind::Labels, 1)]);
    let shorter = row("a", &[(60, 2.0)]);
    let other = [shorter, row("b", &[(0, 5.0), (60, 5.0), (120, 5.0)])];
    assert_eq!(
        kinds(&a, &other),
        [(Kind::MissingSamples, 1), (Kind::ExtraSamples, 2)]
    );
    let turned = [a[1].clone(), a[0].clone()];
    assert_eq!(kinds(&a, &turned), [(Kind::Order, 2)]);
    // What is in no order has none to keep.
    assert_eq!(kinds(&turned, &a), []);
}

#[test]
fn rows_with_equal_labels_are_matched_by_their_samples() {
    let (x, y) = (row("a", &[(0, 1.0)]), row("a", &[(0, 2.0)]));
    assert_eq!(kinds(&[x.clone(), y.clone()], &[y.clone(), x.clone()]), []);
    assert_eq!(
        kinds(&[x.clone(), y], std::slice::from_ref(&x)),
        [(Kind::MissingSeries, 1)]
    );
    assert_eq!(
        kinds(std::slice::from_ref(&x), &[x.clone(), x.clone()]),
        [(Kind::ExtraSeries, 1)]
    );
}

#[test]
fn the_first_difference_is_shown() {
    let a = [row("a", &[(0, 1.0), (1500, 2.0)])];
    let b = [row("a", &[(0, 1.0), (1500, f64::NAN)])];
    let (x, y) = (
        answer(Value::Matrix(a.to_vec())),
        answer(Value::Matrix(b.to_vec())),
    );
    let found = compare(&x, &y, Promise::None, &Strictness::default());
    let text = "value: {job=\"a\"} at 1.500: reference 2; test NaN";
    assert_eq!(found[0].to_string(), text);
    assert_eq!(found[0].at, Some(1500));
    let sides = found[0].rows.as_ref().unwrap();
    assert_eq!(sides.reference.as_ref(), Some(&a[0]));
}

#[test]
fn a_promised_order_is_compared_by_what_it_promises() {
    let vector = |values: &[(&str, f64)]| {
        let rows = values.iter().map(|(job, value)| row(job, &[(0, *value)]));
        answer(Value::Vector(rows.collect()))
    };
    let a = vector(&[("a", 2.0), ("b", 2.0), ("c", 1.0)]);
    let equal = vector(&[("b", 2.0), ("a", 2.0), ("c", 1.0)]);
    let wrong = vector(&[("a", 2.0), ("c", 1.0), ("b", 2.0)]);
    let of = |b: &Answer, promise| compare(&a, b, promise, &Strictness::default()).len();
    assert_eq!(
        [Promise::None, Promise::Values, Promise::Rows].map(|p| of(&equal, p)),
        [0, 0, 1]
    );
    assert_eq!(
        [Promise::None, Promise::Values, Promise::Rows].map(|p| of(&wrong, p)),
        [0, 1, 1]
    );
}

proptest! {
    /// Two answers differ exactly if a row or a sample does, whatever the order.
    #[test]
    fn rows_are_equal_as_sets(
        values in prop::collection::btree_map("[ab]{1,3}", prop::collection::btree_map(0i64..5, -3i32..3, 1..4), 0..5),
        turn in 0usize..5,
        change in any::<Option<(usize, usize)>>(),
    ) {
        let rows: Vec<Row> = values.iter().map(|(job, samples)| {
            let floats: Vec<_> = samples.iter().map(|(at, v)| (*at, f64::from(*v))).collect();
            row(job, &floats)
        }).collect();
        let mut other = rows.clone();
        let mut changed = false;
        if let (Some((r, s)), false) = (change, rows.is_empty()) {
            let count = other.len();
            let floats = &mut other[r % count].floats;
            let sample = s % floats.len();
            floats[sample].1 += 1.0;
            changed = true;
        }
        let count = other.len().max(1);
        other.rotate_left(turn % count);
        // Rows in another order are in none that the first side keeps.
        let a = answer(Value::Vector(rows));
        let b = answer(Value::Vector(other));
        let found = compare(&a, &b, Promise::None, &Strictness::default());
        prop_assert_eq!(found.is_empty(), !changed);
    }
}

const MATRIX: &str = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"a"},"value":[7,"1.0000001"]},{"metric":{"job":"b"},"value":[7,"5"]}]}}"#;

/// What a faulty endpoint makes of the answer, by the text of the query.
fn falsify(asked: &Asked) -> Told {
    let replaced = |from: &str, to: &str| Told::json(MATRIX.replace(from, to));
    match asked.parameter("query") {
        "digit" => replaced("1.0000001", "1.0000002"),
        "missing" => replaced(r#",{"metric":{"job":"b"},"value":[7,"5"]}"#, ""),
        "label" => replaced(r#"{"job":"b"}"#, r#"{"job":"b","pod":"x"}"#),
        "type" => Told::json(
            MATRIX
                .replace("\"vector\"", "\"matrix\"")
                .replace("\"value\":", "\"values\":")
                .replace("[7,\"1.0000001\"]", "[[7,\"1.0000001\"]]")
                .replace("[7,\"5\"]", "[[7,\"5\"]]"),
        ),
        "error" => Told::json(r#"{"status":"error","errorType":"execution","error":"no"}"#),
        "late" => Told::Late(Duration::from_secs(60), MATRIX.into()),
        "broken" => replaced("}]}}", "}"),
        "dies" => Told::Cut(50, MATRIX.into()),
        _ => Told::json(MATRIX),
    }
}

fn at() -> QueryTimes {
    QueryTimes::Instant(Timestamp::from_secs(7))
}

fn options(timeout_ms: u64) -> EndpointOptions {
    EndpointOptions {
        timeout: Duration::from_millis(timeout_ms),
        ..EndpointOptions::default()
    }
}

async fn comparison(reference: &Fake, test: &Fake) -> Comparison {
    let reference = Endpoint::new(&reference.url, options(60_000)).unwrap();
    let test = Endpoint::new(&test.url, options(5000)).unwrap();
    Comparison::new(reference, test, CompareOptions::default())
}

#[tokio::test]
async fn each_fault_is_found_and_named() {
    let right = Fake::start(|_| Told::json(MATRIX)).await;
    let wrong = Fake::start(falsify).await;
    let comparison = comparison(&right, &wrong).await;
    for (query, kinds) in [
        ("digit", &[Kind::Value][..]),
        ("missing", &[Kind::MissingSeries]),
        ("label", &[Kind::Labels]),
        ("type", &[Kind::ResultType]),
        ("error", &[Kind::Error]),
        ("late", &[Kind::Timeout]),
        ("broken", &[Kind::Unreadable]),
        ("dies", &[Kind::Connection]),
        ("right", &[]),
    ] {
        let outcome = comparison
            .check(Case::new(query, Origin::default()), at())
            .await;
        let found = match &outcome.verdict {
            Verdict::Different(found) => found.iter().map(|one| one.kind).collect(),
            Verdict::Equal => Vec::new(),
            other => panic!("{query}: {other:?}"),
        };
        assert_eq!(found, kinds, "{query}");
    }
}

#[tokio::test]
async fn a_reference_that_does_not_answer_is_no_difference() {
    let (right, wrong) = (
        Fake::start(|_| Told::json(MATRIX)).await,
        Fake::start(falsify).await,
    );
    let comparison = comparison(&wrong, &right).await;
    let outcome = comparison
        .check(Case::new("dies", Origin::default()), at())
        .await;
    assert!(matches!(outcome.verdict, Verdict::Unasked(_)));
    assert_eq!(outcome.answer, AnswerKind::None);
}

#[tokio::test]
async fn a_reference_that_changes_its_mind_has_several_right_answers() {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let tell = move |_: &Asked| {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Told::json(MATRIX.replace("\"5\"", &format!("\"{call}\"")))
    };
    let (unsure, right) = (
        Fake::start(tell).await,
        Fake::start(|_| Told::json(MATRIX)).await,
    );
    let comparison = comparison(&unsure, &right).await;
    let outcome = comparison
        .check(Case::new("x", Origin::default()), at())
        .await;
    let Verdict::Undetermined(how) = outcome.verdict else {
        panic!()
    };
    assert_eq!(how, Undetermined::Reference);
}

/// `topk` over three rows, of which it may take two of three.
fn tie(choice: &'static str) -> impl Fn(&Asked) -> Told {
    let vector = |rows: &str| {
        let rows: Vec<String> = rows
            .chars()
            .map(|job| format!(r#"{{"metric":{{"job":"{job}"}},"value":[7,"1"]}}"#))
            .collect();
        Told::json(format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#,
            rows.join(",")
        ))
    };
    move |asked: &Asked| match asked.parameter("query") {
        "x" => vector("abc"),
        "y" => vector("ab"),
        _ => vector(choice),
    }
}

#[tokio::test]
async fn a_choice_among_equal_values_is_no_difference() {
    let (a, b) = (Fake::start(tie("ab")).await, Fake::start(tie("ac")).await);
    let comparison = comparison(&a, &b).await;
    let verdict = async |query: &str| {
        comparison
            .check(Case::new(query, Origin::default()), at())
            .await
            .verdict
    };
    let tied = verdict("topk(2, x)").await;
    assert!(
        matches!(tied, Verdict::Undetermined(Undetermined::Tie)),
        "{tied:?}"
    );
    // All of y are taken, so there is no choice.
    let settled = verdict("topk(2, y)").await;
    assert!(matches!(settled, Verdict::Different(_)), "{settled:?}");
    let other = verdict("sum by (job) (x)").await;
    assert!(matches!(other, Verdict::Different(_)), "{other:?}");
}

#[tokio::test]
async fn what_is_expected_counts_before_what_is_equal() {
    let (right, wrong) = (
        Fake::start(|_| Told::json(MATRIX)).await,
        Fake::start(falsify).await,
    );
    let comparison = comparison(&right, &wrong).await;
    let verdict = async |query: &str, expected| {
        let mut case = Case::new(query, Origin::default());
        case.expected = expected;
        comparison.check(case, at()).await.verdict
    };
    assert!(matches!(
        verdict("digit", Expected::Success).await,
        Verdict::Equal
    ));
    assert!(matches!(
        verdict("error", Expected::Success).await,
        Verdict::Different(_)
    ));
    // The reference does not fail either, and counts.
    assert!(matches!(
        verdict("right", Expected::Failure).await,
        Verdict::Equal
    ));
    assert!(matches!(
        verdict("digit", Expected::Failure).await,
        Verdict::Different(_)
    ));
}

#[test]
fn order_is_that_of_the_labels() {
    let rows = ["1", "10", "2"].map(|job| row(job, &[(0, 1.0)]));
    let mut turned = rows.to_vec();
    turned.reverse();
    assert_eq!(kinds(&rows, &turned), [(Kind::Order, 2)]);
}

#[test]
fn times_of_scalars_are_compared() {
    let scalar = |at| answer(Value::Scalar(at, 1.0));
    let strictness = Strictness::default();
    let found = compare(&scalar(0), &scalar(1000), Promise::None, &strictness);
    assert_eq!(found[0].to_string(), "value: time: reference 0; test 1");
}

#[tokio::test]
async fn a_choice_must_be_one_of_what_there_is() {
    // The labels are none of the operand's, though the values are.
    let (a, b) = (Fake::start(tie("ab")).await, Fake::start(tie("az")).await);
    let comparison = comparison(&a, &b).await;
    let case = Case::new("topk(2, x)", Origin::default());
    let verdict = comparison.check(case, at()).await.verdict;
    assert!(matches!(verdict, Verdict::Different(_)), "{verdict:?}");
}

#[test]
fn texts_of_servers_are_cut() {
    let text = |c: char| answer(Value::Text(0, c.to_string().repeat(100_000)));
    let strictness = Strictness::default();
    let found = compare(&text('a'), &text('é'), Promise::None, &strictness);
    assert!(found[0].text.len() < 5000 && found[0].text.ends_with("..."));
}
