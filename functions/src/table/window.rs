//! What is computed over the windows of a selector: a function of the table, or
//! what an instant selector looks for.

use super::downsampled::Downsampled;
use super::function::Function;
use super::kind::Kind;
use super::rows::lookup;
use crate::window::WindowFunction;

/// What is computed over each window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WindowKind {
    /// An instant selector: the latest sample unless it is stale.
    Latest,
    /// `timestamp(selector)`: the time of the latest sample, in seconds.
    LatestTimestamp,
    /// `start_timestamp(selector)`: the start timestamp of the latest sample,
    /// in seconds.
    LatestStart,
    /// A `smoothed` instant selector: the value between two samples.
    Smoothed,
    /// `info`'s look at an info metric: the time of the latest sample, in
    /// seconds, unless that is a histogram.
    InfoTime,
    /// A function of range vectors, and what computes it.
    Function(&'static Function, &'static WindowFunction),
}

impl WindowKind {
    /// What a function of the table computes; `None` if it is none of range
    /// vectors.
    pub fn of(function: &'static Function) -> Option<Self> {
        match function.kind {
            Kind::Window(kernel) => Some(WindowKind::Function(function, kernel)),
            // It asks for presence alone.
            Kind::AbsentOverTime => lookup("present_over_time").and_then(WindowKind::of),
            _ => None,
        }
    }

    /// The name that `explain` shows.
    pub const fn name(self) -> &'static str {
        match self {
            WindowKind::Latest => "latest",
            WindowKind::LatestTimestamp => "timestamp",
            WindowKind::LatestStart => "start_timestamp",
            WindowKind::Smoothed => "smoothed",
            WindowKind::InfoTime => "info",
            WindowKind::Function(function, _) => function.name,
        }
    }

    /// Whether stale markers stay among the samples.
    pub const fn keeps_stale(self) -> bool {
        matches!(
            self,
            WindowKind::Latest
                | WindowKind::LatestTimestamp
                | WindowKind::LatestStart
                | WindowKind::InfoTime
        )
    }

    /// Whether a metric that is no counter is to be annotated.
    pub const fn wants_counter(self) -> bool {
        matches!(self, WindowKind::Function(function, _) if function.wants_counter)
    }

    /// Whether it looks at the growth of a counter.
    pub const fn is_counter(self) -> bool {
        matches!(self, WindowKind::Function(function, _) if function.is_counter)
    }

    /// Whether samples can make it annotate the answer.
    pub const fn annotates(self) -> bool {
        match self {
            WindowKind::Function(function, _) => function.annotates,
            WindowKind::Smoothed => true,
            WindowKind::Latest
            | WindowKind::LatestTimestamp
            | WindowKind::LatestStart
            | WindowKind::InfoTime => false,
        }
    }

    /// What it reads of downsampled data; `selected` is what an instant selector
    /// was asked to read.
    pub const fn downsampled(self, selected: Downsampled) -> Downsampled {
        match self {
            WindowKind::Function(function, _) => function.downsampled,
            WindowKind::LatestTimestamp => Downsampled::Presence,
            WindowKind::Latest
            | WindowKind::LatestStart
            | WindowKind::Smoothed
            | WindowKind::InfoTime => selected,
        }
    }
}
