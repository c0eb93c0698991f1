//! Compares an answer with what an `eval` expects.

use std::collections::BTreeMap;

use quarrel_engine::histogram::HistogramRef;
use quarrel_engine::{SampleValue, Value};
use quarrel_functions::fmt::{format_f, format_g, quote};

use crate::almost::almost_equal;
use crate::answer;
use crate::histogram::{Sequence, almost_same, almost_shown};
use crate::script::{Eval, EvalTime, HistogramPoint, Point, SeriesDescription};

/// Differences that are printed; further ones are counted.
const SHOWN_DIFFERENCES: usize = 4;

/// An answer with label strings.
#[derive(Debug)]
pub(crate) enum Answer<'a> {
    Scalar(f64),
    String(String),
    Vector(Vec<Series<'a>>),
    Matrix(Vec<Series<'a>>),
}

/// A series of an answer.
#[derive(Debug)]
pub(crate) struct Series<'a> {
    /// Sorted by name.
    pub(crate) labels: Vec<(String, String)>,
    /// In order of time.
    pub(crate) points: Vec<Got<'a>>,
}

/// A sample of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Got<'a> {
    pub(crate) timestamp: i64,
    pub(crate) value: GotValue<'a>,
}

impl Got<'_> {
    pub(crate) fn as_float(&self) -> Option<f64> {
        match self.value {
            GotValue::Float(value) => Some(value),
            GotValue::Histogram(_) | GotValue::Shown(_) => None,
        }
    }
}

/// Its value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GotValue<'a> {
    Float(f64),
    Histogram(HistogramRef<'a>),
    /// A histogram as the HTTP API shows it.
    Shown(&'a answer::Histogram),
}

impl<'a> Answer<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        match value {
            Value::Scalar { value, .. } => Answer::Scalar(*value),
            Value::String { value, .. } => Answer::String(value.clone()),
            Value::Vector(set) => Answer::Vector(set.to_series().into_iter().map(row).collect()),
            Value::Matrix(set) => Answer::Matrix(set.to_series().into_iter().map(row).collect()),
        }
    }
}

