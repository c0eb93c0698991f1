//! Options of an engine and of one query.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quarrel_planner::ParserOptions;

use crate::exec::memory::MemoryPool;

/// Gives a subquery without a step its step, from its range; both ms.
pub type SubqueryStep = Arc<dyn Fn(i64) -> i64 + Send + Sync>;

/// Setters that take the options and give them back.
macro_rules! setters {
    ($options:ident { $($name:ident: $type:ty => $value:expr,)* }) => {
        impl $options {
            $(
                #[doc = concat!("Sets the field [`", stringify!($name), "`](field@", stringify!($options), "::", stringify!($name), ").")]
                #[must_use]
                pub fn $name(mut self, $name: $type) -> Self {
                    self.$name = $value;
                    self
                }
            )*
        }
    };
}

/// How an [`Engine`](crate::Engine) works, and the builder of one: see
/// [`Engine::builder`](crate::Engine::builder). The defaults are Prometheus's.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use quarrel_engine::EngineOptions;
///
/// let options = EngineOptions::new()
///     .threads(4)
///     .timeout(Duration::from_secs(30))
///     .max_memory(1 << 30);
/// assert_eq!(options.max_samples, 50_000_000);
/// let engine = options.build()?;
/// # let _ = engine;
/// # Ok::<(), quarrel_engine::QueryError>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct EngineOptions {
    /// How far an instant selector looks back (5 minutes); at least 1 ms.
    pub lookback_delta: Duration,
    /// Wall time of one query, waiting included (2 minutes); `None`: no limit.
    pub timeout: Option<Duration>,
    /// Samples that one query may hold at once (50,000,000).
    pub max_samples: u64,
    /// Bytes that one query may hold at once; `None`: no limit.
    pub max_memory: Option<u64>,
    /// Series that a result may have; `None`: no limit.
    pub max_series: Option<u64>,
    /// Series that all selectors of a query may select together, each counted
    /// for itself; `None`: no limit.
    pub max_selected_series: Option<u64>,
    /// Samples that a query may decode; `None`: no limit.
    pub max_samples_read: Option<u64>,
    /// Where all queries, and answers that somebody still reads, have their
    /// bytes from; several engines may share it (a pool of their own without a
    /// limit).
    pub memory_pool: MemoryPool,
    /// Queries that run at once (20); others wait in line. Where there are more
    /// than one, a quarter of these places, one at least, is not given to heavy
    /// queries: those that read more than about a million samples or select
    /// more than 20,000 series.
    pub max_concurrency: usize,
    /// Queries that may wait for a place (1,000).
    pub max_waiting: usize,
    /// Bytes of a query's text (1 MiB): it is parsed in one go, which takes
    /// some 0.2 s for as many.
    pub max_query_length: usize,
    /// Bytes, roughly, of trees and plans that are kept for texts that come again
    /// (64 MiB, some 15,000 texts, but at most a sixteenth of the memory pool); of
    /// texts above 1 KiB none is. 0: none at all.
    pub statement_cache: usize,
    /// Threads that compute; `None`: one for each core.
    pub threads: Option<usize>,
    /// Samples up to which a query runs on the caller's thread (10,000): handing
    /// it to the engine's threads and back costs some 25 µs, which is what
    /// decoding and computing as many samples costs. 0: none does.
    pub inline_samples: u64,
    /// Steps of rows after which a batch is full (16,384). Answers do not
    /// depend on it.
    pub batch_items: usize,
    /// The step of subqueries that give none (one minute).
    pub subquery_step: SubqueryStep,
    /// Whether `rate`, `increase`, `irate` and `resets` look at start timestamps,
    /// and `start_timestamp` shows them (no).
    pub use_start_timestamps: bool,
    /// Which experimental syntax is allowed.
    pub parser: ParserOptions,
    /// Whether queries may have the modifier `@` (yes).
    pub enable_at_modifier: bool,
    /// Whether `offset` may look ahead (yes).
    pub enable_negative_offset: bool,
    /// Whether the metric name, which most functions drop, is removed when the
    /// answer is complete instead of at once, so that what stands above a
    /// function still reads it (no). Prometheus's
    /// `promql-delayed-name-removal`.
    pub enable_delayed_name_removal: bool,
    /// Whether the label `__type__` tells which metrics are counters, for the
    /// info about `rate` and `increase`, instead of the name's ending (no).
    /// Prometheus's `type-and-unit-labels`.
    pub enable_type_and_unit_labels: bool,
    /// Whether a query may ask for the samples of each step (no). Prometheus's
    /// `promql-per-step-stats`.
    pub enable_per_step_stats: bool,
}

