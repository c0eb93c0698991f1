//! How long a template may run.

/// Pieces of a template that run, and bytes that it makes. Go has no limit; a
/// loop over a large number would not end in anybody's time.
const MOST_STEPS: usize = 1_000_000;
const MOST_BYTES: usize = 16 << 20;

/// What has run.
#[derive(Debug, Default)]
pub(super) struct Budget {
    steps: usize,
}

impl Budget {
    /// Counts a piece that runs after so many bytes were made.
    ///
    /// # Errors
    /// When it was too much, with what is not supported.
    pub(super) fn spend(&mut self, made: usize) -> Result<(), String> {
        self.steps += 1;
        match self.steps > MOST_STEPS || made > MOST_BYTES {
            false => Ok(()),
            true => Err("a template that takes a million steps, or makes 16 MiB,".to_string()),
        }
    }
}
