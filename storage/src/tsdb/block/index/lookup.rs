//! What readers of series ask of an index.

use quarrel_engine::labels::Dictionary;
use quarrel_engine::storage::StorageError;

use super::series::SeriesEntry;
use crate::tsdb::decbuf::DecodeError;

/// The series of a block and their strings. As [`Dictionary`] it has the symbols,
/// where [`SeriesIndex::is_dictionary`] says so.
pub(crate) trait SeriesIndex: Dictionary + 'static {
    /// The entry of a series.
    ///
    /// # Errors
    /// When it does not exist or is corrupt.
    fn series(&self, id: u32) -> Result<SeriesEntry<'_>, StorageError>;

    /// The error for the corrupt entry of a series.
    fn series_error(&self, id: u32, e: DecodeError) -> StorageError;

    /// The string that a series entry refers to.
    ///
    /// # Errors
    /// When there is none, or it is not text.
    fn symbol(&self, reference: u32) -> Result<&str, StorageError>;

    /// The number of symbols, if references number them from 0 on.
    ///
    /// # Errors
    /// When the symbols are corrupt.
    fn symbol_count(&self) -> Result<Option<usize>, StorageError>;

    /// Whether [`Dictionary`] holds of the symbols: they are numbered, text, and
    /// sorted. The first call reads them all.
    ///
    /// # Errors
    /// When the symbols are corrupt.
    fn is_dictionary(&self) -> Result<bool, StorageError>;
}
