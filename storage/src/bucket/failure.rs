//! Why objects cannot be read.

use quarrel_engine::storage::StorageError;

/// A request that has failed for good.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{object}: {why}")]
pub(super) struct ObjectError {
    /// The bucket and the object.
    pub object: String,
    pub why: String,
    /// Whether the object is not there.
    pub missing: bool,
}

/// A block was deleted while a query read it. Its samples are in another block, or past
/// their retention: the query may be asked again.
#[derive(Clone, Debug, thiserror::Error)]
#[error("block {ulid} was deleted from the bucket while it was read: {object} is gone")]
#[non_exhaustive]
pub struct BlockVanished {
    /// The block.
    pub ulid: String,
    /// The object that is gone.
    pub object: String,
}

impl From<ObjectError> for StorageError {
    fn from(error: ObjectError) -> Self {
        StorageError::Remote {
            endpoint: error.object,
            detail: error.why,
        }
    }
}

/// Whether a query may be asked again, since a block was deleted.
pub(super) fn is_vanished(error: &StorageError) -> bool {
    error.downcast_ref::<BlockVanished>().is_some()
}

/// What becomes of a block, or a part of it, that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OnFailure {
    /// It is a warning, else the select's error.
    pub is_warning: bool,
    /// One that was deleted is an error in any case: the select is done once more.
    pub asks_again: bool,
}

impl OnFailure {
    /// The warning that a failure is.
    ///
    /// # Errors
    /// The failure, if it is none.
    pub fn of(self, error: StorageError) -> Result<String, StorageError> {
        let is_last = matches!(error, StorageError::Stopped);
        match is_last || !self.is_warning || (self.asks_again && is_vanished(&error)) {
            true => Err(error),
            false => Ok(error.to_string()),
        }
    }
}

/// What an error of a client says, without what may be a secret: the query of a URL.
pub(super) fn cleaned(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        let is_url = word.contains("://");
        match word.find('?').filter(|_| is_url) {
            Some(at) => {
                out.push_str(&word[..at]);
                let rest = &word[at..];
                let end = rest.find([')', '"', '\'', ',', ' ', '\n', '\t']);
                out.push_str(&rest[end.unwrap_or(rest.len())..]);
            }
            None => out.push_str(word),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_of_urls_are_left_out() {
        let text = "GET https://a.b/c?sig=hush&x=1 failed (http://d/e?key=hush), why?";
        assert_eq!(cleaned(text), "GET https://a.b/c failed (http://d/e), why?");
    }
}
