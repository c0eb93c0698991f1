//! The messages that make engines and queries.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quarrel_engine::{
    EngineOptions, QueryError, QueryOptions, QueryRange, QueryTimes, SubqueryStep, Timestamp,
};
use quarrel_planner::ParserOptions;

use crate::failure::Failure;
use crate::message::Reader;

/// The version of the ABI. It grows with every change of the ABI or of a
/// message. `ffi.go` has the same number.
pub(crate) const ABI_VERSION: u32 = 5;

const EXPERIMENTAL_FUNCTIONS: u32 = 1;
const BINOP_FILL_MODIFIERS: u32 = 1 << 1;
const UNQUOTED_UTF8_NAMES: u32 = 1 << 2;
const DELAYED_NAME_REMOVAL: u32 = 1 << 3;
const TYPE_AND_UNIT_LABELS: u32 = 1 << 4;
const PER_STEP_STATS: u32 = 1 << 5;
const AT_MODIFIER: u32 = 1 << 6;
const NEGATIVE_OFFSET: u32 = 1 << 7;

/// An engine's options. A number of 0 stands for quarrel's default. The caller
/// limits the time, by cancelling.
pub(crate) fn engine_options(message: &[u8]) -> Result<EngineOptions, Failure> {
    let mut fields = Reader::new(message);
    if fields.u32()? != ABI_VERSION {
        return Err(Failure::Misuse(
            "the static library is not that of the Go code: build it anew",
        ));
    }
    let flags = fields.u32()?;
    let has = |flag: u32| flags & flag != 0;
    let mut options = EngineOptions::new()
        .timeout(None)
        .enable_delayed_name_removal(has(DELAYED_NAME_REMOVAL))
        .enable_type_and_unit_labels(has(TYPE_AND_UNIT_LABELS))
        .enable_per_step_stats(has(PER_STEP_STATS))
        .enable_at_modifier(has(AT_MODIFIER))
        .enable_negative_offset(has(NEGATIVE_OFFSET))
        .parser(ParserOptions {
            enable_experimental_functions: has(EXPERIMENTAL_FUNCTIONS),
            enable_binop_fill_modifiers: has(BINOP_FILL_MODIFIERS),
            enable_unquoted_utf8_names: has(UNQUOTED_UTF8_NAMES),
        });
    if let Some(delta) = positive_millis(fields.i64()?) {
        options.lookback_delta = delta;
    }
    if let Some(samples) = positive(fields.u64()?) {
        options.max_samples = samples;
    }
    options.max_memory = positive(fields.u64()?);
    options.max_series = positive(fields.u64()?);
    options.max_concurrency = usize::try_from(fields.u64()?).unwrap_or(usize::MAX);
    options.threads = Some(fields.u32()? as usize).filter(|&threads| threads > 0);
    fields.end()?;
    Ok(options)
}

/// A limit, where the number stands for one.
fn positive(number: u64) -> Option<u64> {
    (number > 0).then_some(number)
}

/// Milliseconds, where they stand for a duration.
fn positive_millis(ms: i64) -> Option<Duration> {
    let ms = u64::try_from(ms).ok().filter(|&ms| ms > 0)?;
    Some(Duration::from_millis(ms))
}

/// The times of a query. A step of 0 stands for an instant query.
fn query_times(start_ms: i64, end_ms: i64, step_ms: i64) -> Result<QueryTimes, Failure> {
    if step_ms == 0 {
        return Ok(Timestamp::from_millis(start_ms).into());
    }
    let range = QueryRange::from_millis(start_ms..=end_ms, step_ms);
    Ok(range.map_err(QueryError::from)?.into())
}

/// The text and the times of a query.
#[derive(Debug)]
pub(crate) struct QueryMessage {
    pub text: String,
    pub times: QueryTimes,
    pub options: QueryOptions,
    pub subquery_steps: Arc<SubquerySteps>,
}

impl QueryMessage {
    pub fn decode(message: &[u8]) -> Result<Self, Failure> {
        let mut fields = Reader::new(message);
        let text = fields.text()?.to_string();
        let times = query_times(fields.i64()?, fields.i64()?, fields.i64()?)?;
        let lookback_delta = positive_millis(fields.i64()?);
        let use_start_timestamps = fields.u8()? != 0;
        let per_step_stats = fields.u8()? != 0;
        let max_selected_series = fields.u64()?;
        let max_samples_read = fields.u64()?;
        let mut known = HashMap::new();
        for _ in 0..fields.u32()? {
            known.insert(fields.i64()?, fields.i64()?);
        }
        fields.end()?;
        let subquery_steps = Arc::new(SubquerySteps {
            known,
            missed: AtomicBool::new(false),
        });
        let mut options = QueryOptions::new()
            .use_start_timestamps(use_start_timestamps)
            .per_step_stats(per_step_stats);
        options.lookback_delta = lookback_delta;
        options.max_selected_series = positive(max_selected_series);
        options.max_samples_read = positive(max_samples_read);
        options.subquery_step = Some(Arc::clone(&subquery_steps).into_function());
        Ok(QueryMessage {
            text,
            times,
            options,
            subquery_steps,
        })
    }
}

/// The steps of subqueries without a step, by their range. The caller computes
/// them for all ranges of a query beforehand; that of the range 0 is for all others.
#[derive(Debug)]
pub(crate) struct SubquerySteps {
    known: HashMap<i64, i64>,
    missed: AtomicBool,
}

impl SubquerySteps {
    fn into_function(self: Arc<Self>) -> SubqueryStep {
        Arc::new(
            move |range_ms| match self.known.get(&range_ms).or(self.known.get(&0)) {
                Some(&step_ms) if step_ms > 0 => step_ms,
                _ => {
                    self.missed.store(true, Ordering::Relaxed);
                    60_000
                }
            },
        )
    }

    /// An error if Go gave no step for a range that the query has: an answer
    /// with another step would be wrong.
    pub fn check(&self) -> Result<(), Failure> {
        if self.missed.load(Ordering::Relaxed) {
            return Err(Failure::Misuse("no step is known for a subquery"));
        }
        Ok(())
    }
}
