//! Addition or subtraction.

/// Whether counts are added or subtracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

impl Sign {
    #[inline]
    pub(super) fn of(self, count: f64) -> f64 {
        match self {
            Sign::Plus => count,
            Sign::Minus => -count,
        }
    }
}
