//! The message that asks.

use std::collections::BTreeMap;

use quarrel_engine::storage::{Matcher, SelectHints, TimeRange};
use quarrel_matchers::MatchOp;
use quarrel_proto::labels::{LabelMatcher, MatcherType};
use quarrel_proto::remote_read::{Query, ReadHints, ReadRequest, ResponseType};

use super::config::{RemoteReadConfig, ResponseForm};

/// The function of hints for which labels are enough, as Prometheus has it.
pub(super) const NO_SAMPLES: &str = "series";

/// A request, and what its answer is without.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) message: ReadRequest,
    pub(super) range: TimeRange,
    /// External labels that were asked for.
    pub(super) without: Vec<String>,
}

impl Question {
    /// Asks for series; `None` if the server is not to be asked.
    pub(super) fn new(
        config: &RemoteReadConfig,
        matchers: &[Matcher],
        range: TimeRange,
        hints: &SelectHints,
    ) -> Option<Self> {
        if range.start > range.end || !has_required(&config.required_matchers, matchers) {
            return None;
        }
        let external = config.external_labels.iter();
        let added: Vec<(&String, &String)> = external
            .filter(|(name, _)| matchers.iter().all(|matcher| matcher.name() != *name))
            .collect();
        let equal = added.iter().map(|(name, value)| LabelMatcher {
            r#type: MatcherType::Eq as i32,
            name: name.to_string(),
            value: value.to_string(),
        });
        let mut all: Vec<LabelMatcher> = matchers.iter().map(matcher).chain(equal).collect();
        if all.is_empty() {
            all.push(everything());
        }
        let query = Query {
            start_timestamp_ms: range.start,
            end_timestamp_ms: range.end,
            matchers: all,
            hints: Some(self::hints(range, hints)),
        };
        let labels_alone = hints.function == NO_SAMPLES;
        let forms = config.forms.iter().map(|form| match form {
            ResponseForm::Chunks => ResponseType::StreamedXorChunks as i32,
            ResponseForm::Samples => ResponseType::Samples as i32,
        });
        Some(Question {
            message: ReadRequest {
                queries: vec![query],
                accepted_response_types: match labels_alone {
                    // A series without chunks would not be in the other one.
                    true => vec![ResponseType::Samples as i32],
                    false => forms.collect(),
                },
            },
            range,
            without: added.into_iter().map(|(name, _)| name.clone()).collect(),
        })
    }

    /// Whether chunks were asked for.
    pub(super) fn accepts_chunks(&self) -> bool {
        let chunks = ResponseType::StreamedXorChunks as i32;
        self.message.accepted_response_types.contains(&chunks)
    }
}

/// Whether a selector has all matchers without which the server is not asked.
fn has_required(required: &BTreeMap<String, String>, matchers: &[Matcher]) -> bool {
    required.iter().all(|(name, value)| {
        matchers.iter().any(|matcher| {
            matcher.op() == MatchOp::Equal && matcher.name() == name && matcher.value() == value
        })
    })
}

/// What all series match, those without a name included. Prometheus finds nothing where
/// there is no matcher.
fn everything() -> LabelMatcher {
    LabelMatcher {
        r#type: MatcherType::Re as i32,
        name: "__name__".to_string(),
        value: ".*".to_string(),
    }
}

fn matcher(matcher: &Matcher) -> LabelMatcher {
    let kind = match matcher.op() {
        MatchOp::Equal => MatcherType::Eq,
        MatchOp::NotEqual => MatcherType::Neq,
        MatchOp::Regex => MatcherType::Re,
        MatchOp::NotRegex => MatcherType::Nre,
    };
    LabelMatcher {
        r#type: kind as i32,
        name: matcher.name().to_string(),
        value: matcher.value().to_string(),
    }
}

fn hints(range: TimeRange, hints: &SelectHints) -> ReadHints {
    ReadHints {
        step_ms: hints.step_ms,
        func: hints.function.clone(),
        start_ms: range.start,
        end_ms: range.end,
        grouping: hints.grouping.clone(),
        by: hints.by,
        range_ms: hints.range_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(op: MatchOp, name: &str, value: &str) -> Matcher {
        Matcher::new(op, name, value).unwrap()
    }

    fn asked(
        config: &RemoteReadConfig,
        matchers: &[Matcher],
    ) -> Option<(Vec<String>, Vec<String>)> {
        let range = TimeRange { start: 5, end: 9 };
        let question = Question::new(config, matchers, range, &SelectHints::default())?;
        let query = &question.message.queries[0];
        let text = |m: &LabelMatcher| format!("{}{}{}", m.name, m.r#type, m.value);
        Some((query.matchers.iter().map(text).collect(), question.without))
    }

    #[test]
    fn external_labels_are_asked_for_where_the_selector_says_nothing_of_them() {
        let mut config = RemoteReadConfig::new("http://a");
        config.external_labels = [("zone", "a"), ("env", "b")]
            .map(|(n, v)| (n.into(), v.into()))
            .into();
        let own = [
            matcher(MatchOp::Regex, "zone", "a|b"),
            matcher(MatchOp::NotEqual, "x", ""),
        ];
        let texts = |texts: &[&str]| texts.iter().map(|t| t.to_string()).collect::<Vec<_>>();
        assert_eq!(
            asked(&config, &own),
            Some((texts(&["zone2a|b", "x1", "env0b"]), texts(&["env"])))
        );
    }

    #[test]
    fn required_matchers_have_to_be_there() {
        let mut config = RemoteReadConfig::new("http://a");
        config.required_matchers = [("job".to_string(), "api".to_string())].into();
        for (op, value, is_asked) in [
            (MatchOp::Equal, "api", true),
            (MatchOp::Equal, "web", false),
            (MatchOp::Regex, "api", false),
        ] {
            assert_eq!(
                asked(&config, &[matcher(op, "job", value)]).is_some(),
                is_asked
            );
        }
        assert!(asked(&config, &[]).is_none());
    }

    #[test]
    fn hints_are_those_of_the_plan() {
        let mut own = SelectHints::default();
        (own.step_ms, own.range_ms, own.by) = (15, 300, true);
        own.function = "rate".to_string();
        own.grouping = vec!["job".to_string()];
        let range = TimeRange { start: 5, end: 9 };
        let config = RemoteReadConfig::new("http://a");
        let question = Question::new(&config, &[], range, &own).unwrap();
        let sent = question.message.queries[0].hints.clone().unwrap();
        let wanted = ReadHints {
            step_ms: 15,
            func: "rate".to_string(),
            start_ms: 5,
            end_ms: 9,
            grouping: vec!["job".to_string()],
            by: true,
            range_ms: 300,
        };
        assert_eq!(sent, wanted);
        assert_eq!(question.message.accepted_response_types, [1, 0]);
        let mut labels = SelectHints::default();
        labels.function = NO_SAMPLES.to_string();
        let question = Question::new(&config, &[], range, &labels).unwrap();
        assert_eq!(question.message.accepted_response_types, [0]);
        assert!(!question.accepts_chunks());
    }
}
