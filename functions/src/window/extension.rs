//! How far `anchored` and `smoothed` selectors look beyond their windows.

use crate::grid::Grid;

/// How far a selector looks beyond its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extension {
    /// Whether values at the ends are interpolated (`smoothed`), or are those
    /// of samples (`anchored`).
    pub smoothed: bool,
    /// How long before the beginning of a window samples still count for it, ms.
    pub before_ms: i64,
    /// How long behind its end they do, ms.
    pub after_ms: i64,
}

impl Extension {
    /// The ends and the length of windows that hold all samples that are read.
    pub fn widen(self, ends: Grid, range_ms: i64) -> (Grid, i64) {
        let start_ms = ends.start_ms.saturating_add(self.after_ms);
        let beyond = self.before_ms.saturating_add(self.after_ms);
        (Grid { start_ms, ..ends }, range_ms.saturating_add(beyond))
    }
}