impl fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineOptions")
            .field("lookback_delta", &self.lookback_delta)
            .field("timeout", &self.timeout)
            .field("max_samples", &self.max_samples)
            .field("max_memory", &self.max_memory)
            .field("max_series", &self.max_series)
            .field("max_selected_series", &self.max_selected_series)
            .field("max_samples_read", &self.max_samples_read)
            .field("memory_pool", &self.memory_pool)
            .field("max_concurrency", &self.max_concurrency)
            .field("max_waiting", &self.max_waiting)
            .field("max_query_length", &self.max_query_length)
            .field("statement_cache", &self.statement_cache)
            .field("threads", &self.threads)
            .field("inline_samples", &self.inline_samples)
            .field("batch_items", &self.batch_items)
            .field("use_start_timestamps", &self.use_start_timestamps)
            .field("parser", &self.parser)
            .field("enable_at_modifier", &self.enable_at_modifier)
            .field("enable_negative_offset", &self.enable_negative_offset)
            .field(
                "enable_delayed_name_removal",
                &self.enable_delayed_name_removal,
            )
            .field(
                "enable_type_and_unit_labels",
                &self.enable_type_and_unit_labels,
            )
            .field("enable_per_step_stats", &self.enable_per_step_stats)
            .finish_non_exhaustive()
    }
}

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions {
            lookback_delta: Duration::from_secs(300),
            timeout: Some(Duration::from_secs(120)),
            max_samples: 50_000_000,
            max_memory: None,
            max_series: None,
            max_selected_series: None,
            max_samples_read: None,
            memory_pool: MemoryPool::default(),
            max_concurrency: 20,
            max_waiting: 1000,
            max_query_length: 1 << 20,
            statement_cache: 64 << 20,
            threads: None,
            inline_samples: 10_000,
            batch_items: crate::batch::TARGET_ITEMS,
            subquery_step: Arc::new(|_| 60_000),
            use_start_timestamps: false,
            parser: ParserOptions::default(),
            enable_at_modifier: true,
            enable_negative_offset: true,
            enable_delayed_name_removal: false,
            enable_type_and_unit_labels: false,
            enable_per_step_stats: false,
        }
    }
}

impl EngineOptions {
    /// The defaults.
    pub fn new() -> Self {
        EngineOptions::default()
    }
}

setters! {
    EngineOptions {
        lookback_delta: Duration => lookback_delta,
        timeout: impl Into<Option<Duration>> => timeout.into(),
        max_samples: u64 => max_samples,
        max_memory: u64 => Some(max_memory),
        max_series: u64 => Some(max_series),
        max_selected_series: u64 => Some(max_selected_series),
        max_samples_read: u64 => Some(max_samples_read),
        memory_pool: MemoryPool => memory_pool,
        max_concurrency: usize => max_concurrency,
        max_waiting: usize => max_waiting,
        max_query_length: usize => max_query_length,
        statement_cache: usize => statement_cache,
        threads: usize => Some(threads),
        inline_samples: u64 => inline_samples,
        batch_items: usize => batch_items,
        subquery_step: impl Fn(i64) -> i64 + Send + Sync + 'static => Arc::new(subquery_step),
        use_start_timestamps: bool => use_start_timestamps,
        parser: ParserOptions => parser,
        enable_at_modifier: bool => enable_at_modifier,
        enable_negative_offset: bool => enable_negative_offset,
        enable_delayed_name_removal: bool => enable_delayed_name_removal,
        enable_type_and_unit_labels: bool => enable_type_and_unit_labels,
        enable_per_step_stats: bool => enable_per_step_stats,
    }
}

/// What one query may set for itself. What it does not set is the engine's.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use quarrel_engine::QueryOptions;
///
/// let options = QueryOptions::new()
///     .timeout(Duration::from_secs(5))
///     .max_series(1000);
/// assert_eq!(options.max_series, Some(1000));
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct QueryOptions {
    /// Instead of the engine's; at least 1 ms.
    pub lookback_delta: Option<Duration>,
    /// Instead of the engine's if it is shorter.
    pub timeout: Option<Duration>,
    /// Instead of the engine's if it is lower.
    pub max_series: Option<u64>,
    /// Instead of the engine's if it is lower.
    pub max_selected_series: Option<u64>,
    /// Instead of the engine's if it is lower.
    pub max_samples_read: Option<u64>,
    /// Instead of the engine's if it is lower, bytes.
    pub max_memory: Option<u64>,
    /// Instead of the engine's.
    pub subquery_step: Option<SubqueryStep>,
    /// Instead of the engine's.
    pub use_start_timestamps: Option<bool>,
    /// Counts the samples of each step, as far as the engine allows it. Samples
    /// that could be spared are looked at then.
    pub per_step_stats: bool,
    /// How coarse downsampled data may be, ms: the distance of its windows. 0
    /// asks stores for raw data alone.
    pub max_resolution_ms: i64,
    /// Says what each operator did beside the answer.
    pub operator_stats: bool,
}

impl fmt::Debug for QueryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryOptions")
            .field("lookback_delta", &self.lookback_delta)
            .field("timeout", &self.timeout)
            .field("max_series", &self.max_series)
            .field("max_selected_series", &self.max_selected_series)
            .field("max_samples_read", &self.max_samples_read)
            .field("max_memory", &self.max_memory)
            .field("use_start_timestamps", &self.use_start_timestamps)
            .field("per_step_stats", &self.per_step_stats)
            .field("max_resolution_ms", &self.max_resolution_ms)
            .field("operator_stats", &self.operator_stats)
            .finish_non_exhaustive()
    }
}

impl QueryOptions {
    /// Options that set nothing.
    pub fn new() -> Self {
        QueryOptions::default()
    }
}

setters! {
    QueryOptions {
        lookback_delta: Duration => Some(lookback_delta),
        timeout: Duration => Some(timeout),
        max_series: u64 => Some(max_series),
        max_selected_series: u64 => Some(max_selected_series),
        max_samples_read: u64 => Some(max_samples_read),
        max_memory: u64 => Some(max_memory),
        subquery_step: impl Fn(i64) -> i64 + Send + Sync + 'static => Some(Arc::new(subquery_step)),
        use_start_timestamps: bool => Some(use_start_timestamps),
        per_step_stats: bool => per_step_stats,
        max_resolution_ms: i64 => max_resolution_ms,
        operator_stats: bool => operator_stats,
    }
}

/// The smaller of two limits, where there are any.
pub(crate) fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
