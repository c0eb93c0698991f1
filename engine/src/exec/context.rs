//! What all operators of one running query share: its limits, its cancel
//! flag, its memory, its counters and its annotations.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, Either, select};
use parking_lot::Mutex;
use quarrel_matchers::RegexBudget;
use tokio::sync::OwnedSemaphorePermit;

use crate::annotations::{Annotations, Level};
use crate::batch::SpareBuffers;
use crate::error::{LimitError, QueryError};
use crate::exec::memory::{Held, MemoryPool, QueryMemory, Refused};
use crate::exec::pool::{Pool, catch_panics, within};
use crate::exec::step_counts::StepCounts;
use crate::labels::{Symbol, SymbolTable};

/// What a query does while it runs, in Prometheus's words.
pub(crate) const PHASE: &str = "expression evaluation";
/// What it does before, while others run.
pub(crate) const QUEUE: &str = "query queue";

/// Rows of labels that are looked at between two looks at the query's limits.
pub(crate) const ROWS_A_CHECK: usize = 1024;

/// Shared by all operators of one query.
#[derive(Debug)]
pub struct QueryContext {
    /// The engine's threads.
    pub pool: Pool,
    /// Whether the plan is so small that it runs on the caller's thread.
    pub inline: AtomicBool,
    /// What the engine's options say about the meaning of queries.
    pub semantics: Semantics,
    /// The query's strings.
    pub symbols: Arc<SymbolTable>,
    /// The buffers of batches that were folded.
    pub spare: SpareBuffers,
    /// What the automata of `label_replace` may hold together.
    pub regexes: RegexBudget,
    /// Warnings and infos.
    pub annotations: Annotations,
    /// Counters for `stats` and `EXPLAIN ANALYZE`.
    pub stats: Arc<Counters>,
    /// Counts by step, where they are wanted.
    pub step_counts: Option<StepCounts>,
    cancellation: Arc<Cancellation>,
    timeout: Option<Duration>,
    clock: OnceLock<Clock>,
    pub(super) memory: Arc<QueryMemory>,
    /// What lives as long as the plan holds of the memory, bytes: labels,
    /// symbols, match tables. Nobody gives back a part of it.
    pub(super) lasting_bytes: AtomicU64,
    max_samples: u64,
    max_samples_read: u64,
    pub(super) live_samples: AtomicU64,
    /// The query's places among the running ones. All work for the query holds
    /// this context, so the places are taken until the last of it has ended.
    places: Mutex<Vec<OwnedSemaphorePermit>>,
    /// Whether the store was told to stop because the query turned out heavy.
    turned_heavy: AtomicBool,
    /// Whether it was told to stop because its work was not brief.
    turned_long: AtomicBool,
}

/// What begins when a query does.
#[derive(Debug)]
struct Clock {
    deadline: Option<Instant>,
    /// The caller's runtime, for what waits on it; `None` where there is none.
    runtime: Option<tokio::runtime::Handle>,
}

/// Says that a query shall end, to those who compute and those who wait.
#[derive(Debug, Default)]
pub struct Cancellation {
    flag: AtomicBool,
    notify: tokio::sync::Notify,
}

impl Cancellation {
    /// Ends the query within a morsel.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
        self.notify.notify_waiters();
    }

    /// Whether somebody cancelled.
    pub fn is_canceled(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Waits until somebody cancels.
    async fn canceled(&self) {
        let notified = self.notify.notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        if !self.is_canceled() {
            notified.await;
        }
    }
}

/// Cancels a query unless told that it came to its end.
struct CancelOnDrop<'a>(Option<&'a Cancellation>);

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(cancellation) = self.0 {
            cancellation.cancel();
        }
    }
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
    /// Whether the query came to its end.
    pub finished: AtomicBool,
}

impl Counters {
    /// Morsels that a scan of the query will do.
    pub fn expect_morsels(&self, count: u32) {
        self.morsels_total
            .fetch_add(u64::from(count), Ordering::Relaxed);
    }

    /// Morsels done and in all.
    pub fn morsels(&self) -> (u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.morsels_done), read(&self.morsels_total))
    }
}

