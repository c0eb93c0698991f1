//! When an `eval` runs its query.

/// When a query is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalTime {
    /// `instant at T`
    Instant {
        /// ms since the epoch.
        at_ms: i64,
    },
    /// `range from S to E step D`
    Range {
        /// ms since the epoch.
        start_ms: i64,
        /// ms since the epoch.
        end_ms: i64,
        /// ms.
        step_ms: i64,
    },
}
