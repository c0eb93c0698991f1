//! Histograms as texts.

use std::fmt::Write;

use super::buckets::Place;
use super::value::{CounterReset, Histogram, HistogramRef};
use crate::fmt::format_g;

/// Empty buckets in a row that are written out in a test expression.
const MAX_GAP: i64 = 1 << 16;

impl HistogramRef<'_> {
    /// The text that `count_values` makes of a histogram, as Prometheus prints
    /// one: total, sum, and all populated buckets with their bounds.
    pub fn to_text(&self) -> String {
        let mut out = format!(
            "{{count:{}, sum:{}",
            format_g(self.count),
            format_g(self.sum)
        );
        let positive = self.layout.positive().len();
        let columns = (positive..self.buckets.len()).rev().map(Some);
        let columns = columns.chain([None]).chain((0..positive).map(Some));
        for column in columns {
            // The zero bucket is written also with a negative count.
            let (bucket, place) = match column {
                None => (self.bucket(Place::Zero), Place::Zero),
                Some(column) => (self.plain_bucket(column), Place::Column(column)),
            };
            let closed = self.closed(place);
            if bucket.count == 0.0 {
                continue;
            }
            let [open, close] = [
                if closed[0] { '[' } else { '(' },
                if closed[1] { ']' } else { ')' },
            ];
            let (lower, upper) = (format_g(bucket.lower), format_g(bucket.upper));
            // Writing into a string can't fail.
            let _ = write!(
                out,
                ", {open}{lower},{upper}{close}:{}",
                format_g(bucket.count)
            );
        }
        out.push('}');
        out
    }

    /// The histogram as it is written in test scripts. Where populated buckets
    /// lie very far apart, `...` stands for the empty ones between them.
    pub fn to_test_expression(&self) -> String {
        let h = self.to_histogram();
        let mut parts: Vec<String> = Vec::new();
        if h.layout.schema() != 0 {
            parts.push(format!("schema:{}", h.layout.schema()));
        }
        let numbers = [
            ("count", h.count),
            ("sum", h.sum),
            ("z_bucket", h.zero_count),
            ("z_bucket_w", h.layout.zero_threshold()),
        ];
        for (name, value) in numbers {
            if value != 0.0 {
                parts.push(format!("{name}:{}", format_g(value)));
            }
        }
        if h.layout.is_custom() {
            let bounds = h.layout.custom_values().iter();
            let bounds: Vec<String> = bounds.map(|&bound| format_g(bound)).collect();
            parts.push(format!("custom_values:[{}]", bounds.join(" ")));
        }
        let hint = match h.counter_reset {
            CounterReset::Unknown => None,
            CounterReset::Reset => Some("reset"),
            CounterReset::NoReset => Some("not_reset"),
            CounterReset::Gauge => Some("gauge"),
        };
        parts.extend(hint.map(|hint| format!("counter_reset_hint:{hint}")));
        let positive = h.layout.positive().len();
        let sides = [
            (
                h.layout.positive(),
                &h.buckets[..positive],
                "buckets",
                "offset",
            ),
            (
                h.layout.negative(),
                &h.buckets[positive..],
                "n_buckets",
                "n_offset",
            ),
        ];
        for (indices, counts, buckets, offset) in sides {
            push_side(&mut parts, indices, counts, [buckets, offset]);
        }
        format!("{{{{{}}}}}", parts.join(" "))
    }
}

/// The buckets of one side, from the first populated one to the last.
fn push_side(parts: &mut Vec<String>, indices: &[i32], counts: &[f64], names: [&str; 2]) {
    let mut texts = Vec::new();
    let mut next: Option<i64> = None;
    for (&index, &count) in indices.iter().zip(counts).filter(|(_, c)| **c != 0.0) {
        let index = i64::from(index);
        match next {
            None if index != 0 => parts.push(format!("{}:{index}", names[1])),
            None => {}
            Some(next) if index - next > MAX_GAP => texts.push("...".to_owned()),
            Some(next) => texts.extend((next..index).map(|_| "0".to_owned())),
        }
        texts.push(format_g(count));
        next = Some(index + 1);
    }
    if !texts.is_empty() {
        parts.push(format!("{}:[{}]", names[0], texts.join(" ")));
    }
}

impl Histogram {
    /// See [`HistogramRef::to_text`].
    pub fn to_text(&self) -> String {
        self.view().to_text()
    }

    /// See [`HistogramRef::to_test_expression`].
    pub fn to_test_expression(&self) -> String {
        self.view().to_test_expression()
    }
}
