//! Why a store could not answer.

use std::error::Error;
use std::path::PathBuf;

/// Why a store could not answer. `detail` texts name the place: file and
/// offset, series, or remote address.
///
/// The text of an error is complete: what it prints, [`Error::source`] does
/// not give once more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Bytes that are not what their format says.
    #[error("corrupt data in {file}: {detail}")]
    Corrupt {
        /// The file (or object, or address) that holds them.
        file: String,
        /// What was wrong and where.
        detail: String,
    },
    /// The operating system refused.
    #[error("{path}: {error}")]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// The error of the system.
        error: std::io::Error,
    },
    /// The store holds something that this version cannot read.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// A remote store failed or vanished.
    #[error("{endpoint}: {detail}")]
    Remote {
        /// Its address.
        endpoint: String,
        /// What happened.
        detail: String,
    },
    /// The query ended while the store worked for it:
    /// [`SelectControl`](super::SelectControl) said so. The query's own error
    /// tells why.
    #[error("the query has ended")]
    Stopped,
    /// The code of a store panicked. The engine makes this error itself.
    #[error("storage {store} panicked: {message}")]
    Panicked {
        /// The store, as [`Storage::name`](super::Storage::name) has it.
        store: String,
        /// The message of the panic.
        message: String,
    },
    /// An error of the connector's own type; see [`StorageError::external`].
    #[error(transparent)]
    External(Box<dyn Error + Send + Sync>),
    /// Anything else a connector has to say.
    #[error("{0}")]
    Other(String),
}

impl StorageError {
    /// Wraps an error of a connector's own type, which whoever ran the query
    /// gets back by [`StorageError::downcast_ref`].
    ///
    /// # Examples
    /// ```
    /// use quarrel_engine::storage::StorageError;
    ///
    /// let error = StorageError::external(std::fmt::Error);
    /// assert!(error.downcast_ref::<std::fmt::Error>().is_some());
    /// assert_eq!(error.to_string(), std::fmt::Error.to_string());
    /// ```
    pub fn external(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        StorageError::External(error.into())
    }

    /// The error inside [`StorageError::External`], if it is of this type.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match self {
            StorageError::External(error) => error.downcast_ref(),
            _ => None,
        }
    }
}
