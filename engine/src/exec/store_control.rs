//! A query's limits, as a store that works for it sees them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;

use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::pieces;
use crate::storage::{Pieces, SelectControl, StorageError};

/// The control of all selects of a query: they share its symbols.
pub struct StoreControl {
    context: Arc<QueryContext>,
    state: Mutex<State>,
    gate: Option<Gate>,
}

/// Finds a place for a query that turns out heavy; false if there is none.
pub type Gate = Arc<dyn Fn() -> bool + Send + Sync>;

/// Bytes of labels from which on a query is heavy: those of some 20,000 series.
const HEAVY_LABELS: usize = 2 << 20;

impl std::fmt::Debug for StoreControl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreControl")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// How long a store works for one query before it needs a turn: it does not give
/// way, and light queries take less.
const SHORT: Duration = Duration::from_millis(30);

/// How long a store works on the caller's thread: twice what it costs to hand work
/// over to the engine's threads and back.
const BRIEF: Duration = Duration::from_micros(50);

/// Bytes of labels that are not brief to read: those of some 200 series.
const BRIEF_LABELS: usize = 20 << 10;

/// How long the work of a store may take.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// As long as it takes.
    Any,
    /// See [`StoreControl::short`]; when it began.
    Short(Instant),
    /// See [`StoreControl::brief`]; when it began.
    Brief(Instant),
}

#[derive(Debug)]
struct State {
    account: Account,
    /// What is reserved for labels, before they are there.
    labels: usize,
    /// Whether the gate was passed.
    is_heavy: bool,
    /// What is reserved for symbols.
    symbols: usize,
    /// Why the store was told to stop.
    reason: Option<QueryError>,
    turn: Option<OwnedSemaphorePermit>,
    pace: Pace,
}

impl StoreControl {
    /// The control of a query. Labels of many series need to pass the gate, if
    /// there is one.
    pub fn new(context: &Arc<QueryContext>, gate: Option<Gate>) -> Self {
        StoreControl {
            context: Arc::clone(context),
            gate,
            state: Mutex::new(State {
                account: context.account("labels"),
                labels: 0,
                is_heavy: false,
                symbols: 0,
                reason: None,
                turn: None,
                pace: Pace::Any,
            }),
        }
    }

    /// The same, for work on the engine's threads that is expected to be short.
    /// Where it turns out long, and others have all the turns of such, the store is
    /// told to stop, and the query to come back when it has one.
    #[must_use]
    pub fn short(mut self) -> Self {
        self.state.get_mut().pace = Pace::Short(Instant::now());
        self
    }

    /// The same, for work on the caller's thread. Where it takes more than a moment
    /// the store is told to stop, and asked anew on the engine's threads.
    #[must_use]
    pub fn brief(mut self) -> Self {
        self.state.get_mut().pace = Pace::Brief(Instant::now());
        self
    }

    /// Ends what is too long for its place, or takes a turn for it.
    fn keep_pace(&self, state: &mut State) -> Result<(), StorageError> {
        match state.pace {
            Pace::Brief(began) if state.labels > BRIEF_LABELS || began.elapsed() > BRIEF => {
                self.context.turn_long();
                Err(StorageError::Stopped)
            }
            Pace::Short(began) if state.turn.is_none() && began.elapsed() > SHORT => {
                state.turn = self.context.pool.try_turn();
                if state.turn.is_none() {
                    self.context.turn_heavy();
                    return Err(StorageError::Stopped);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What a store's error is to the user.
    pub fn reason(&self, error: StorageError) -> QueryError {
        match error {
            StorageError::Stopped => {
                let reason = self.state.lock().reason.take();
                let unknown = || QueryError::Internal("a store stopped by itself".into());
                reason.unwrap_or_else(unknown)
            }
            other => other.into(),
        }
    }

    /// The account when the store has answered: it holds the symbols, and
    /// `labels` bytes for what the answers really have.
    ///
    /// # Errors
    /// The memory limits.
    pub fn settle(self, labels: usize) -> Result<Account, QueryError> {
        let mut account = self.state.into_inner().account;
        account.set(labels + self.context.symbols.bytes())?;
        Ok(account)
    }

    fn told(state: &mut State, result: Result<(), QueryError>) -> Result<(), StorageError> {
        result.map_err(|error| {
            state.reason.get_or_insert(error);
            StorageError::Stopped
        })
    }
}

impl State {
    /// Reserves what the symbols have grown by.
    fn count_symbols(&mut self, context: &QueryContext) -> Result<(), QueryError> {
        let symbols = context.symbols.bytes();
        if symbols > self.symbols {
            self.account.grow(symbols - self.symbols)?;
            self.symbols = symbols;
        }
        Ok(())
    }
}

impl SelectControl for StoreControl {
    fn check(&self) -> Result<(), StorageError> {
        let mut state = self.state.lock();
        self.keep_pace(&mut state)?;
        let counted = state.count_symbols(&self.context);
        let result = counted.and_then(|()| self.context.check());
        StoreControl::told(&mut state, result)
    }

    fn reserve(&self, bytes: usize) -> Result<(), StorageError> {
        let mut state = self.state.lock();
        state.labels += bytes;
        self.keep_pace(&mut state)?;
        if state.labels > HEAVY_LABELS
            && !std::mem::replace(&mut state.is_heavy, true)
            && self.gate.as_ref().is_some_and(|gate| !gate())
        {
            self.context.turn_heavy();
            return Err(StorageError::Stopped);
        }
        let result = state.account.grow(bytes);
        StoreControl::told(&mut state, result)
    }

    fn waited(&self, time: Duration) {
        if let Pace::Short(began) = &mut self.state.lock().pace {
            *began += time;
        }
    }

    fn run_pieces(&self, count: usize, pieces: Pieces) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async move {
            let started = Instant::now();
            let result = pieces::run(&self.context, count, pieces).await;
            // Pieces give way: they need no turn.
            self.waited(started.elapsed());
            let mut state = self.state.lock();
            result.map_err(|failure| {
                failure.told(|error| {
                    state.reason.get_or_insert(error);
                    StorageError::Stopped
                })
            })
        })
    }
}