/// The limits that a context enforces.
#[derive(Clone, Debug)]
pub struct ContextLimits {
    /// Wall time.
    pub timeout: Option<Duration>,
    /// Where all bytes come from.
    pub pool: MemoryPool,
    /// Bytes of the query itself; `u64::MAX` for none.
    pub max_memory: u64,
    /// Live samples; `u64::MAX` for none.
    pub max_samples: u64,
    /// Decoded samples; `u64::MAX` for none.
    pub max_samples_read: u64,
}

/// What of a query's meaning, and of its ways, is a matter of options.
#[derive(Clone, Copy, Debug)]
pub struct Semantics {
    /// Steps of rows after which a batch is full.
    pub batch_items: usize,
    /// Whether names are removed when the answer is complete.
    pub delayed_name_removal: bool,
    /// Whether the label `__type__` says which metrics are counters.
    pub type_and_unit_labels: bool,
    /// Whether the samples of each step are counted.
    pub counts_steps: bool,
    /// How coarse downsampled data may be, ms; 0 for raw data alone.
    pub max_resolution_ms: i64,
    /// Whether it is said what each operator did.
    pub operator_stats: bool,
}

impl QueryContext {
    /// A context for one run.
    pub fn new(pool: Pool, limits: ContextLimits, semantics: Semantics) -> Self {
        QueryContext {
            pool,
            inline: AtomicBool::new(false),
            semantics,
            symbols: Arc::default(),
            spare: SpareBuffers::default(),
            regexes: RegexBudget::default(),
            annotations: Annotations::default(),
            stats: Arc::default(),
            step_counts: semantics.counts_steps.then(StepCounts::default),
            cancellation: Arc::default(),
            timeout: limits.timeout,
            clock: OnceLock::new(),
            memory: Arc::new(QueryMemory::new(limits.pool, limits.max_memory)),
            lasting_bytes: AtomicU64::new(0),
            max_samples: limits.max_samples,
            max_samples_read: limits.max_samples_read,
            live_samples: AtomicU64::new(0),
            places: Mutex::default(),
            turned_heavy: AtomicBool::new(false),
            turned_long: AtomicBool::new(false),
        }
    }

    /// Takes a place among the running queries until the query's work has ended.
    pub fn hold_place(&self, place: OwnedSemaphorePermit) {
        self.places.lock().push(place);
    }

    /// Whether the query has a place of a heavy one beside a common one.
    pub fn is_heavy(&self) -> bool {
        self.places.lock().len() > 1
    }

    /// Says that the query is heavy and has no place for that.
    pub fn turn_heavy(&self) {
        self.turned_heavy.store(true, Ordering::Relaxed);
    }

    /// Whether somebody said so since the last time.
    pub fn take_turned_heavy(&self) -> bool {
        self.turned_heavy.swap(false, Ordering::Relaxed)
    }

    /// Says that a store's work is too long for the caller's thread.
    pub fn turn_long(&self) {
        self.turned_long.store(true, Ordering::Relaxed);
    }

    /// Whether somebody said so since the last time.
    pub fn take_turned_long(&self) -> bool {
        self.turned_long.swap(false, Ordering::Relaxed)
    }

    /// Gives up all places, to wait for others.
    pub fn leave_places(&self) {
        self.places.lock().clear();
    }

    /// The query begins: its wall time runs from here.
    pub fn start_clock(&self) {
        self.clock.get_or_init(|| Clock {
            deadline: self.timeout.and_then(|t| Instant::now().checked_add(t)),
            runtime: tokio::runtime::Handle::try_current().ok(),
        });
    }

    fn deadline(&self) -> Option<Instant> {
        self.clock.get().and_then(|clock| clock.deadline)
    }

    fn runtime(&self) -> Option<&tokio::runtime::Handle> {
        self.clock.get().and_then(|clock| clock.runtime.as_ref())
    }

    /// What ends the query from elsewhere.
    pub fn cancellation(&self) -> &Arc<Cancellation> {
        &self.cancellation
    }

