//! A value that is made when it is first needed, which may fail.

use std::sync::OnceLock;

use parking_lot::Mutex;

/// A cell that is filled once. A failure is not kept: the next one to ask
/// tries again, and gets the same error from the same bytes.
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
    /// The value, made by `make` if it is not there. Others wait meanwhile.
    pub fn get_or_try<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let _filling = self.filling.lock();
        // Another one may have filled it while this one waited.
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
    fn a_failure_is_tried_again_and_a_value_kept() {
        let lazy = Lazy::default();
        assert_eq!(lazy.get_or_try(|| Err("no")), Err("no"));
        assert_eq!(lazy.get_or_try(|| Ok::<_, &str>(1)), Ok(&1));
        assert_eq!(lazy.get_or_try(|| Err("no")), Ok(&1));
    }
}
