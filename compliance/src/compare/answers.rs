//! Comparing two answers.

use quarrel_functions::fmt::format_g;

use super::difference::{Difference, Kind};
use super::notes::compare_notes;
use super::rows::compare_rows;
use super::tolerance::Tolerance;
use crate::answer::{Answer, Data, Failure, Row, Value, seconds};

/// How strictly answers are compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strictness {
    /// When floats are equal.
    pub tolerance: Tolerance,
    /// Whether warnings and infos are compared.
    pub annotations: bool,
    /// Whether the texts of errors are compared.
    pub error_texts: bool,
    /// Whether samples of each step are compared, which Prometheus gives with
    /// `stats=all` and its feature `promql-per-step-stats`.
    pub statistics: bool,
}

/// The order that a query promises for the rows of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// None.
    None,
    /// By value: rows of equal values may change places.
    Values,
    /// As it is.
    Rows,
}

/// The differences between two answers, most severe first, one of each kind.
pub fn compare(
    reference: &Answer,
    test: &Answer,
    promise: Promise,
    strictness: &Strictness,
) -> Vec<Difference> {
    match (reference, test) {
        (Answer::Data(reference), Answer::Data(test)) => {
            compare_data(reference, test, promise, strictness)
        }
        (Answer::Failure(reference), Answer::Failure(test)) => {
            compare_failures(reference, test, strictness)
        }
        (reference, test) => {
            let text = format!("reference {}; test {}", outcome(reference), outcome(test));
            vec![Difference::one(Kind::Error, text)]
        }
    }
}

fn compare_data(
    reference: &Data,
    test: &Data,
    promise: Promise,
    strictness: &Strictness,
) -> Vec<Difference> {
    let tolerance = &strictness.tolerance;
    let mut found = match (&reference.value, &test.value) {
        (Value::Vector(a), Value::Vector(b)) => {
            let mut found = compare_rows(a, b, tolerance);
            if found.is_empty() {
                found.extend(compare_order(a, b, promise, tolerance));
            }
            found
        }
        (Value::Matrix(a), Value::Matrix(b)) => {
            let mut found = compare_rows(a, b, tolerance);
            // Prometheus sorts the rows of a range query by their labels.
            if found.is_empty() && a.is_sorted_by(|x, y| x.labels <= y.labels) {
                found.extend(compare_order(a, b, Promise::Rows, tolerance));
            }
            found
        }
        (
            Value::Scalar(at, _) | Value::Text(at, _),
            Value::Scalar(other, _) | Value::Text(other, _),
        ) if at != other && reference.value.kind() == test.value.kind() => {
            let text = format!("time: reference {}; test {}", seconds(*at), seconds(*other));
            vec![Difference::one(Kind::Value, text)]
        }
        (Value::Scalar(at, a), Value::Scalar(_, b)) if !tolerance.equal(*a, *b) => {
            let text = format!("reference {}; test {}", format_g(*a), format_g(*b));
            let mut one = Difference::one(Kind::Value, text);
            one.at = Some(*at);
            vec![one]
        }
        (Value::Text(_, a), Value::Text(_, b)) if a != b => {
            let text = format!("reference {a:?}; test {b:?}");
            vec![Difference::one(Kind::Value, text)]
        }
        (a, b) if a.kind() != b.kind() => {
            let text = format!("reference {}; test {}", a.kind(), b.kind());
            vec![Difference::one(Kind::ResultType, text)]
        }
        _ => Vec::new(),
    };
    if strictness.annotations {
        let warnings = compare_notes(Kind::Warnings, &reference.warnings, &test.warnings);
        let infos = compare_notes(Kind::Infos, &reference.infos, &test.infos);
        found.extend(warnings.into_iter().chain(infos));
    }
    if strictness.statistics {
        found.extend(compare_steps(reference, test));
    }
    found
}

/// Compares the samples of each step, if the reference gives them.
fn compare_steps(reference: &Data, test: &Data) -> Option<Difference> {
    let a = reference.steps.as_ref()?;
    let Some(b) = &test.steps else {
        return Some(Difference::one(Kind::Statistics, "test has none"));
    };
    let both = a.read.as_ref().zip(b.read.as_ref());
    let counts = [Some((&a.total, &b.total)), both];
    for (what, (a, b)) in ["in windows", "read"]
        .iter()
        .zip(counts.into_iter().flatten())
    {
        let mut pairs = a.iter().zip(b);
        let text = match pairs.find(|(x, y)| x != y) {
            Some((x, y)) => format!("samples {what}: reference {x:?}; test {y:?}"),
            None if a.len() != b.len() => format!(
                "steps of samples {what}: reference {}; test {}",
                a.len(),
                b.len()
            ),
            None => continue,
        };
        return Some(Difference::one(Kind::Statistics, text));
    }
    None
}

fn compare_failures(a: &Failure, b: &Failure, strictness: &Strictness) -> Vec<Difference> {
    if a.kind != b.kind {
        let text = format!(
            "reference {:?} ({:?}); test {:?} ({:?})",
            a.kind, a.message, b.kind, b.message
        );
        return vec![Difference::one(Kind::ErrorType, text)];
    }
    if strictness.error_texts && a.message != b.message {
        let text = format!("reference {:?}; test {:?}", a.message, b.message);
        return vec![Difference::one(Kind::ErrorText, text)];
    }
    Vec::new()
}

fn compare_order(
    a: &[Row],
    b: &[Row],
    promise: Promise,
    tolerance: &Tolerance,
) -> Option<Difference> {
    let same = |a: &Row, b: &Row| match promise {
        Promise::None => true,
        Promise::Rows => a.labels == b.labels,
        Promise::Values => match (a.floats.first(), b.floats.first()) {
            (Some((_, x)), Some((_, y))) => tolerance.equal(*x, *y),
            _ => a.labels == b.labels,
        },
    };
    let differ = |at: &usize| !same(&a[*at], &b[*at]);
    let mut places = (0..a.len().min(b.len())).filter(differ);
    let first = places.next()?;
    let text = format!(
        "row {}: reference {}; test {}",
        first + 1,
        a[first].labels,
        b[first].labels
    );
    Some(Difference {
        count: 1 + places.count(),
        ..Difference::one(Kind::Order, text)
    })
}

/// An answer in a few words.
fn outcome(answer: &Answer) -> String {
    match answer {
        Answer::Data(data) => match &data.value {
            Value::Vector(rows) | Value::Matrix(rows) => {
                format!("has a {} of {} series", data.value.kind(), rows.len())
            }
            other => format!("has a {}", other.kind()),
        },
        Answer::Failure(failure) => format!("fails: {}: {:?}", failure.kind, failure.message),
    }
}
