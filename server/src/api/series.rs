//! Prints the series of `query` and `query_range`.
//!
//! All series of a range query have the same times, so that these are printed
//! once for many series.

use std::ops::Range;
use std::sync::Arc;

use quarrel_engine::labels::Symbols;
use quarrel_engine::{SampleValue, SeriesRef, SeriesSet};

use super::answer::piece_end;
use crate::json;

/// What a sample takes, roughly, bytes.
const SAMPLE: usize = 24;
/// What a histogram takes, likewise.
const HISTOGRAM: usize = 2048;

/// Series of an answer, to be printed in pieces.
pub(super) struct SeriesPart {
    set: SeriesSet,
    is_matrix: bool,
    times: Arc<Times>,
}

impl SeriesPart {
    /// A part of an answer, with the times of all its parts.
    pub(super) fn new(set: SeriesSet, is_matrix: bool, times: Arc<Times>) -> Self {
        SeriesPart {
            set,
            is_matrix,
            times,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.set.len()
    }

    /// Where a piece ends that begins at series `from`, at `most` at the latest, and
    /// its size.
    pub(super) fn piece_end(&self, from: usize, most: usize) -> (usize, usize) {
        let symbols = self.set.symbols().read();
        let size = |series: SeriesRef<'_>| {
            json::labels_size(series.labels(), &symbols) + samples_size(&series)
        };
        piece_end(from..most, |i| self.set.get(i).map_or(0, size))
    }

    /// Appends series; the first of them all has no comma before it.
    pub(super) fn print(&self, range: Range<usize>, is_first: bool, out: &mut Vec<u8>) {
        let symbols = self.set.symbols().read();
        let mut comma = !is_first;
        for series in range.filter_map(|i| self.set.get(i)) {
            out.extend_from_slice(if comma { b"," } else { b"" });
            comma = true;
            self.print_series(&series, &symbols, out);
        }
    }

    fn print_series(&self, series: &SeriesRef<'_>, symbols: &Symbols<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"metric\":");
        json::labels(out, series.labels(), symbols);
        if self.is_matrix {
            self.print_floats(series, out);
            print_histograms(series, out);
        } else if let Some(point) = series.points().next() {
            match point.value {
                SampleValue::Float(value) => {
                    out.extend_from_slice(b",\"value\":");
                    json::point(out, point.timestamp, value);
                }
                SampleValue::Histogram(h) => {
                    out.extend_from_slice(b",\"histogram\":");
                    json::histogram_point(out, point.timestamp, &h);
                }
            }
        }
        out.push(b'}');
    }

    fn print_floats(&self, series: &SeriesRef<'_>, out: &mut Vec<u8>) {
        let before = out.len();
        out.extend_from_slice(b",\"values\":[");
        let begin = out.len();
        let mut step = 0;
        for point in series.points() {
            let SampleValue::Float(value) = point.value else {
                continue;
            };
            match self.times.find(point.timestamp, &mut step) {
                Some(text) => out.extend_from_slice(text),
                None => begin_point(out, point.timestamp),
            }
            json::digits(out, value);
            out.extend_from_slice(b"\"],");
        }
        if out.len() == begin {
            out.truncate(before);
        } else if let Some(last) = out.last_mut() {
            *last = b']';
        }
    }
}

/// What the samples of a series take, roughly, bytes.
fn samples_size(series: &SeriesRef<'_>) -> usize {
    let items = series.points().size_hint().1.unwrap_or(0);
    let each = match series.has_histograms() {
        true => HISTOGRAM,
        false => SAMPLE,
    };
    items * each
}

fn print_histograms(series: &SeriesRef<'_>, out: &mut Vec<u8>) {
    if !series.has_histograms() {
        return;
    }
    let mut start: &[u8] = b",\"histograms\":[";
    for point in series.points() {
        if let SampleValue::Histogram(h) = point.value {
            out.extend_from_slice(start);
            json::histogram_point(out, point.timestamp, &h);
            start = b",";
        }
    }
    out.push(b']');
}

/// Appends a point up to its value.
fn begin_point(out: &mut Vec<u8>, ms: i64) {
    out.push(b'[');
    json::timestamp(out, ms);
    out.extend_from_slice(b",\"");
}

/// The times of a range query, as they stand before the values.
pub(super) struct Times {
    start: i64,
    step: i64,
    texts: Vec<u8>,
    ends: Vec<u32>,
}

impl Times {
    /// Those of a part of an answer, which are those of all its parts.
    pub(super) fn of(set: &SeriesSet) -> Self {
        let mut times = Times {
            start: 0,
            step: 0,
            texts: Vec::new(),
            ends: Vec::new(),
        };
        for (i, ms) in set.times().into_iter().flatten().enumerate() {
            match i {
                0 => times.start = ms,
                1 => times.step = ms - times.start,
                _ => {}
            }
            begin_point(&mut times.texts, ms);
            times.ends.push(times.texts.len() as u32);
        }
        times
    }

    /// The text of a time at or after `step`, where the search goes on.
    fn find(&self, ms: i64, step: &mut usize) -> Option<&[u8]> {
        let at = |step: usize| self.start + self.step * step as i64;
        while *step < self.ends.len() && at(*step) < ms {
            *step += 1;
        }
        let end = *self.ends.get(*step)? as usize;
        if at(*step) != ms {
            return None;
        }
        let start = step.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.texts.get(start as usize..end)
    }
}