    /// Says whether the query runs on the caller's thread.
    pub fn set_inline(&self, inline: bool) {
        self.inline.store(inline, Ordering::Relaxed);
    }

    /// Whether the query runs on the caller's thread.
    pub fn is_inline(&self) -> bool {
        self.inline.load(Ordering::Relaxed)
    }

    /// How many partitions a scan has.
    pub fn partitions(&self) -> usize {
        if self.inline.load(Ordering::Relaxed) {
            1
        } else {
            self.pool.threads()
        }
    }

    /// Ends the query if it was cancelled or its time is over. Called by every
    /// operator at least once a morsel.
    ///
    /// # Errors
    /// [`QueryError::Canceled`] or [`QueryError::Timeout`].
    pub fn check(&self) -> Result<(), QueryError> {
        self.check_in(PHASE)
    }

    fn check_in(&self, phase: &'static str) -> Result<(), QueryError> {
        if self.cancellation.is_canceled() {
            return Err(QueryError::Canceled { phase });
        }
        match (self.deadline(), self.timeout) {
            (Some(deadline), Some(limit)) if Instant::now() >= deadline => {
                Err(QueryError::Timeout { phase, limit })
            }
            _ => Ok(()),
        }
    }

    /// Awaits something, but no longer than the query may live.
    ///
    /// # Errors
    /// Those of `future`, and as [`QueryContext::check`].
    pub async fn guard<T>(
        &self,
        future: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        self.guard_in(PHASE, future).await
    }

    /// As [`QueryContext::guard`]; `phase` is what errors say that the query
    /// was doing.
    ///
    /// # Errors
    /// Those of `future`, and as [`QueryContext::check`].
    pub async fn guard_in<T>(
        &self,
        phase: &'static str,
        future: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let ended = async {
            let canceled = self.cancellation.canceled();
            match (self.deadline(), self.runtime()) {
                // The runtime's clock wakes us; without one, operators look
                // at the time themselves.
                (Some(deadline), Some(runtime)) => {
                    let sleep = {
                        let _entered = runtime.enter();
                        tokio::time::sleep_until(deadline.into())
                    };
                    select(std::pin::pin!(canceled), std::pin::pin!(sleep)).await;
                }
                _ => canceled.await,
            }
        };
        match select(std::pin::pin!(future), std::pin::pin!(ended)).await {
            Either::Left((result, _)) => result,
            Either::Right(((), _)) => {
                self.check_in(phase)?;
                Err(QueryError::Canceled { phase })
            }
        }
    }

