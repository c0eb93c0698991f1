//! What one operator holds of its query's memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{LimitError, QueryError};
use crate::exec::context::QueryContext;
use crate::exec::memory::Held;

impl QueryContext {
    /// An account of bytes for one operator; it is given back on drop.
    pub fn account(self: &Arc<Self>, what: &'static str) -> Account {
        Account {
            context: Arc::clone(self),
            bytes: 0,
            samples: 0,
            what,
        }
    }
}

/// Bytes and live samples that an operator holds.
#[derive(Debug)]
pub struct Account {
    context: Arc<QueryContext>,
    bytes: u64,
    samples: u64,
    what: &'static str,
}

impl Account {
    /// Reserves bytes before they are allocated.
    ///
    /// # Errors
    /// [`LimitError::Memory`] when the query's limit would be passed,
    /// [`LimitError::TotalMemory`] when that of all queries would be.
    pub fn grow(&mut self, bytes: usize) -> Result<(), QueryError> {
        let reserved = self.context.memory.reserve(bytes as u64);
        reserved.map_err(|refused| self.context.refused(refused, self.what))?;
        self.bytes += bytes as u64;
        Ok(())
    }

    /// Gives some of the reserved bytes back.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = self.bytes.min(bytes as u64);
        self.context.memory.release(bytes);
        self.bytes -= bytes;
    }

    /// Makes the account hold so many bytes.
    ///
    /// # Errors
    /// As [`Account::grow`].
    pub fn set(&mut self, bytes: usize) -> Result<(), QueryError> {
        let held = self.bytes as usize;
        self.shrink(held.saturating_sub(bytes));
        self.grow(bytes.saturating_sub(held))
    }

    /// Ends the account; its bytes stay reserved as long as the query's plan
    /// lives.
    pub fn keep_lasting(mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.context
            .lasting_bytes
            .fetch_add(bytes, Ordering::Relaxed);
    }

    /// Ends the account; its bytes stay reserved for an answer.
    pub fn hand_on(mut self) -> Held {
        let bytes = std::mem::take(&mut self.bytes);
        Held::new(Arc::clone(&self.context.memory), bytes)
    }

    /// The query whose account it is.
    pub fn context(&self) -> &Arc<QueryContext> {
        &self.context
    }

    /// Counts samples that stay alive as long as this account.
    ///
    /// # Errors
    /// [`LimitError::Samples`] when more are alive than the query may hold.
    pub fn hold_samples(&mut self, samples: u64) -> Result<(), QueryError> {
        self.samples += samples;
        let live = self
            .context
            .live_samples
            .fetch_add(samples, Ordering::Relaxed)
            + samples;
        self.context
            .stats
            .peak_samples
            .fetch_max(live, Ordering::Relaxed);
        if live > self.context.max_samples() {
            return Err(LimitError::Samples {
                limit: self.context.max_samples(),
            }
            .into());
        }
        Ok(())
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.context.memory.release(self.bytes);
        self.context
            .live_samples
            .fetch_sub(self.samples, Ordering::Relaxed);
    }
}
