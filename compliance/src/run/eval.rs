//! Runs one `eval`: an instant query in all its forms, or a range query.

use std::cell::RefCell;
use std::sync::Arc;

use quarrel_engine::storage::{Storage, StorageError};
use quarrel_engine::{
    Engine, Query, QueryError, QueryOptions, QueryRange, QueryResult, Timestamp, Value,
};
use quarrel_planner::format_duration;

use super::at_modifier::pinned;
use super::compare::{Answer, compare};
use super::exact;
use super::messages::{check_annotations, check_failure};
use crate::script::{Eval, EvalTime};

/// The range query that is compared with an instant query has its other steps
/// one minute before and after it.
const MINUTE_MS: i64 = 60_000;

/// The differences from what is expected, in lines.
struct Stop(Vec<String>);

impl Stop {
    fn because(text: impl Into<String>) -> Self {
        Stop(vec![text.into()])
    }

    /// The failure with a first line that names the form of the query.
    fn during(mut self, form: &str) -> Self {
        self.0.insert(0, form.to_string());
        self
    }
}

/// Runs an `eval`.
///
/// # Errors
/// The differences from what is expected, in lines.
pub(super) async fn run(
    eval: &Eval,
    engine: &Engine,
    store: &Arc<dyn Storage>,
    answers: Option<&mut Vec<String>>,
) -> Result<(), Vec<String>> {
    let runner = Runner {
        eval,
        engine,
        store,
        answers: answers.map(RefCell::new),
    };
    runner.run().await.map_err(|stop| stop.0)
}

struct Runner<'a> {
    eval: &'a Eval,
    engine: &'a Engine,
    store: &'a Arc<dyn Storage>,
    /// Where answers are kept.
    answers: Option<RefCell<&'a mut Vec<String>>>,
}

impl Runner<'_> {
    async fn run(&self) -> Result<(), Stop> {
        let at_ms = match self.eval.time {
            EvalTime::Instant { at_ms } => at_ms,
            EvalTime::Range {
                start_ms,
                end_ms,
                step_ms,
            } => {
                return self.range(start_ms, end_ms, step_ms).await;
            }
        };
        // A query that does not parse fails even if failure is expected: it is
        // a mistake of the script.
        let prepared = self
            .engine
            .prepare(&self.eval.query)
            .map_err(|e| Stop::because(format!("the query does not parse: {e}")))?;
        self.instant(&self.eval.query, at_ms).await?;
        let Some((query, times)) = pinned(prepared.expr(), at_ms) else {
            return Ok(());
        };
        for at in times {
            let form = format!("as {query} at {}", time_text(at));
            self.instant(&query, at)
                .await
                .map_err(|stop| stop.during(&form))?;
        }
        Ok(())
    }

    async fn range(&self, start_ms: i64, end_ms: i64, step_ms: i64) -> Result<(), Stop> {
        let prepared = self
            .engine
            .prepare(&self.eval.query)
            .map_err(|e| Stop::because(format!("the query does not parse: {e}")))?;
        let range = QueryRange::from_millis(start_ms..=end_ms, step_ms)
            .map_err(|e| Stop::because(format!("the times of the query: {e}")))?;
        let query = prepared.range(self.store.clone(), range, QueryOptions::new());
        match self.outcome(query).await? {
            Some(result) => compare(self.eval, &Answer::of(&result.value)).map_err(Stop),
            None => Ok(()),
        }
    }

    async fn instant(&self, text: &str, at_ms: i64) -> Result<(), Stop> {
        let prepared = self
            .engine
            .prepare(text)
            .map_err(|e| Stop::because(format!("the query does not parse: {e}")))?;
        let query = prepared.instant(
            self.store.clone(),
            Timestamp::from_millis(at_ms),
            QueryOptions::new(),
        );
        let Some(result) = self.outcome(query).await? else {
            return Ok(());
        };
        compare(self.eval, &Answer::of(&result.value)).map_err(Stop)?;
        let expect = &self.eval.expect;
        if expect.range_vector.is_some() || expect.string.is_some() || depends_on_range(text) {
            return Ok(());
        }
        let times = at_ms.saturating_sub(MINUTE_MS)..=at_ms.saturating_add(MINUTE_MS);
        let range = QueryRange::from_millis(times, MINUTE_MS)
            .map_err(|e| Stop::because(format!("the times in range mode: {e}")))?;
        let query = prepared.range(self.store.clone(), range, QueryOptions::new());
        self.as_range(query, at_ms, &result.value)
            .await
            .map_err(|stop| stop.during("in range mode"))
    }

    /// The middle step of a range query gives what the instant query gives.
    async fn as_range(&self, query: Query, at_ms: i64, instant: &Value) -> Result<(), Stop> {
        let result = self
            .execute(query)
            .await
            .map_err(|e| Stop::because(format!("the query failed: {e}")))?;
        if self.eval.expect.ordered {
            return Ok(());
        }
        let Answer::Matrix(series) = Answer::of(&result.value) else {
            return Err(Stop::because("a range query gave no matrix"));
        };
        let mut middle = Vec::new();
        for mut series in series {
            series.points.retain(|p| p.timestamp == at_ms);
            if !series.points.is_empty() {
                middle.push(series);
            }
        }
        let answer = match instant {
            Value::Scalar { .. } => {
                let point = middle.first().and_then(|s| s.points.first());
                match point.and_then(|p| p.as_float()) {
                    Some(value) => Answer::Scalar(value),
                    None => return Err(Stop::because("no value at the middle step")),
                }
            }
            _ => Answer::Vector(middle),
        };
        compare(self.eval, &answer).map_err(Stop)
    }

    async fn execute(&self, query: Query) -> Result<QueryResult, QueryError> {
        let result = query.execute().await;
        if let Some(answers) = &self.answers {
            let text = match &result {
                Ok(result) => exact::text(result),
                Err(error) => format!("error: {error}"),
            };
            let query = &self.eval.query;
            answers.borrow_mut().push(format!("{query}: {text}"));
        }
        result
    }

    /// Runs a query; `None` if it failed as expected.
    async fn outcome(&self, query: Query) -> Result<Option<QueryResult>, Stop> {
        let expect = &self.eval.expect;
        let result = match self.execute(query).await {
            Ok(result) => result,
            Err(error) => {
                // No script expects that this version lacks something.
                let gave_up = matches!(
                    error,
                    QueryError::Unsupported { .. }
                        | QueryError::Storage(StorageError::Unsupported(_))
                );
                if gave_up {
                    return Err(Stop::because(format!("the query failed: {error}")));
                }
                check_failure(expect, &error.to_string()).map_err(Stop)?;
                return Ok(None);
            }
        };
        if expect.fail.is_some() {
            return Err(Stop::because("expected the query to fail, but it did not"));
        }
        check_annotations(expect, &result.warnings, &result.infos).map_err(Stop)?;
        Ok(Some(result))
    }
}

/// Whether a query depends on its range and step.
pub(crate) fn depends_on_range(text: &str) -> bool {
    ["start()", "end()", "range()", "step()"]
        .iter()
        .any(|f| text.contains(f))
}

fn time_text(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let magnitude = i64::try_from(ms.unsigned_abs()).unwrap_or(i64::MAX);
    format!("{sign}{}", format_duration(magnitude))
}
