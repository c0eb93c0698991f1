//! Puts samples of replicas one behind the other.

use std::ops::Range;

use quarrel_functions::histogram::native::{CounterReset, HistogramRef};
use quarrel_functions::replicas::Place;

use super::super::samples::SampleColumns;
use super::counter::Values;
use super::times::Sample;

/// The columns that samples of replicas are appended to.
pub(super) struct Output<'a> {
    values: Values<'a>,
    out: &'a mut SampleColumns,
    /// The last histogram: its clock and its time. `None` where nothing is known of
    /// a counter reset from it to the next one.
    last_histogram: Option<(usize, i64)>,
}

impl<'a> Output<'a> {
    /// Appends samples to `out`.
    pub fn new(values: Values<'a>, out: &'a mut SampleColumns) -> Self {
        Output {
            values,
            out,
            last_histogram: None,
        }
    }

    /// Appends neighbouring samples of a replica.
    pub fn push(&mut self, clock: usize, replica: usize, samples: Range<usize>) {
        let times = &self.values.times[replica];
        let mut from = samples.start;
        while from < samples.end {
            // What lies one behind the other in a column is copied at once.
            let length = times.run_length(from, samples.end);
            match times.sample(from) {
                Sample::Float(at) => self.push_floats(replica, at as usize, length),
                Sample::Histogram(at) => {
                    self.push_histograms((clock, replica), at as usize, length);
                }
            }
            from += length;
        }
    }

    fn push_floats(&mut self, replica: usize, from: usize, length: usize) {
        let (columns, range) = (&self.values.columns[replica], from..from + length);
        let out = &mut self.out;
        out.timestamps
            .extend_from_slice(&columns.timestamps[range.clone()]);
        out.values.extend_from_slice(&columns.values[range.clone()]);
        if let (Some(starts), Some(of)) = (&mut out.start_timestamps, &columns.start_timestamps) {
            starts.extend_from_slice(&of[range]);
        }
    }

    fn push_histograms(&mut self, (clock, replica): (usize, usize), from: usize, length: usize) {
        let of = &self.values.columns[replica].histograms;
        // A hint is about the sample before it in its own replica, which is the one
        // before it here, too, if that has its clock and its time.
        let before = from.checked_sub(1).map(|at| (clock, of.timestamps[at]));
        let follows = match self.last_histogram {
            None => self.out.histograms.is_empty(),
            last => last == before,
        };
        let out = &mut self.out.histograms;
        let first = of.column.get(from);
        out.push(
            of.timestamps[from],
            of.start_timestamps[from],
            &match follows {
                true => first,
                false => without_hint(first),
            },
        );
        let rest = from + 1..from + length;
        out.timestamps
            .extend_from_slice(&of.timestamps[rest.clone()]);
        out.start_timestamps
            .extend_from_slice(&of.start_timestamps[rest.clone()]);
        out.column.extend_from(&of.column, rest);
        self.last_histogram = Some((clock, of.timestamps[from + length - 1]));
    }

    /// Appends a stale marker.
    pub fn push_stale(&mut self, replica: usize, marker: usize) {
        let source = self.values.times[replica].stale(marker);
        self.push_copy(replica, source, 0.0);
    }

    /// Appends a sample with the value of another one of its kind.
    pub fn push_lifted(&mut self, place: Place, to: Place) {
        let source = |place: Place| self.values.times[place.replica].sample(place.index);
        let of = &self.values.columns[place.replica];
        let other = &self.values.columns[to.replica];
        match (source(place), source(to)) {
            (Sample::Float(at), Sample::Float(to)) => {
                self.out.timestamps.push(of.timestamps[at as usize]);
                self.out.values.push(other.values[to as usize]);
                if let (Some(starts), Some(of)) =
                    (&mut self.out.start_timestamps, &of.start_timestamps)
                {
                    starts.push(of[at as usize]);
                }
            }
            (Sample::Histogram(at), Sample::Histogram(to)) => {
                let (own, at) = (&of.histograms, at as usize);
                let value = without_hint(other.histograms.column.get(to as usize));
                let (time, start) = (own.timestamps[at], own.start_timestamps[at]);
                self.out.histograms.push(time, start, &value);
                self.last_histogram = None;
            }
            // Floats are not below histograms.
            _ => {}
        }
    }

    /// Appends a sample, with something added to a float.
    pub fn push_sample(&mut self, replica: usize, source: Sample, added: f64) {
        self.push_copy(replica, source, added);
    }

    fn push_copy(&mut self, replica: usize, source: Sample, added: f64) {
        match source {
            Sample::Float(at) => {
                self.push_floats(replica, at as usize, 1);
                if let Some(last) = self.out.values.last_mut()
                    && added != 0.0
                {
                    *last += added;
                }
            }
            Sample::Histogram(at) => self.push_histograms((replica, replica), at as usize, 1),
        }
    }
}

/// The histogram, of which nothing is known about a counter reset unless it is a
/// gauge.
fn without_hint(h: HistogramRef<'_>) -> HistogramRef<'_> {
    HistogramRef {
        counter_reset: match h.counter_reset {
            CounterReset::Gauge => CounterReset::Gauge,
            _ => CounterReset::Unknown,
        },
        ..h
    }
}
