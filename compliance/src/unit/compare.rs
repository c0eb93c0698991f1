//! Compares what a test expects with what it got.

use quarrel_functions::fmt::{format_g, quote};
use quarrel_planner::ParserOptions;

use super::alerts::Firing;
use super::file::{AlertTest, ExpectedSample};
use crate::histogram::Sequence;
use crate::script::{Point, parse_metric, parse_series};
use crate::template::{Labels, Sample, SampleValue};

/// A sample in the form in which it is compared.
#[derive(Clone, Debug)]
pub(super) struct Row {
    labels: Vec<(String, String)>,
    value: f64,
    /// As tests write it; of a float empty.
    histogram: String,
}

impl Row {
    /// A sample of an answer.
    pub(super) fn of(sample: Sample) -> Self {
        let labels = sample.labels.iter();
        let labels = labels
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let (value, histogram) = match &sample.value {
            SampleValue::Float(value) => (*value, String::new()),
            SampleValue::Histogram(histogram) => (0.0, histogram.to_test_expression()),
        };
        Row {
            labels,
            value,
            histogram,
        }
    }

    /// An expected sample.
    ///
    /// # Errors
    /// When its labels or its histogram are none.
    pub(super) fn expected(sample: &ExpectedSample, parser: ParserOptions) -> Result<Self, String> {
        let place = |error: String| format!("labels {}: {error}", quote(&sample.labels));
        let labels =
            parse_metric(&sample.labels, parser.enable_unquoted_utf8_names).map_err(place)?;
        let histogram = match sample.histogram.as_str() {
            "" => String::new(),
            text => histogram(text).map_err(place)?,
        };
        Ok(Row {
            labels,
            value: sample.value.0,
            histogram,
        })
    }

    fn equals(&self, other: &Row, fuzzy: bool) -> bool {
        let (a, b) = (self.value, other.value);
        // As in Prometheus NaN equals nothing.
        let same = a == b || fuzzy && (a.next_down() == b || a.next_up() == b);
        same && self.labels == other.labels && self.histogram == other.histogram
    }

    fn text(&self) -> String {
        let value = match self.histogram.as_str() {
            "" => format_g(self.value),
            histogram => histogram.to_string(),
        };
        let labels = self.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        format!("{} {value}", labels_text(labels))
    }
}

/// A histogram as the test expression that Prometheus makes of it.
fn histogram(text: &str) -> Result<String, String> {
    let description = parse_series(&format!("{{}} {text}")).map_err(|error| error.to_string())?;
    let points = description.points()?;
    match &points[..] {
        [Point::Histogram(point)] => Ok(Sequence::default().next(point)?.to_test_expression()),
        [_] => Err(format!("expected histogram, got {text}")),
        points => Err(format!("expected 1 value, got {}", points.len())),
    }
}

/// Compares samples in any order.
///
/// # Errors
/// Expected and got, in lines.
pub(super) fn compare_samples(
    mut want: Vec<Row>,
    mut got: Vec<Row>,
    fuzzy: bool,
    diff: bool,
) -> Result<(), Vec<String>> {
    want.sort_by(|a, b| a.labels.cmp(&b.labels));
    got.sort_by(|a, b| a.labels.cmp(&b.labels));
    let same = want.len() == got.len() && want.iter().zip(&got).all(|(w, g)| w.equals(g, fuzzy));
    if same {
        return Ok(());
    }
    let texts = |rows: &[Row]| rows.iter().map(Row::text).collect::<Vec<_>>();
    Err(lines(&texts(&want), &texts(&got), diff))
}

/// Compares the alerts that fire with those that should.
///
/// # Errors
/// Expected and got, in lines.
pub(super) fn compare_alerts(
    test: &AlertTest,
    mut got: Vec<Firing>,
    diff: bool,
) -> Result<(), Vec<String>> {
    let mut want: Vec<Firing> = test
        .exp_alerts
        .iter()
        .map(|alert| {
            let mut labels = alert.exp_labels.clone();
            labels.insert("alertname".to_string(), test.alertname.clone());
            Firing {
                labels,
                annotations: alert.exp_annotations.clone(),
            }
        })
        .collect();
    want.sort();
    got.sort();
    if want == got {
        return Ok(());
    }
    let texts = |alerts: &[Firing]| alerts.iter().map(alert_text).collect::<Vec<_>>();
    Err(lines(&texts(&want), &texts(&got), diff))
}