    /// Awaits the query's work. No panic of the engine or of a store gets out
    /// of it, and if the caller drops the future, what runs on the engine's
    /// threads ends within a morsel.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn contained<T>(
        &self,
        work: BoxFuture<'_, Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let result = self.caught(work).await;
        // After an error other tasks may still be at work.
        if result.is_ok() {
            self.leave_places();
        }
        result
    }

    /// As [`QueryContext::contained`], for work after which the query goes on: it
    /// keeps its places.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn caught<T>(
        &self,
        work: BoxFuture<'_, Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let mut dropped = CancelOnDrop(Some(&self.cancellation));
        let result = catch_panics(work).await;
        dropped.0 = None;
        result
    }

    /// Runs a computation: on the pool, or here if the query is small.
    ///
    /// # Errors
    /// Those of `future`, and as [`QueryContext::check`].
    pub async fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T, QueryError>> + Send + 'static,
    ) -> Result<T, QueryError> {
        // Futures hold what they await, twice while it is handed in: kilobytes
        // that are moved at each level, were it not for the box.
        let future = Box::pin(future);
        if self.inline.load(Ordering::Relaxed) {
            return self.guard(catch_panics(future)).await;
        }
        self.guard(self.pool.spawn(future)).await
    }

    /// As [`QueryContext::run_within_runtime`], for work that may take long and
    /// does not give way.
    ///
    /// # Errors
    /// As [`QueryContext::run`].
    pub async fn run_unyielding<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T, QueryError>> + Send + 'static,
    ) -> Result<T, QueryError> {
        let runtime = self.runtime().cloned();
        self.guard(self.pool.spawn_unyielding(within(runtime, future)))
            .await
    }

    /// As [`QueryContext::run`] on the pool, for the beginning of a query, which
    /// may wait for the caller's runtime: its clock and its sockets are there.
    ///
    /// # Errors
    /// As [`QueryContext::run`].
    pub async fn run_within_runtime<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T, QueryError>> + Send + 'static,
    ) -> Result<T, QueryError> {
        let runtime = self.runtime().cloned();
        self.guard(self.pool.spawn_first(within(runtime, future)))
            .await
    }

    /// Runs what waits for a store on the caller's runtime, where there is one.
    ///
    /// # Errors
    /// Those of `future`.
    pub async fn wait_on_runtime<E: Into<QueryError> + Send + 'static>(
        &self,
        future: impl Future<Output = Result<(), E>> + Send + 'static,
    ) -> Result<(), QueryError> {
        match self.runtime() {
            None => future.await.map_err(Into::into),
            Some(runtime) => match runtime.spawn(future).await {
                Ok(result) => result.map_err(Into::into),
                Err(e) => Err(QueryError::Internal(format!("a store's task failed: {e}"))),
            },
        }
    }

    /// Takes in what a store wants the user to know.
    pub fn add_storage_warnings(&self, warnings: impl IntoIterator<Item = String>) {
        for text in warnings {
            self.annotations.add(Level::Warning, 0, None, text);
        }
    }

    /// Counts samples that were decoded.
    ///
    /// # Errors
    /// [`LimitError::SamplesRead`] when the query has decoded more than it may.
    pub fn count_decoded(&self, samples: u64) -> Result<(), QueryError> {
        let before = self
            .stats
            .decoded_samples
            .fetch_add(samples, Ordering::Relaxed);
        let limit = self.max_samples_read;
        if before.saturating_add(samples) > limit {
            return Err(LimitError::SamplesRead { limit }.into());
        }
        Ok(())
    }

    /// How many live samples the query may hold.
    pub fn max_samples(&self) -> u64 {
        self.max_samples
    }

    pub(super) fn refused(&self, refused: Refused, what: &str) -> QueryError {
        let what = what.to_string();
        QueryError::Limit(match refused {
            Refused::Query { limit } => LimitError::Memory { limit, what },
            Refused::Pool { limit } => LimitError::TotalMemory { limit, what },
        })
    }

    /// Reserves bytes for what lives as long as the plan does, such as label
    /// lists; `what` names it, for errors.
    ///
    /// # Errors
    /// [`LimitError::Memory`] and [`LimitError::TotalMemory`].
    pub fn reserve_lasting(&self, bytes: usize, what: &str) -> Result<(), QueryError> {
        let reserved = self.memory.reserve(bytes as u64);
        reserved.map_err(|refused| self.refused(refused, what))?;
        self.lasting_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(())
    }

    /// The symbol of a string that the query makes, counted before it is made.
    ///
    /// # Errors
    /// As [`QueryContext::reserve_lasting`].
    pub fn intern(&self, text: &str) -> Result<Symbol, QueryError> {
        let missing = match self.symbols.find_or_missing(text) {
            Ok(symbol) => return Ok(symbol),
            Err(missing) => missing,
        };
        let what = "label strings";
        let Some(growth) = self.symbols.growth(text.len()) else {
            let limit = u64::from(u32::MAX);
            return Err(self.refused(Refused::Query { limit }, what));
        };
        self.reserve_lasting(growth, what)?;
        Ok(self.symbols.add(text, missing))
    }

    /// Hands `bytes` of what was reserved so on to an answer.
    pub fn hand_on_lasting(&self, bytes: usize) -> Held {
        let take = |own: u64| Some(own.saturating_sub(bytes as u64));
        let own = self
            .lasting_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        let own = own.unwrap_or_default();
        Held::new(Arc::clone(&self.memory), own.min(bytes as u64))
    }
}

impl Drop for QueryContext {
    fn drop(&mut self) {
        self.memory.release(*self.lasting_bytes.get_mut());
    }
}
