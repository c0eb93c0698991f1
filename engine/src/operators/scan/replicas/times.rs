//! The times of a replica's samples, floats and histograms together, without stale
//! markers.

use quarrel_functions::replicas::Replica;

use super::super::samples::SampleColumns;
use super::super::stale::{STALE_NAN, first_stale, is_stale};

/// A sample by its number in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sample {
    Float(u32),
    Histogram(u32),
}

/// Where the samples of a replica are in its columns.
#[derive(Debug, Default)]
pub(super) struct Times {
    kind: Kind,
    /// The times of samples that are not those of one column.
    samples: Vec<i64>,
    /// The samples of these times.
    sources: Vec<Sample>,
    stale: Vec<i64>,
    stale_sources: Vec<Sample>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The samples are the floats.
    #[default]
    Floats,
    /// The samples are the histograms.
    Histograms,
    Mixed,
}

impl Times {
    /// Looks at the samples of a replica.
    pub fn set(&mut self, columns: &SampleColumns) {
        self.samples.clear();
        self.sources.clear();
        self.stale.clear();
        self.stale_sources.clear();
        let histograms = &columns.histograms;
        let no_stale = first_stale(&columns.values).is_none()
            && !histograms.column.iter().any(|h| is_stale(&h));
        self.kind = match (columns.timestamps.is_empty(), histograms.is_empty()) {
            (_, true) if no_stale => Kind::Floats,
            (true, _) if no_stale => Kind::Histograms,
            _ => Kind::Mixed,
        };
        if self.kind == Kind::Mixed {
            for (time, source) in in_order(columns) {
                let stale = match source {
                    Sample::Float(i) => columns.values[i as usize].to_bits() == STALE_NAN,
                    Sample::Histogram(i) => is_stale(&histograms.column.get(i as usize)),
                };
                let (times, sources) = match stale {
                    true => (&mut self.stale, &mut self.stale_sources),
                    false => (&mut self.samples, &mut self.sources),
                };
                times.push(time);
                sources.push(source);
            }
        }
    }

    pub fn replica<'a>(&'a self, columns: &'a SampleColumns) -> Replica<'a> {
        Replica {
            samples: match self.kind {
                Kind::Floats => &columns.timestamps,
                Kind::Histograms => &columns.histograms.timestamps,
                Kind::Mixed => &self.samples,
            },
            stale: &self.stale,
        }
    }

    /// The sample with a number.
    pub fn sample(&self, index: usize) -> Sample {
        match self.kind {
            Kind::Floats => Sample::Float(index as u32),
            Kind::Histograms => Sample::Histogram(index as u32),
            Kind::Mixed => self.sources[index],
        }
    }

    /// How many samples from one to another lie one behind the other in one column.
    pub fn run_length(&self, from: usize, to: usize) -> usize {
        if self.kind != Kind::Mixed {
            return to - from;
        }
        let sources = &self.sources[from..to];
        let behind = |count: usize| match sources[0] {
            Sample::Float(at) => Sample::Float(at + count as u32),
            Sample::Histogram(at) => Sample::Histogram(at + count as u32),
        };
        let numbered = sources.iter().enumerate();
        numbered
            .take_while(|(i, source)| **source == behind(*i))
            .count()
    }

    /// The stale marker with a number.
    pub fn stale(&self, index: usize) -> Sample {
        self.stale_sources[index]
    }

    pub fn bytes(&self) -> usize {
        let times = self.samples.capacity() + self.stale.capacity();
        let sources = self.sources.capacity() + self.stale_sources.capacity();
        times * size_of::<i64>() + sources * size_of::<Sample>()
    }
}

/// All samples with their times, in order, stale markers included.
pub(super) fn in_order(columns: &SampleColumns) -> impl Iterator<Item = (i64, Sample)> {
    let (floats, histograms) = (&columns.timestamps, &columns.histograms.timestamps);
    let (mut i, mut j) = (0, 0);
    std::iter::from_fn(move || match (floats.get(i), histograms.get(j)) {
        (Some(&time), other) if other.is_none_or(|&other| time < other) => {
            i += 1;
            Some((time, Sample::Float(i as u32 - 1)))
        }
        (_, Some(&time)) => {
            j += 1;
            Some((time, Sample::Histogram(j as u32 - 1)))
        }
        (_, None) => None,
    })
}
