//! Options of an engine and of one query.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quarrel_planner::ParserOptions;

/// Gives a subquery without a step its step, from its range; both ms.
pub type SubqueryStep = Arc<dyn Fn(i64) -> i64 + Send + Sync>;

/// How an [`Engine`](crate::Engine) works. The defaults are Prometheus's.
#[derive(Clone)]
pub struct EngineOptions {
    /// How far an instant selector looks back, ms (300,000).
    pub lookback_delta_ms: i64,
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
    /// Queries that run at once (20); others wait in line.
    pub max_concurrency: usize,
    /// Threads that compute; 0: one for each core.
    pub threads: usize,
    /// Samples up to which a query runs on the caller's thread (10,000): handing
    /// it to the engine's threads and back costs some 25 µs, which is what
    /// decoding and computing about so many samples costs. 0: none does.
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
            .field("lookback_delta_ms", &self.lookback_delta_ms)
            .field("timeout", &self.timeout)
            .field("max_samples", &self.max_samples)
            .field("max_memory", &self.max_memory)
            .field("max_series", &self.max_series)
            .field("max_selected_series", &self.max_selected_series)
            .field("max_samples_read", &self.max_samples_read)
            .field("max_concurrency", &self.max_concurrency)
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
            lookback_delta_ms: 5 * 60 * 1000,
            timeout: Some(Duration::from_secs(120)),
            max_samples: 50_000_000,
            max_memory: None,
            max_series: None,
            max_selected_series: None,
            max_samples_read: None,
            max_concurrency: 20,
            threads: 0,
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

/// What one query may set for itself.
#[derive(Clone, Default)]
pub struct QueryOptions {
    /// Instead of the engine's, ms; `None` or 0: the engine's.
    pub lookback_delta_ms: Option<i64>,
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
}

impl fmt::Debug for QueryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryOptions")
            .field("lookback_delta_ms", &self.lookback_delta_ms)
            .field("timeout", &self.timeout)
            .field("max_series", &self.max_series)
            .field("max_selected_series", &self.max_selected_series)
            .field("max_samples_read", &self.max_samples_read)
            .field("max_memory", &self.max_memory)
            .field("use_start_timestamps", &self.use_start_timestamps)
            .field("per_step_stats", &self.per_step_stats)
            .finish_non_exhaustive()
    }
}
