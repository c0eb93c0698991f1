//! A query's limits, as a store that works for it sees them.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::QueryError;
use crate::exec::context::{Account, QueryContext};
use crate::storage::{SelectControl, StorageError};

/// The control of all selects of a query: they share its symbols.
#[derive(Debug)]
pub struct StoreControl {
    context: Arc<QueryContext>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    account: Account,
    /// What is reserved for symbols.
    symbols: usize,
    /// Why the store was told to stop.
    reason: Option<QueryError>,
}

impl StoreControl {
    /// The control of a query.
    pub fn new(context: &Arc<QueryContext>) -> Self {
        StoreControl {
            context: Arc::clone(context),
            state: Mutex::new(State {
                account: context.account("labels"),
                symbols: 0,
                reason: None,
            }),
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
        let counted = state.count_symbols(&self.context);
        let result = counted.and_then(|()| self.context.check());
        StoreControl::told(&mut state, result)
    }

    fn reserve(&self, bytes: usize) -> Result<(), StorageError> {
        let mut state = self.state.lock();
        let result = state.account.grow(bytes);
        StoreControl::told(&mut state, result)
    }
}
