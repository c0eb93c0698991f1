//! Merges buckets of a finer resolution than queries compute with.

use super::columns::HistogramColumns;
use super::layout::{CUSTOM_SCHEMA, HistogramLayout, MAX_USED_SCHEMA, Span, indices, spans_of};

/// Whether histograms of a layout are reduced.
pub(super) fn is_reduced(layout: &HistogramLayout) -> bool {
    layout.schema > MAX_USED_SCHEMA && layout.schema != CUSTOM_SCHEMA
}

/// Reduces a schema above [`MAX_USED_SCHEMA`] to it.
pub(super) fn to_used_schema(columns: &mut HistogramColumns) {
    if !is_reduced(&columns.layout) {
        return;
    }
    let layout = &mut columns.layout;
    let width = layout.buckets();
    let by = (layout.schema - MAX_USED_SCHEMA) as u32;
    let mut targets = Vec::with_capacity(width);
    layout.positive_spans = reduce(&layout.positive_spans, by, &mut targets);
    layout.negative_spans = reduce(&layout.negative_spans, by, &mut targets);
    layout.schema = MAX_USED_SCHEMA;
    if width == 0 {
        return;
    }
    let new_width = layout.buckets();
    let mut merged = vec![0.0; columns.timestamps.len() * new_width];
    let rows = columns.buckets.chunks_exact(width);
    for (row, out) in rows.zip(merged.chunks_exact_mut(new_width)) {
        for (count, &target) in row.iter().zip(&targets) {
            out[target] += count;
        }
    }
    columns.buckets = merged;
}

/// The spans of buckets that hold `2^by` old buckets each. Appends for each old
/// bucket the position of the new one.
fn reduce(spans: &[Span], by: u32, targets: &mut Vec<usize>) -> Vec<Span> {
    let mut merged = Vec::<i32>::new();
    let base = targets.last().map_or(0, |last| last + 1);
    for index in indices(spans) {
        let index = target_index(index, by);
        if merged.last() != Some(&index) {
            merged.push(index);
        }
        targets.push(base + merged.len() - 1);
    }
    spans_of(merged.into_iter())
}

/// The bucket that holds bucket `index` when `2^by` buckets become one. Upper
/// bounds are inclusive, so it is the quotient rounded up.
fn target_index(index: i32, by: u32) -> i32 {
    ((i64::from(index) - 1) >> by) as i32 + 1
}
