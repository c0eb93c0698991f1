//! What all operators of one running query share: its limits, its cancel
//! flag, its memory, its counters and its annotations.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use datafusion_execution::memory_pool::{
    GreedyMemoryPool, MemoryConsumer, MemoryPool, MemoryReservation,
};

use crate::annotations::Annotations;
use crate::error::{LimitError, QueryError};
use crate::exec::pool::Pool;
use crate::labels::SymbolTable;

/// Shared by all operators of one query.
#[derive(Debug)]
pub struct QueryContext {
    /// The engine's threads.
    pub pool: Pool,
    /// Whether the plan is so small that it runs on the caller's thread.
    pub inline: AtomicBool,
    /// The query's strings.
    pub symbols: Arc<SymbolTable>,
    /// Warnings and infos.
    pub annotations: Annotations,
    /// Counters for `stats` and `EXPLAIN ANALYZE`.
    pub stats: Counters,
    canceled: Arc<AtomicBool>,
    deadline: Option<(Instant, Duration)>,
    memory: Arc<dyn MemoryPool>,
    memory_limit: u64,
    max_samples: u64,
    live_samples: AtomicU64,
}

/// Counters of a running query.
#[derive(Debug, Default)]
pub struct Counters {
    /// Samples that windows looked at, a sample once for each step whose
    /// window holds it (Prometheus's `totalQueryableSamples`).
    pub queryable_samples: AtomicU64,
    /// The most samples alive at once.
    pub peak_samples: AtomicU64,
    /// Samples decoded from chunks.
    pub decoded_samples: AtomicU64,
    /// Bytes of encoded chunks read.
    pub decoded_bytes: AtomicU64,
    /// Series selected.
    pub series: AtomicU64,
    /// Morsels done and in all, for a progress display.
    pub morsels_done: AtomicU64,
    /// Morsels in all.
    pub morsels_total: AtomicU64,
}

/// The limits that a context enforces.
#[derive(Clone, Copy, Debug)]
pub struct ContextLimits {
    /// Wall time.
    pub timeout: Option<Duration>,
    /// Bytes; `u64::MAX` for none.
    pub max_memory: u64,
    /// Live samples; `u64::MAX` for none.
    pub max_samples: u64,
}

impl QueryContext {
    /// A context for one run.
    pub fn new(pool: Pool, canceled: Arc<AtomicBool>, limits: ContextLimits) -> Self {
        let bytes = usize::try_from(limits.max_memory).unwrap_or(usize::MAX);
        QueryContext {
            pool,
            inline: AtomicBool::new(false),
            symbols: Arc::default(),
            annotations: Annotations::default(),
            stats: Counters::default(),
            canceled,
            deadline: limits.timeout.map(|t| (Instant::now() + t, t)),
            memory: Arc::new(GreedyMemoryPool::new(bytes)),
            memory_limit: limits.max_memory,
            max_samples: limits.max_samples,
            live_samples: AtomicU64::new(0),
        }
    }

    /// Ends the query if it was cancelled or its time is over. Called by every
    /// operator at least once a morsel.
    ///
    /// # Errors
    /// [`QueryError::Canceled`] or [`QueryError::Timeout`].
    pub fn check(&self) -> Result<(), QueryError> {
        const PHASE: &str = "expression evaluation";
        if self.canceled.load(Ordering::Relaxed) {
            return Err(QueryError::Canceled { phase: PHASE });
        }
        match self.deadline {
            Some((deadline, limit)) if Instant::now() >= deadline => {
                Err(QueryError::Timeout { phase: PHASE, limit })
            }
            _ => Ok(()),
        }
    }

    /// An account of bytes for one operator; it is given back on drop.
    pub fn account(self: &Arc<Self>, what: &'static str) -> Account {
        Account {
            reservation: MemoryConsumer::new(what).register(&self.memory),
            context: Arc::clone(self),
            samples: 0,
            what,
        }
    }

    /// Bytes reserved now.
    pub fn reserved(&self) -> usize {
        self.memory.reserved()
    }
}

/// Bytes and live samples that an operator holds.
#[derive(Debug)]
pub struct Account {
    reservation: MemoryReservation,
    context: Arc<QueryContext>,
    samples: u64,
    what: &'static str,
}

impl Account {
    /// Reserves bytes before they are allocated.
    ///
    /// # Errors
    /// [`LimitError::Memory`] when the query's limit would be passed.
    pub fn grow(&mut self, bytes: usize) -> Result<(), QueryError> {
        self.reservation.try_grow(bytes).map_err(|_| {
            QueryError::Limit(LimitError::Memory {
                limit: self.context.memory_limit,
                what: self.what.to_string(),
            })
        })
    }

    /// Counts samples that stay alive as long as this account.
    ///
    /// # Errors
    /// [`LimitError::Samples`] when more are alive than the query may hold.
    pub fn hold_samples(&mut self, samples: u64) -> Result<(), QueryError> {
        self.samples += samples;
        let live = self.context.live_samples.fetch_add(samples, Ordering::Relaxed) + samples;
        self.context.stats.peak_samples.fetch_max(live, Ordering::Relaxed);
        if live > self.context.max_samples {
            return Err(LimitError::Samples { limit: self.context.max_samples }.into());
        }
        Ok(())
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.context.live_samples.fetch_sub(self.samples, Ordering::Relaxed);
    }
}
