//! More steps for a row of states.

/// Items before and after those that are there.
pub(super) fn widen<T: Clone>(items: &mut Vec<T>, before: usize, after: usize, fill: T) {
    if before > 0 {
        items.splice(0..0, std::iter::repeat_n(fill.clone(), before));
    }
    items.resize(items.len() + after, fill);
}