fn row(series: quarrel_engine::Series<'_>) -> Series<'_> {
    let points = series.points.iter().map(|point| Got {
        timestamp: point.timestamp,
        value: match point.value {
            SampleValue::Float(value) => GotValue::Float(value),
            SampleValue::Histogram(h) => GotValue::Histogram(h),
        },
    });
    Series {
        points: points.collect(),
        labels: series.labels,
    }
}

/// Compares as Prometheus does.
///
/// # Errors
/// The differences, in lines.
pub(crate) fn compare(eval: &Eval, answer: &Answer<'_>) -> Result<(), Vec<String>> {
    let expect = &eval.expect;
    let one = |line: String| Err(vec![line]);
    match answer {
        Answer::String(got) => {
            let want = expect.string.as_deref().unwrap_or_default();
            if want == got {
                return Ok(());
            }
            one(format!(
                "expected string {}, got {}",
                quote(want),
                quote(got)
            ))
        }
        Answer::Scalar(got) => match expect.scalar {
            Some(want) if almost_equal(want, *got) => Ok(()),
            Some(want) => one(format!(
                "expected scalar {}, got {}",
                number(want),
                number(*got)
            )),
            None => one(format!("expected series, got scalar {}", number(*got))),
        },
        Answer::Vector(got) | Answer::Matrix(got) => {
            if let Some(want) = expect.scalar {
                let first = got.first().map_or("an empty one".into(), series_text);
                return one(format!(
                    "expected scalar {}, got series: {first}",
                    number(want)
                ));
            }
            let matrix = matches!(answer, Answer::Matrix(_));
            if matrix {
                check_order_of_matrix(eval, got)?;
            }
            compare_series(eval, got, matrix)
        }
    }
}

fn check_order_of_matrix(eval: &Eval, got: &[Series<'_>]) -> Result<(), Vec<String>> {
    if eval.expect.ordered {
        return Err(vec!["expected an ordered result, got a matrix".into()]);
    }
    match got.windows(2).find(|pair| pair[0].labels > pair[1].labels) {
        None => Ok(()),
        Some(pair) => {
            let (a, b) = (labels_text(&pair[0].labels), labels_text(&pair[1].labels));
            Err(vec![format!(
                "the matrix is not sorted by labels: {a} before {b}"
            )])
        }
    }
}

fn compare_series(eval: &Eval, got: &[Series<'_>], matrix: bool) -> Result<(), Vec<String>> {
    // As in Prometheus, the last of repeated expected series counts.
    let mut wanted: BTreeMap<&[(String, String)], (usize, &SeriesDescription)> = BTreeMap::new();
    for (position, series) in eval.expect.series.iter().enumerate() {
        wanted.insert(&series.labels, (position, series));
    }
    let mut differences = Vec::new();
    let mut seen: Vec<&[(String, String)]> = Vec::new();
    for (position, series) in got.iter().enumerate() {
        let Some(&(expected_position, want)) = wanted.get(series.labels.as_slice()) else {
            differences.push(format!("unexpected {}", series_text(series)));
            continue;
        };
        seen.push(&series.labels);
        if eval.expect.ordered && expected_position != position {
            let labels = labels_text(&series.labels);
            let (expected_position, position) = (expected_position + 1, position + 1);
            differences.push(format!(
                "expected {labels} at position {expected_position}, got it at {position}"
            ));
        }
        let points = match want.points() {
            Ok(points) => points,
            Err(error) => {
                differences.push(error);
                continue;
            }
        };
        let difference = match matrix {
            true => compare_points(eval, &points, series),
            false => compare_point(points.first(), series),
        };
        differences.extend(difference);
    }
    for (labels, (_, want)) in &wanted {
        if !seen.contains(labels) {
            let values = want.points().unwrap_or_default();
            let (labels, values) = (labels_text(labels), points_text(&values));
            differences.push(format!("expected {labels} {values}, got no such series"));
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    if differences.len() > SHOWN_DIFFERENCES {
        let over = differences.len() - SHOWN_DIFFERENCES;
        differences.truncate(SHOWN_DIFFERENCES);
        differences.push(format!("... and {over} more"));
    }
    Err(differences)
}

fn compare_point(want: Option<&Point>, series: &Series<'_>) -> Option<String> {
    let want = want.unwrap_or(&Point::Omitted);
    let got = series.points.first()?;
    if equal(want, got.value) {
        return None;
    }
    let (labels, want) = (labels_text(&series.labels), point_text(want));
    Some(format!(
        "{labels}: expected {want}, got {}",
        value_text(got.value)
    ))
}

/// Whether a value is as expected. An omitted value counts as 0 where a value
/// is needed, as in Prometheus.
fn equal(want: &Point, got: GotValue<'_>) -> bool {
    match (want, got) {
        (Point::Float(want), GotValue::Float(got)) => almost_equal(*want, got),
        (Point::Omitted, GotValue::Float(got)) => almost_equal(0.0, got),
        (Point::Histogram(point), GotValue::Histogram(got)) => Sequence::default()
            .next(point)
            .is_ok_and(|want| almost_same(&want.view(), &got, point.hint_is_set)),
        (Point::Histogram(point), GotValue::Shown(got)) => Sequence::default()
            .next(point)
            .is_ok_and(|want| almost_shown(&want.view(), got)),
        _ => false,
    }
}

/// The values of a series by their times.
fn compare_points(eval: &Eval, points: &[Point], series: &Series<'_>) -> Option<String> {
    let labels = labels_text(&series.labels);
    let grid = eval.expect.range_vector.unwrap_or(eval.time);
    let EvalTime::Range {
        start_ms,
        end_ms,
        step_ms,
    } = grid
    else {
        return Some(format!(
            "{labels}: got a range vector, but no range vector is expected"
        ));
    };
    let mut want: Vec<(i64, &Point)> = Vec::new();
    for (i, point) in points.iter().enumerate() {
        let time = step_ms.saturating_mul(i as i64).saturating_add(start_ms);
        if time > end_ms {
            let count = points.len();
            return Some(format!(
                "{labels}: expected {count} points, but the range has fewer steps"
            ));
        }
        if !matches!(point, Point::Omitted) {
            want.push((time, point));
        }
    }
    let same_times = want.len() == series.points.len()
        && want
            .iter()
            .zip(&series.points)
            .all(|(w, g)| w.0 == g.timestamp);
    if same_times {
        let (time, want, got) = want
            .iter()
            .zip(&series.points)
            .find(|(w, g)| !equal(w.1, g.value))
            .map(|(w, g)| (w.0, w.1, g.value))?;
        let (want, got) = (point_text(want), value_text(got));
        return Some(format!(
            "{labels}: at {time} ms: expected {want}, got {got}"
        ));
    }
    let want = want
        .iter()
        .map(|(time, point)| format!("{} @[{time}]", point_text(point)));
    let want = shortened(want.collect());
    let got = shortened(series.points.iter().map(got_text).collect());
    Some(format!(
        "{labels}: expected {want}\n{}  got      {got}",
        " ".repeat(labels.chars().count())
    ))
}

fn got_text(point: &Got<'_>) -> String {
    format!("{} @[{}]", value_text(point.value), point.timestamp)
}

/// The first few of a list.
fn shortened(mut texts: Vec<String>) -> String {
    const SHOWN: usize = 12;
    let all = texts.len();
    if all == 0 {
        return "nothing".into();
    }
    texts.truncate(SHOWN);
    if all > SHOWN {
        texts.push(format!("... ({all} in all)"));
    }
    texts.join(" ")
}

fn series_text(series: &Series<'_>) -> String {
    let labels = labels_text(&series.labels);
    let points = match &series.points[..] {
        [only] => value_text(only.value),
        points => shortened(points.iter().map(got_text).collect()),
    };
    format!("{labels} {points}")
}

/// As scripts write them.
fn labels_text(labels: &[(String, String)]) -> String {
    let plain = |name: &str| {
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let name = labels
        .iter()
        .find(|l| l.0 == "__name__" && plain(&l.1))
        .map(|l| l.1.as_str());
    let rest = labels
        .iter()
        .filter(|l| l.0 != "__name__" || name.is_none())
        .map(|(n, v)| {
            let key = if plain(n) { n.clone() } else { quote(n) };
            format!("{key}={}", quote(v))
        });
    let rest: Vec<String> = rest.collect();
    match name {
        Some(name) if rest.is_empty() => name.to_string(),
        _ => format!("{}{{{}}}", name.unwrap_or_default(), rest.join(", ")),
    }
}

fn points_text(points: &[Point]) -> String {
    shortened(points.iter().map(point_text).collect())
}

fn point_text(point: &Point) -> String {
    match point {
        Point::Omitted => "_".into(),
        Point::Float(value) => number(*value),
        Point::Histogram(histogram) => histogram_text(histogram),
    }
}

fn histogram_text(point: &HistogramPoint) -> String {
    match &point.increment {
        Some(_) if point.times > 0 => match Sequence::default().next(point) {
            Ok(h) => h.to_test_expression(),
            Err(error) => error,
        },
        _ => point.first.to_string(),
    }
}

fn value_text(value: GotValue<'_>) -> String {
    match value {
        GotValue::Float(value) => number(value),
        GotValue::Histogram(h) => h.to_test_expression(),
        GotValue::Shown(h) => shown_text(h),
    }
}

fn shown_text(h: &answer::Histogram) -> String {
    let buckets = h.buckets.iter().map(|bucket| {
        let (lower, upper) = (number(bucket.lower), number(bucket.upper));
        format!("[{lower},{upper}]:{}", number(bucket.count))
    });
    let buckets = shortened(buckets.collect());
    let (count, sum) = (number(h.count), number(h.sum));
    format!("{{{{count:{count} sum:{sum} between {buckets}}}}}")
}

/// As Go prints it with `%v`.
fn number(value: f64) -> String {
    let plain = value == 0.0 || (1e-4..1e21).contains(&value.abs());
    if plain {
        format_f(value)
    } else {
        format_g(value)
    }
}
