//! What a store asks while it works for a query: may it go on, and may it hold
//! so many bytes.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::error::StorageError;

/// The pieces of a store's work, by number.
pub type Pieces = Arc<dyn Fn(usize) -> Result<(), StorageError> + Send + Sync>;

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

    /// Tells for how long the store has done nothing but wait, for a server for
    /// example. Where work that takes long needs a turn, that time does not count.
    fn waited(&self, time: Duration) {
        let _ = time;
    }

    /// Runs pieces of work, those from 0 to `count`, on all threads that the
    /// query may use, in no order and side by side; other queries come in between.
    /// A piece should take about a millisecond, and must not wait for another. Where
    /// a store has the work of tens of milliseconds, this is the way to do it. The
    /// default runs one piece after the other, here.
    ///
    /// # Errors
    /// That of the first piece, by number, that fails; behind it no more begin.
    /// As [`SelectControl::check`], which is asked before each piece.
    fn run_pieces(&self, count: usize, pieces: Pieces) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async move {
            (0..count).try_for_each(|number| {
                self.check()?;
                pieces(number)
            })
        })
    }
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
