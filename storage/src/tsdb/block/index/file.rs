//! What tables of an index are read from.

use quarrel_engine::storage::StorageError;

use crate::tsdb::mmap::MappedFile;

/// The bytes in which tables of an index stand: those of its file, or of a copy of
/// its tables.
pub(crate) trait IndexFile {
    /// All bytes.
    fn bytes(&self) -> &[u8];

    /// The error for corrupt bytes.
    fn corrupt(&self, detail: impl Into<String>) -> StorageError;
}

impl IndexFile for MappedFile {
    fn bytes(&self) -> &[u8] {
        MappedFile::bytes(self)
    }

    fn corrupt(&self, detail: impl Into<String>) -> StorageError {
        MappedFile::corrupt(self, detail)
    }
}
