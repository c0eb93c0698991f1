//! What functions and aggregators read of downsampled data.
//!
//! Thanos's Compactor keeps of the samples in each window of some minutes their
//! number, sum, least and greatest, and of counters the growth. Which of these
//! Thanos Query asks for, by the function around a selector, is the rule here,
//! too, but for what it gets wrong: `docs/downsampling.md` lists it all.

use crate::window::{WindowFunction, sums};

/// What is kept of the samples in a window of downsampled data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aggregate {
    /// How many there were.
    Count,
    /// Their sum.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The counter, resets applied.
    Counter,
}

impl Aggregate {
    /// All of them, in Thanos's order.
    pub const ALL: [Aggregate; 5] = [
        Aggregate::Count,
        Aggregate::Sum,
        Aggregate::Min,
        Aggregate::Max,
        Aggregate::Counter,
    ];

    /// Its name in Thanos.
    pub const fn name(self) -> &'static str {
        match self {
            Aggregate::Count => "count",
            Aggregate::Sum => "sum",
            Aggregate::Min => "min",
            Aggregate::Max => "max",
            Aggregate::Counter => "counter",
        }
    }
}

/// What a function or an aggregator reads of downsampled data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Downsampled {
    /// The mean of each window's samples, as one sample.
    #[default]
    Average,
    /// The least sample of each window.
    Min,
    /// The greatest sample of each window.
    Max,
    /// The sum of each window's samples.
    Sum,
    /// The number of each window's samples, which are added up; a raw sample is
    /// one.
    Count,
    /// The counter's value at the end of each window.
    Counter,
    /// Sum and number of each window's samples: windows weigh as much as they
    /// have samples, a raw sample one.
    WeightedAverage,
    /// That there is a sample, and when: values do not matter.
    Presence,
}

impl Downsampled {
    /// The aggregates that it takes, in order.
    pub const fn aggregates(self) -> &'static [Aggregate] {
        match self {
            Downsampled::Average | Downsampled::WeightedAverage => {
                &[Aggregate::Count, Aggregate::Sum]
            }
            Downsampled::Min => &[Aggregate::Min],
            Downsampled::Max => &[Aggregate::Max],
            Downsampled::Sum => &[Aggregate::Sum],
            Downsampled::Count | Downsampled::Presence => &[Aggregate::Count],
            Downsampled::Counter => &[Aggregate::Counter],
        }
    }

    /// What an instant selector reads in a subquery below a function that reads
    /// this: each step is one sample of the series, not the sum or the number of
    /// some.
    #[must_use]
    pub const fn in_subquery(self) -> Self {
        match self {
            Downsampled::Sum | Downsampled::WeightedAverage => Downsampled::Average,
            Downsampled::Count => Downsampled::Presence,
            other => other,
        }
    }

    /// The function that takes the place of `function` where samples are what
    /// this reads: numbers of samples are added up, and sums that are divided
    /// afterwards.
    pub const fn kernel(self, function: &'static WindowFunction) -> &'static WindowFunction {
        match self {
            Downsampled::Count | Downsampled::WeightedAverage => &sums::SUM,
            _ => function,
        }
    }

    /// A word for `explain`.
    pub const fn name(self) -> &'static str {
        match self {
            Downsampled::Average => "average",
            Downsampled::Min => "min",
            Downsampled::Max => "max",
            Downsampled::Sum => "sum",
            Downsampled::Count => "count",
            Downsampled::Counter => "counter",
            Downsampled::WeightedAverage => "weighted average",
            Downsampled::Presence => "presence",
        }
    }
}
