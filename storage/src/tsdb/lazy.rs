//! A value that is computed at its first use, which may fail.

use std::sync::OnceLock;

use parking_lot::Mutex;

/// A cell that is filled once. A failure is not kept: the next caller tries
/// again and gets the same error from the same bytes.
#[derive(Debug)]
pub(crate) struct Lazy<T> {
    value: OnceLock<T>,
    filling: Mutex<()>,
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Lazy {
            value: OnceLock::new(),
            filling: Mutex::new(()),
        }
    }
}

impl<T> Lazy<T> {
    /// The value, if it is there.
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// Returns the value. If it is missing, computes it by `make` while other
    /// callers wait.
    pub fn get_or_try<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let _filling = self.filling.lock();
        // Another caller may have filled it while this one waited.
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let value = make()?;
        Ok(self.value.get_or_init(|| value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_retried_and_values_are_kept() {
        let lazy = Lazy::default();
        assert_eq!(lazy.get_or_try(|| Err("no")), Err("no"));
        assert_eq!(lazy.get_or_try(|| Ok::<_, &str>(1)), Ok(&1));
        assert_eq!(lazy.get_or_try(|| Err("no")), Ok(&1));
    }
}
