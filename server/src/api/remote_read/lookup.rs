//! The series of a query.

use std::sync::Arc;

use axum::http::StatusCode;
use quarrel_engine::storage::{Storage, TimeRange};
use quarrel_engine::{Engine, Found, QueryOptions, SeriesLabels, SeriesReader};
use quarrel_matchers::{MatchOp, Matcher, RegexBudget};
use quarrel_proto::labels::{LabelMatcher, MatcherType};
use quarrel_proto::remote_read::Query;

use super::refusal::Refusal;
use crate::api::task::CancelSlot;

/// What the automata of a query's matchers may hold, bytes: as those of a text.
const AUTOMATA: usize = 16 << 20;
/// The function of Prometheus's hints for which labels are enough.
const NO_SAMPLES: &str = "series";

/// Where queries are looked up.
pub(super) struct Lookups {
    pub(super) engine: Engine,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) cancel: CancelSlot,
}

/// What a query has found.
pub(super) enum Selected {
    /// Nothing, since its range is empty.
    Nothing,
    /// Labels alone.
    Labels(Found<SeriesLabels>),
    /// With samples, in a range.
    Samples(SeriesReader, TimeRange),
}

impl Lookups {
    /// Finds the series of a query.
    ///
    /// # Errors
    /// If its matchers are none, and those of the look-up.
    pub(super) async fn find(&self, query: &Query) -> Result<Selected, Refusal> {
        let matchers = matchers(&query.matchers)?;
        let range = range(query);
        if range.start > range.end {
            return Ok(Selected::Nothing);
        }
        let (storage, options) = (Arc::clone(&self.storage), QueryOptions::new());
        let lookup = self.engine.lookup(storage, vec![matchers], range, options);
        let handle = lookup.cancel_handle();
        self.cancel.on_cancel(move || handle.cancel());
        let labels_alone = query.hints.as_ref().is_some_and(|h| h.func == NO_SAMPLES);
        let selected = match labels_alone {
            true => lookup.series().await.map(Selected::Labels),
            false => lookup.read().await.map(|r| Selected::Samples(r, range)),
        };
        let selected = selected.map_err(|error| Refusal::of_query(&error))?;
        match &selected {
            Selected::Nothing => {}
            Selected::Labels(found) => log(&found.warnings),
            Selected::Samples(reader, _) => log(&reader.take_warnings()),
        }
        Ok(selected)
    }
}

/// Says what the user should know, for which the protocol has no place.
pub(super) fn log(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!(%warning, "Warning on remote read query");
    }
}

/// What is asked for: the range of the query, within which that of the hints may be a
/// shorter one.
fn range(query: &Query) -> TimeRange {
    let (start, end) = (query.start_timestamp_ms, query.end_timestamp_ms);
    match &query.hints {
        Some(hints) => TimeRange {
            start: start.max(hints.start_ms),
            end: end.min(hints.end_ms),
        },
        None => TimeRange { start, end },
    }
}

fn matchers(messages: &[LabelMatcher]) -> Result<Vec<Matcher>, Refusal> {
    let budget = RegexBudget::new(AUTOMATA);
    let matcher = |message: &LabelMatcher| {
        let op = match MatcherType::try_from(message.r#type) {
            Ok(MatcherType::Eq) => MatchOp::Equal,
            Ok(MatcherType::Neq) => MatchOp::NotEqual,
            Ok(MatcherType::Re) => MatchOp::Regex,
            Ok(MatcherType::Nre) => MatchOp::NotRegex,
            Err(_) => return Err(Refusal::internal("invalid matcher type")),
        };
        let made = Matcher::new_within(op, &message.name, &message.value, &budget);
        // Prometheus does not blame the request for it.
        made.map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
    };
    messages.iter().map(matcher).collect()
}

#[cfg(test)]
mod tests {
    use quarrel_proto::remote_read::ReadHints;

    use super::*;

    #[test]
    fn hints_shorten_the_range() {
        let mut query = Query {
            start_timestamp_ms: 10,
            end_timestamp_ms: 20,
            ..Query::default()
        };
        assert_eq!(range(&query), TimeRange { start: 10, end: 20 });
        let hints = |start_ms, end_ms| ReadHints {
            start_ms,
            end_ms,
            ..ReadHints::default()
        };
        query.hints = Some(hints(12, 30));
        assert_eq!(range(&query), TimeRange { start: 12, end: 20 });
        query.hints = Some(hints(0, 15));
        assert_eq!(range(&query), TimeRange { start: 10, end: 15 });
    }

    #[test]
    fn matchers_are_those_of_go() {
        let message = |kind: i32, value: &str| LabelMatcher {
            r#type: kind,
            name: "a".to_string(),
            value: value.to_string(),
        };
        assert_eq!(
            matchers(&[message(0, "b"), message(3, "b.*")])
                .unwrap()
                .len(),
            2
        );
        let error = matchers(&[message(9, "b")]).unwrap_err();
        assert_eq!(
            (error.status.as_u16(), &*error.text),
            (500, "invalid matcher type")
        );
        let error = matchers(&[message(2, "(")]).unwrap_err();
        assert!(error.text.contains("missing closing )"), "{error}");
    }
}
