//! Options that several commands share, named as in Prometheus.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use quarrel_engine::{Engine, EngineOptions, MemoryPool};
use quarrel_planner::format_duration;

use super::failure::Failure;
use crate::duration::parse_model_duration;
use crate::features::Features;
use crate::memory;
use crate::params::parse_size;

/// A duration in the notation of Prometheus's flags, such as `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    nanos: i64,
}

impl Span {
    pub(super) fn ms(self) -> i64 {
        self.nanos / 1_000_000
    }

    pub(super) fn duration(self) -> Duration {
        Duration::from_nanos(self.nanos.unsigned_abs())
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parse_model_duration(text) {
            Some(nanos) => Ok(Span { nanos }),
            None => Err(format!("not a valid duration string: {text:?}")),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_duration(self.ms()))
    }
}

/// A size in bytes, such as `512MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_size(text)
            .map(Size)
            .ok_or_else(|| format!("not a valid size: {text:?}"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}B", self.0)
    }
}

/// Options of the engine.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Query options")]
pub(super) struct EngineArgs {
    /// Maximum time a query may take before being aborted.
    #[arg(long = "query.timeout", value_name = "DURATION", default_value = "2m")]
    pub(super) timeout: Span,
    /// Maximum number of samples a single query can load into memory.
    #[arg(
        long = "query.max-samples",
        value_name = "N",
        default_value = "50000000"
    )]
    pub(super) max_samples: u64,
    /// Maximum number of queries executed concurrently.
    #[arg(
        long = "query.max-concurrency",
        value_name = "N",
        default_value = "20",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub(super) max_concurrency: u32,
    /// The maximum lookback duration for retrieving metrics during expression evaluations.
    #[arg(
        long = "query.lookback-delta",
        value_name = "DURATION",
        default_value = "5m"
    )]
    pub(super) lookback_delta: Span,
    /// Maximum number of queries that wait for others to end.
    #[arg(long = "query.max-waiting", value_name = "N", default_value = "1000")]
    pub(super) max_waiting: u32,
    /// Maximum memory of a single query, such as 512MB. 0: no limit. Default: half of
    /// --query.max-memory-total.
    #[arg(long = "query.max-memory", value_name = "SIZE")]
    pub(super) max_memory: Option<Size>,
    /// Maximum memory of all queries together, of answers that clients still read, and of
    /// request bodies, such as 4GB. 0: no limit. Default: half of what the process may have.
    #[arg(long = "query.max-memory-total", value_name = "SIZE")]
    pub(super) max_memory_total: Option<Size>,
    /// Maximum length of a query's text, such as 1MB.
    #[arg(long = "query.max-length", value_name = "SIZE", default_value = "1MB")]
    pub(super) max_length: Size,
    /// Number of threads. 0: one for each core.
    #[arg(long = "query.threads", value_name = "N", default_value = "0")]
    pub(super) threads: usize,
    /// Comma separated feature names to enable: promql-experimental-functions,
    /// promql-binop-fill-modifiers, promql-unquoted-utf8-names, promql-delayed-name-removal,
    /// promql-per-step-stats, type-and-unit-labels, use-start-timestamps. Can be repeated.
    #[arg(long = "enable-feature", value_name = "NAMES")]
    pub(super) features: Vec<String>,
}

impl EngineArgs {
    /// Bytes of all queries; 0: no limit.
    fn max_memory_total(&self) -> u64 {
        self.max_memory_total
            .map_or_else(memory::default_total, |size| size.0)
    }

    /// Bytes of one query; 0: no limit.
    fn max_memory(&self) -> u64 {
        let default = || memory::default_of_query(self.max_memory_total());
        self.max_memory.map_or_else(default, |size| size.0)
    }

    pub(super) fn features(&self) -> Features {
        Features::parse(&self.features)
    }

    pub(super) fn engine(&self, features: &Features) -> Result<Engine, Failure> {
        let mut options = EngineOptions::new()
            .lookback_delta(self.lookback_delta.duration())
            .timeout(self.timeout.duration())
            .max_samples(self.max_samples)
            .max_concurrency(self.max_concurrency as usize)
            .max_waiting(self.max_waiting as usize)
            .max_query_length(usize::try_from(self.max_length.0).unwrap_or(usize::MAX))
            .parser(features.parser)
            .enable_delayed_name_removal(features.delayed_name_removal)
            .use_start_timestamps(features.use_start_timestamps)
            .enable_type_and_unit_labels(features.type_and_unit_labels)
            .enable_per_step_stats(features.per_step_stats);
        options.max_memory = Some(self.max_memory()).filter(|&bytes| bytes > 0);
        if self.max_memory_total() > 0 {
            options = options.memory_pool(MemoryPool::new(self.max_memory_total()));
        }
        options.threads = Some(self.threads).filter(|&threads| threads > 0);
        options.build().map_err(Failure::new)
    }

    /// An engine for one command; warnings about features go to stderr.
    pub(super) fn engine_for_terminal(&self) -> Result<Engine, Failure> {
        let features = self.features();
        for warning in &features.warnings {
            eprintln!("warning: {warning}");
        }
        self.engine(&features)
    }

    /// Names and values, as `status/flags` shows them.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        vec![
            ("query.timeout", self.timeout.to_string()),
            ("query.max-samples", self.max_samples.to_string()),
            ("query.max-concurrency", self.max_concurrency.to_string()),
            ("query.lookback-delta", self.lookback_delta.to_string()),
            ("query.max-waiting", self.max_waiting.to_string()),
            ("query.max-memory", Size(self.max_memory()).to_string()),
            (
                "query.max-memory-total",
                Size(self.max_memory_total()).to_string(),
            ),
            ("query.max-length", self.max_length.to_string()),
            ("query.threads", self.threads.to_string()),
            ("enable-feature", self.features.join(",")),
        ]
    }
}
