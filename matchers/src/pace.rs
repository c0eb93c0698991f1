//! Asks now and then whether to go on.

/// Units of work between two questions. A unit is a byte of a value on the fast
/// ways and a visited state on the slow ones: one to two milliseconds at most.
pub(crate) const PERIOD: usize = 64 << 10;

/// What a value costs besides its bytes: a question at least every 1,024 values.
pub(crate) const PER_VALUE: usize = PERIOD / 1024;

/// Counts work and asks after each [`PERIOD`] whether to go on.
pub(crate) struct Pace<'a> {
    left: usize,
    ask: &'a mut dyn FnMut() -> bool,
}

impl<'a> Pace<'a> {
    pub(crate) fn new(ask: &'a mut dyn FnMut() -> bool) -> Self {
        Pace { left: PERIOD, ask }
    }

    /// Counts work that is done; `None` if the rest is not wanted any more.
    #[inline]
    pub(crate) fn spend(&mut self, units: usize) -> Option<()> {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                Some(())
            }
            None => self.question(),
        }
    }

    #[cold]
    fn question(&mut self) -> Option<()> {
        self.left = PERIOD;
        (self.ask)().then_some(())
    }
}