fn alert_text(alert: &Firing) -> String {
    let text = |labels: &Labels| labels_text(labels.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    format!(
        "labels {} annotations {}",
        text(&alert.labels),
        text(&alert.annotations)
    )
}

fn labels_text<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> = labels
        .map(|(name, value)| format!("{name}={}", quote(value)))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

/// All that is expected and got; or, as a difference, `-` and `+` in front of
/// what only one side has.
fn lines(want: &[String], got: &[String], diff: bool) -> Vec<String> {
    if !diff {
        let all = |head: &str, texts: &[String]| match texts {
            [] => vec![format!("{head} nothing")],
            texts => texts.iter().map(|text| format!("{head} {text}")).collect(),
        };
        return [all("expected", want), all("got     ", got)].concat();
    }
    let mut rest: Vec<&String> = got.iter().collect();
    let mut out = Vec::new();
    for text in want {
        match rest.iter().position(|other| *other == text) {
            Some(at) => {
                rest.remove(at);
                out.push(format!("  {text}"));
            }
            None => out.push(format!("- {text}")),
        }
    }
    out.extend(rest.into_iter().map(|text| format!("+ {text}")));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::yaml::Number;

    fn row(value: f64) -> Row {
        Row {
            labels: vec![("a".into(), "b".into())],
            value,
            histogram: String::new(),
        }
    }

    #[test]
    fn values_are_equal_to_the_bit_or_almost() {
        let compare = |a: f64, b: f64, fuzzy| {
            compare_samples(vec![row(a)], vec![row(b)], fuzzy, false).is_ok()
        };
        assert!(compare(0.1, 0.1, false));
        assert!(!compare(0.1, 0.1f64.next_up(), false));
        assert!(compare(0.1, 0.1f64.next_up(), true));
        assert!(!compare(0.1, 0.1f64.next_up().next_up(), true));
        assert!(compare(0.0, -0.0, false));
        assert!(!compare(f64::NAN, f64::NAN, true));
        assert!(compare(f64::INFINITY, f64::INFINITY, false));
    }

    #[test]
    fn expected_samples_are_read() {
        let sample = |labels: &str, histogram: &str| {
            let sample = ExpectedSample {
                labels: labels.to_string(),
                value: Number(0.0),
                histogram: histogram.to_string(),
            };
            Row::expected(&sample, ParserOptions::default())
        };
        assert_eq!(
            sample("x{a=\"b.c\"}", "").unwrap().text(),
            "{__name__=\"x\", a=\"b.c\"} 0"
        );
        assert_eq!(sample(" \n", "").unwrap().text(), "{} 0");
        let text = "{{schema:1 count:3 sum:2 buckets:[1 2 0]}}";
        assert_eq!(
            sample("{}", text).unwrap().histogram,
            "{{schema:1 count:3 sum:2 buckets:[1 2]}}"
        );
        for (labels, histogram) in [
            ("a.b", ""),
            ("{", ""),
            ("a b", ""),
            ("a", "1"),
            ("a", "{{}}x1"),
            ("a", "{{"),
        ] {
            assert!(sample(labels, histogram).is_err(), "{labels} {histogram}");
        }
    }

    #[test]
    fn differences_are_marked() {
        let texts = |texts: &[&str]| texts.iter().map(|t| t.to_string()).collect::<Vec<_>>();
        let (want, got) = (texts(&["a", "b"]), texts(&["b", "c"]));
        assert_eq!(lines(&want, &got, true), ["- a", "  b", "+ c"]);
        assert_eq!(
            lines(&want, &[], false),
            ["expected a", "expected b", "got      nothing"]
        );
    }
}
