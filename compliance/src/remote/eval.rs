//! Asks the query of an `eval`, and compares.

use quarrel_engine::{QueryRange, QueryTimes, Timestamp};

use super::options::RemoteOptions;
use super::shift::shifted;
use crate::answer::{self, Row, Value};
use crate::endpoint::Endpoint;
use crate::run::{
    Answer, Got, GotValue, Series, check_annotations, check_failure, compare, depends_on_range,
};
use crate::script::{Eval, EvalTime};

/// The range query that is compared with an instant query has its other steps
/// one minute before and after it.
const MINUTE_MS: i64 = 60_000;

/// What becomes of an `eval`.
pub(super) enum Verdict {
    Passed,
    /// Expected against got, in lines.
    Failed(Vec<String>),
    /// It was not asked, for this reason.
    Skipped(String),
}

/// Asks the query of an `eval`.
pub(super) async fn run(eval: &Eval, endpoint: &Endpoint, options: &RemoteOptions) -> Verdict {
    let query = match shifted(&eval.query, options.shift_ms) {
        Ok(query) => query,
        Err(error) => return Verdict::Skipped(error.to_string()),
    };
    let asking = Asking {
        eval,
        query,
        endpoint,
        options,
    };
    match asking.run().await {
        Ok(()) => Verdict::Passed,
        Err(lines) => Verdict::Failed(lines),
    }
}

struct Asking<'a> {
    eval: &'a Eval,
    query: String,
    endpoint: &'a Endpoint,
    options: &'a RemoteOptions,
}

type Checked<T = ()> = Result<T, Vec<String>>;

impl Asking<'_> {
    async fn run(&self) -> Checked {
        match self.eval.time {
            EvalTime::Instant { at_ms } => self.instant(at_ms).await,
            EvalTime::Range {
                start_ms,
                end_ms,
                step_ms,
            } => {
                let times = self.range(start_ms, end_ms, step_ms)?;
                let Some(value) = self.outcome(times).await? else {
                    return Ok(());
                };
                compare(self.eval, &self.answer(&value))
            }
        }
    }

    fn range(&self, start_ms: i64, end_ms: i64, step_ms: i64) -> Checked<QueryTimes> {
        let shift = |ms: i64| ms.saturating_add(self.options.shift_ms);
        let range = QueryRange::from_millis(shift(start_ms)..=shift(end_ms), step_ms);
        let range = range.map_err(|error| vec![format!("the times of the query: {error}")])?;
        Ok(QueryTimes::Range(range))
    }

    async fn instant(&self, at_ms: i64) -> Checked {
        let at = at_ms.saturating_add(self.options.shift_ms);
        let times = QueryTimes::Instant(Timestamp::from_millis(at));
        let Some(value) = self.outcome(times).await? else {
            return Ok(());
        };
        compare(self.eval, &self.answer(&value))?;
        let expect = &self.eval.expect;
        let instant_only = expect.range_vector.is_some() || expect.string.is_some();
        if instant_only || expect.ordered || depends_on_range(&self.query) {
            return Ok(());
        }
        self.as_range(at_ms, &value).await.map_err(|mut lines| {
            lines.insert(0, "in range mode".into());
            lines
        })
    }

    /// The middle step of a range query gives what the instant query gives.
    async fn as_range(&self, at_ms: i64, instant: &Value) -> Checked {
        let (start, end) = (
            at_ms.saturating_sub(MINUTE_MS),
            at_ms.saturating_add(MINUTE_MS),
        );
        let times = self.range(start, end, MINUTE_MS)?;
        let value = match self.ask(times).await? {
            answer::Answer::Data(data) => data.value,
            answer::Answer::Failure(failure) => {
                return Err(vec![format!("the query failed: {}", failure.message)]);
            }
        };
        let Answer::Matrix(mut series) = self.answer(&value) else {
            return Err(vec!["a range query gave no matrix".into()]);
        };
        for series in &mut series {
            series.points.retain(|point| point.timestamp == at_ms);
        }
        series.retain(|series| !series.points.is_empty());
        let answer = match instant {
            Value::Scalar(..) => {
                let point = series.first().and_then(|series| series.points.first());
                let value = point.and_then(Got::as_float);
                Answer::Scalar(value.ok_or_else(|| vec!["no value at the middle step".into()])?)
            }
            _ => Answer::Vector(series),
        };
        compare(self.eval, &answer)
    }

    async fn ask(&self, times: QueryTimes) -> Checked<answer::Answer> {
        let asked = self.endpoint.query(&self.query, times).await;
        asked.map_err(|error| vec![format!("no answer: {error}")])
    }

    /// The value of the query; `None` if it failed as expected.
    async fn outcome(&self, times: QueryTimes) -> Checked<Option<Value>> {
        let expect = &self.eval.expect;
        match self.ask(times).await? {
            answer::Answer::Failure(failure) => {
                if expect.fail.is_none() || self.options.error_texts {
                    check_failure(expect, &failure.message)?;
                }
                Ok(None)
            }
            answer::Answer::Data(_) if expect.fail.is_some() => {
                Err(vec!["expected the query to fail, but it did not".into()])
            }
            answer::Answer::Data(data) => {
                if self.options.annotations {
                    check_annotations(expect, &data.warnings, &data.infos)?;
                }
                Ok(Some(data.value))
            }
        }
    }

    /// The answer at the times of the script.
    fn answer<'a>(&self, value: &'a Value) -> Answer<'a> {
        let series = |rows: &'a [Row]| -> Vec<Series<'a>> {
            rows.iter()
                .map(|row| series(row, self.options.shift_ms))
                .collect()
        };
        match value {
            Value::Scalar(_, value) => Answer::Scalar(*value),
            Value::Text(_, text) => Answer::String(text.clone()),
            Value::Vector(rows) => Answer::Vector(series(rows)),
            Value::Matrix(rows) => {
                // Other servers order them otherwise.
                let mut all = series(rows);
                all.sort_by(|a, b| a.labels.cmp(&b.labels));
                Answer::Matrix(all)
            }
        }
    }
}

fn series(row: &Row, shift_ms: i64) -> Series<'_> {
    let floats = row.floats.iter();
    let floats = floats.map(|(time, value)| (*time, GotValue::Float(*value)));
    let histograms = row.histograms.iter();
    let histograms = histograms.map(|(time, value)| (*time, GotValue::Shown(value)));
    let mut points: Vec<Got<'_>> = floats
        .chain(histograms)
        .map(|(time, value)| Got {
            timestamp: time.saturating_sub(shift_ms),
            value,
        })
        .collect();
    points.sort_by_key(|point| point.timestamp);
    let labels = row.labels.iter();
    Series {
        labels: labels
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        points,
    }
}
