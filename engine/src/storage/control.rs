//! What a store asks while it works for a query: may it go on, and may it hold
//! so many bytes.

use std::fmt::Debug;

use super::error::StorageError;

/// The end of a query, as a store sees it. What takes long asks it in its loops,
/// so that a query that was cancelled, or whose time or memory is over, costs
/// no more. A store that never asks is right, too; its selects then go on to
/// their own end.
pub trait SelectControl: Debug + Send + Sync {
    /// Ends the work if nobody waits for it any more. Takes some 20 ns; to be
    /// asked about once a millisecond of work.
    ///
    /// # Errors
    /// [`StorageError::Stopped`], which the store gives back as it is.
    fn check(&self) -> Result<(), StorageError>;

    /// Counts bytes against the query's memory before they are allocated, such
    /// as those of label lists. They count until the select has answered, when
    /// the engine counts the answer itself.
    ///
    /// # Errors
    /// As [`SelectControl::check`].
    fn reserve(&self, bytes: usize) -> Result<(), StorageError>;
}

/// No query waits: nothing ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl SelectControl for Unlimited {
    fn check(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn reserve(&self, _: usize) -> Result<(), StorageError> {
        Ok(())
    }
}
