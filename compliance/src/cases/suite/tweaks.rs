//! What makes up for known differences of an endpoint.

use quarrel_engine::{QueryRange, RangeError};

use super::tolerance::Tolerance;

/// Go's `time.Time` counts from the year 1, and rounds there; 1970 in
/// milliseconds after it.
const EPOCH_MS: i128 = 62_135_596_800_000;

/// What makes up for a known difference of an endpoint. Its fields are called
/// as in the files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tweak {
    /// What differs, for the report.
    pub note: String,
    /// Whether it is no fault.
    pub no_bug: bool,
    /// Start and end are multiples of it, rounded down; 0 leaves them.
    pub truncate_timestamps_to_ms: i64,
    /// Start and end are multiples of the step, rounded down.
    pub align_timestamps_to_step: bool,
    /// Start and end are whole seconds, rounded down, and so much later; 0
    /// leaves them. The suite had it for some days in 2022.
    pub align_timestamps_to_ms: i64,
    /// Start and end are so much later.
    pub offset_timestamps_by_ms: i64,
    /// Labels that are not compared.
    pub drop_result_labels: Vec<String>,
    /// Samples at the start, give or take 2 ms, are dropped from what the
    /// reference answers.
    pub ignore_first_step: bool,
    /// Labels' names and values are compared in lower case.
    pub ignore_case: bool,
    /// How near values must be.
    pub adjust_value_tolerance: Option<Tolerance>,
}

impl Tweak {
    /// The times that are asked instead.
    ///
    /// # Errors
    /// [`RangeError`] if no range is left.
    pub fn times(&self, range: QueryRange) -> Result<QueryRange, RangeError> {
        let step = range.step_millis();
        let moved = |ms: i64| {
            let mut ms = truncate(ms, self.truncate_timestamps_to_ms);
            if self.align_timestamps_to_step {
                ms = truncate(ms, step);
            }
            if self.align_timestamps_to_ms != 0 {
                ms = truncate(ms, 1000).saturating_add(self.align_timestamps_to_ms);
            }
            ms.saturating_add(self.offset_timestamps_by_ms)
        };
        let (start, end) = (range.start().as_millis(), range.end().as_millis());
        QueryRange::from_millis(moved(start)..=moved(end), step)
    }
}

/// Go's `Time.Truncate`: down to a multiple since the year 1; of nothing, the
/// time itself.
fn truncate(ms: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return ms;
    }
    let since = i128::from(ms) + EPOCH_MS;
    let rest = since.rem_euclid(i128::from(unit));
    i64::try_from(i128::from(ms) - rest).unwrap_or(i64::MIN)
}
