//! Histograms reduced to count and sum, where nothing above looks at buckets.
//!
//! What is known of counter resets is then taken from the samples before, as
//! long as Prometheus reads them one after the other: an iterator that has
//! to jump to a window forgets the sample before it.

use quarrel_functions::grid::Grid;
use quarrel_functions::histogram::native::{CounterReset, HistogramColumn, HistogramRef, Layout};
use rustc_hash::FxHashMap;
use std::sync::Arc;

use super::samples::SampleColumns;
use super::stale::is_stale;

/// How far back Prometheus's iterator keeps samples, and where it looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// The ends of the windows, with what they look at beyond.
    pub ends: Grid,
    /// Milliseconds.
    pub kept_ms: i64,
}

impl SampleColumns {
    /// Reduces histograms to their totals. Stale markers must still be there.
    pub(super) fn reduce_to_totals(&mut self, reading: Reading) {
        let jumps = self.jumps(reading);
        let samples = &mut self.histograms;
        let mut reduced = HistogramColumn::default();
        let mut bare: FxHashMap<i32, Arc<Layout>> = FxHashMap::default();
        let mut last: Option<usize> = None;
        for i in 0..samples.timestamps.len() {
            let h = samples.column.get(i);
            if jumps.binary_search(&samples.timestamps[i]).is_ok() {
                last = None;
            }
            let stale = is_stale(&h);
            let counter_reset = match (h.counter_reset, last) {
                (CounterReset::Unknown, Some(before)) if !stale => {
                    match h.is_reset_from(&samples.column.get(before)) {
                        true => CounterReset::Reset,
                        false => CounterReset::NoReset,
                    }
                }
                (hint, _) => hint,
            };
            if !stale {
                last = Some(i);
            }
            let layout = bare
                .entry(h.layout.schema())
                .or_insert_with(|| h.layout.without_buckets());
            reduced.push(&HistogramRef {
                counter_reset,
                layout,
                zero_count: 0.0,
                buckets: &[],
                compact: false,
                ..h
            });
        }
        samples.column = reduced;
    }

    /// The times to which the iterator jumps, ascending.
    fn jumps(&self, Reading { ends, kept_ms }: Reading) -> Vec<i64> {
        let (floats, histograms) = (&self.timestamps, &self.histograms.timestamps);
        // The first sample at or after a time.
        let next = |time: i64| {
            let float = floats.get(floats.partition_point(|&t| t < time));
            let histogram = histograms.get(histograms.partition_point(|&t| t < time));
            float.into_iter().chain(histogram).min().copied()
        };
        let mut jumps = Vec::new();
        let mut at: Option<i64> = None;
        // Where windows meet, the reader has not passed the next one's beginning.
        let steps = match ends.step_ms <= kept_ms {
            true => ends.len.min(1),
            false => ends.len,
        };
        for step in 0..steps {
            let end = ends.at(step);
            let from = end.saturating_sub(kept_ms);
            let jumped = at.is_none_or(|at| from > at);
            if jumped && let Some(to) = next(from) {
                jumps.push(to);
            }
            match next(end.max(at.unwrap_or(i64::MIN))) {
                Some(time) => at = Some(time),
                None => break,
            }
        }
        jumps
    }
}

#[cfg(test)]
mod tests {
    use quarrel_functions::histogram::native::Histogram;

    use super::*;

    fn samples(counts: &[(i64, f64)]) -> SampleColumns {
        let mut samples = SampleColumns::default();
        let layout = Layout::exponential(1, 0.0, vec![1], vec![]).unwrap();
        for &(time, count) in counts {
            let mut h = Histogram::new(Arc::clone(&layout), vec![count]).unwrap();
            h.count = count;
            samples.histograms.push(time, 0, &h.view());
        }
        samples
    }

    fn hints(samples: &SampleColumns) -> Vec<CounterReset> {
        samples
            .histograms
            .column
            .iter()
            .map(|h| h.counter_reset)
            .collect()
    }

    #[test]
    fn resets_are_known_from_the_sample_before_unless_the_reader_jumps() {
        use CounterReset::{NoReset, Reset, Unknown};
        let counts = [(0, 1.0), (10, 3.0), (20, 2.0), (100, 1.0), (110, 4.0)];
        let mut all = samples(&counts);
        all.reduce_to_totals(Reading {
            ends: Grid::range(25, 115, 10),
            kept_ms: 30,
        });
        assert_eq!(hints(&all), [Unknown, NoReset, Reset, Reset, NoReset]);
        let first = all.histograms.column.get(0);
        assert_eq!(
            (first.count, first.buckets.len(), first.layout.schema()),
            (1.0, 0, 1)
        );

        let mut some = samples(&counts);
        some.reduce_to_totals(Reading {
            ends: Grid::range(12, 222, 210),
            kept_ms: 115,
        });
        assert_eq!(hints(&some)[4], Unknown, "the second window begins there");
    }
}
