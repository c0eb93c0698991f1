//! Matchers over sorted values, as long as the query wants it.

use std::ops::Range;

use quarrel_engine::storage::{SelectControl, StorageError};
use quarrel_matchers::{Matcher, SortedValues, resolve_while};

/// The ranges of `values` that satisfy the matcher, ascending.
///
/// # Errors
/// The end of the query.
pub(crate) fn resolve_for<V: SortedValues + ?Sized>(
    matcher: &Matcher,
    values: &V,
    control: &dyn SelectControl,
) -> Result<Vec<Range<u32>>, StorageError> {
    let mut stopped = None;
    let ranges = resolve_while(matcher, values, &mut || match control.check() {
        Ok(()) => true,
        Err(error) => {
            stopped = Some(error);
            false
        }
    });
    ranges.ok_or_else(|| stopped.unwrap_or(StorageError::Stopped))
}
