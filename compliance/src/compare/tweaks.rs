//! What makes up for known differences of an endpoint, as the files of the
//! compliance suite say it.

use quarrel_engine::QueryTimes;

use super::tolerance::Tolerance;
use crate::answer::{Answer, Labels, Row, Value};
use crate::cases::suite::Tweak;

/// How far from the start a sample may be to be one of the first step, ms.
const FIRST_STEP: i64 = 2;

/// Changes an answer of the reference as the tweaks say.
pub(super) fn tweak_reference(tweaks: &[Tweak], times: QueryTimes, answer: &mut Answer) {
    for tweak in tweaks {
        if let (true, QueryTimes::Range(range)) = (tweak.ignore_first_step, times) {
            drop_first_step(answer, range.start().as_millis());
        }
        change_labels(answer, tweak);
    }
}

/// Changes an answer of the test as the tweaks say.
pub(super) fn tweak_test(tweaks: &[Tweak], answer: &mut Answer) {
    for tweak in tweaks {
        change_labels(answer, tweak);
    }
}

/// The tolerance of the tweaks, in which fields that no tweak has stay.
pub(super) fn tolerance(tweaks: &[Tweak], default: Tolerance) -> Tolerance {
    let adjusted = tweaks
        .iter()
        .filter_map(|tweak| tweak.adjust_value_tolerance);
    adjusted.fold(default, |tolerance, adjusted| Tolerance {
        relative: adjusted.fraction.unwrap_or(tolerance.relative),
        absolute: adjusted.margin.unwrap_or(tolerance.absolute),
    })
}

fn rows(answer: &mut Answer) -> Option<&mut Vec<Row>> {
    match answer {
        Answer::Data(data) => match &mut data.value {
            Value::Vector(rows) | Value::Matrix(rows) => Some(rows),
            Value::Scalar(..) | Value::Text(..) => None,
        },
        Answer::Failure(_) => None,
    }
}

fn drop_first_step(answer: &mut Answer, start: i64) {
    let Some(rows) = rows(answer) else { return };
    let later = |at: i64| (at - start).abs() > FIRST_STEP;
    for row in rows.iter_mut() {
        row.floats.retain(|(at, _)| later(*at));
        row.histograms.retain(|(at, _)| later(*at));
    }
    rows.retain(|row| !row.is_empty());
}

fn change_labels(answer: &mut Answer, tweak: &Tweak) {
    if tweak.drop_result_labels.is_empty() && !tweak.ignore_case {
        return;
    }
    for row in rows(answer).into_iter().flatten() {
        let mut labels = row.labels.without(&tweak.drop_result_labels);
        if tweak.ignore_case {
            labels = lower_case(&labels);
        }
        row.labels = labels;
    }
}

/// Names that become equal leave the labels as they are.
fn lower_case(labels: &Labels) -> Labels {
    let pairs: Vec<(String, String)> = labels
        .iter()
        .map(|(n, v)| (n.to_lowercase(), v.to_lowercase()))
        .collect();
    let lower = pairs.iter().map(|(name, value)| (&**name, &**value));
    Labels::new(lower.collect()).unwrap_or_else(|| labels.clone())
}

#[cfg(test)]
mod tests {
    use quarrel_engine::QueryRange;

    use super::*;
    use crate::answer::Data;
    use crate::cases::suite;

    fn answer(labels: Vec<(&str, &str)>, floats: &[(i64, f64)]) -> Answer {
        Answer::Data(Data {
            value: Value::Matrix(vec![Row {
                labels: Labels::new(labels).unwrap(),
                floats: floats.to_vec(),
                histograms: Vec::new(),
            }]),
            warnings: Vec::new(),
            infos: Vec::new(),
            steps: None,
        })
    }

    #[test]
    fn answers_are_changed_as_the_tweaks_say() {
        let tweak = Tweak {
            drop_result_labels: vec!["cluster".to_string()],
            ignore_first_step: true,
            ignore_case: true,
            adjust_value_tolerance: Some(suite::Tolerance {
                fraction: Some(0.1),
                margin: None,
            }),
            ..Tweak::default()
        };
        let floats = [(1000, 1.0), (2000, 2.0)];
        let mut reference = answer(vec![("job", "A")], &floats);
        let mut test = answer(vec![("job", "a"), ("cluster", "x")], &floats[1..]);
        let range = QueryRange::from_millis(1001..=2001, 1000).unwrap();
        let times = QueryTimes::Range(range);
        let tweaks = std::slice::from_ref(&tweak);
        tweak_reference(tweaks, times, &mut reference);
        tweak_test(tweaks, &mut test);
        assert_eq!(reference, test);
        let adjusted = tolerance(&[tweak], Tolerance::default());
        assert_eq!(adjusted.relative, 0.1);
        assert_eq!(adjusted.absolute, Tolerance::default().absolute);
    }
}
