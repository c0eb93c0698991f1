//! A select: what is asked of a view, and what it answers.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use futures::future::BoxFuture;
use quarrel_functions::table::Aggregate;
use quarrel_matchers::Matcher;

use super::chunk::Chunk;
use super::control::{SelectControl, Unlimited};
use super::deduplication::Deduplication;
use super::error::StorageError;
use super::time_range::TimeRange;
use crate::labels::{LabelList, SymbolTable};

/// What the plan above a selector will do with its samples, so that a store
/// may shard, downsample or push down. A store may ignore all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SelectHints {
    /// The evaluation step, ms; 0 for an instant query.
    pub step_ms: i64,
    /// The range of a range selector, ms; 0 for an instant selector.
    pub range_ms: i64,
    /// The function or aggregator directly above, or empty.
    pub function: String,
    /// The grouping labels of an aggregation directly above.
    pub grouping: Vec<String>,
    /// Whether `grouping` is `by` (else `without`).
    pub by: bool,
    /// How coarse downsampled data may be, ms; 0 for raw data alone. Less than
    /// [`QueryOptions::max_resolution_ms`](crate::QueryOptions::max_resolution_ms)
    /// where a window needs two samples for a result: at most half of it.
    pub max_resolution_ms: i64,
    /// What is read of downsampled data, sorted. A store gives these of each
    /// window, and may leave out the others.
    pub aggregates: Vec<Aggregate>,
}

/// One select of a query.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SelectRequest<'a> {
    /// All must match.
    pub matchers: &'a [Matcher],
    /// Samples outside are not needed. A store may give more, and one that gives
    /// rows of several replicas has to: those within
    /// [`REPLICA_REACH_MS`](super::REPLICA_REACH_MS) on both sides.
    pub range: TimeRange,
    /// See [`SelectHints`].
    pub hints: &'a SelectHints,
    /// The names of the labels that the query looks at beside `__name__`,
    /// `__type__` and `__unit__`, sorted; `None` for all. A store may leave out
    /// others, of all rows alike, if it says so: see [`Selected::projected`].
    pub projection: Option<&'a [String]>,
    /// Where label strings go.
    pub symbols: &'a SymbolTable,
    /// Whether the query still wants the answer.
    pub control: &'a dyn SelectControl,
}

impl<'a> SelectRequest<'a> {
    /// A request that nobody ends.
    pub fn new(
        matchers: &'a [Matcher],
        range: TimeRange,
        hints: &'a SelectHints,
        symbols: &'a SymbolTable,
    ) -> Self {
        SelectRequest {
            matchers,
            range,
            hints,
            symbols,
            projection: None,
            control: &Unlimited,
        }
    }

    /// The same request, which `control` may end.
    #[must_use]
    pub fn with_control(self, control: &'a dyn SelectControl) -> Self {
        SelectRequest { control, ..self }
    }

    /// The same request by a query that looks at some labels alone.
    #[must_use]
    pub fn with_projection(self, projection: Option<&'a [String]>) -> Self {
        SelectRequest { projection, ..self }
    }

    /// Whether the query looks at the label `name`.
    pub fn needs(&self, name: &str) -> bool {
        self.projection
            .is_none_or(|names| is_projected(names, name))
    }
}

/// Whether a query looks at the label `name` that looks at these beside
/// `__name__`, `__type__` and `__unit__`; see [`SelectRequest::projection`].
pub fn is_projected(projection: &[String], name: &str) -> bool {
    let metadata = ["__name__", "__type__", "__unit__"];
    metadata.contains(&name) || projection.iter().any(|n| n == name)
}

/// A question for label names or values.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LabelsRequest<'a> {
    /// Asked are the series that match any of these; all series if there is
    /// none.
    pub selectors: &'a [Vec<Matcher>],
    /// Asked are series that have samples here. A store may count more.
    pub range: TimeRange,
    /// Whether somebody still wants the answer.
    pub control: &'a dyn SelectControl,
}

impl<'a> LabelsRequest<'a> {
    /// A request that nobody ends.
    pub fn new(selectors: &'a [Vec<Matcher>], range: TimeRange) -> Self {
        LabelsRequest {
            selectors,
            range,
            control: &Unlimited,
        }
    }

    /// The same request, which `control` may end.
    #[must_use]
    pub fn with_control(self, control: &'a dyn SelectControl) -> Self {
        LabelsRequest { control, ..self }
    }
}

/// The answer to a select: all labels, and a handle on the samples.
#[non_exhaustive]
pub struct Selected {
    /// One row a series, sorted as [`Symbols::compare`](crate::labels::Symbols::compare)
    /// orders, no two rows equal. An answer that is not so ends the query.
    pub labels: LabelList,
    /// Whether labels that the query does not look at are left out
    /// ([`SelectRequest::projection`]). Rows are then in the order of their whole
    /// label sets, which differ, though what is left of them may be equal.
    pub projected: bool,
    /// The samples, by the row's number in `labels`.
    pub series: Arc<dyn SeriesSource>,
    /// How the replicas of a row become one series, where chunks are of several
    /// ([`Chunk::replica`]).
    pub deduplication: Deduplication,
    /// Things the user should know although there is an answer.
    pub warnings: Vec<String>,
}

impl Selected {
    /// An answer without warnings.
    pub fn new(labels: LabelList, series: Arc<dyn SeriesSource>) -> Self {
        Selected {
            labels,
            projected: false,
            series,
            deduplication: Deduplication::default(),
            warnings: Vec::new(),
        }
    }

    /// The same answer, of which labels are left out: see
    /// [`Selected::projected`].
    #[must_use]
    pub fn with_projected_labels(self) -> Self {
        Selected {
            projected: true,
            ..self
        }
    }

    /// The same answer, whose replicas become one so.
    #[must_use]
    pub fn with_deduplication(self, deduplication: Deduplication) -> Self {
        Selected {
            deduplication,
            ..self
        }
    }

    /// The same answer with more warnings.
    #[must_use]
    pub fn with_warnings(mut self, warnings: impl IntoIterator<Item = String>) -> Self {
        self.warnings.extend(warnings);
        self
    }
}

impl fmt::Debug for Selected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selected")
            .field("series", &self.labels.len())
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// The samples of selected series.
pub trait SeriesSource: Send + Sync {
    /// Appends the chunks of series `row` in order of their first sample; those of
    /// several replicas replica by replica.
    ///
    /// Chunks of a replica may overlap in time: the scan merges them, and at equal
    /// timestamps the sample of the chunk that was given last is dropped. How
    /// replicas become one, [`Selected::deduplication`] says.
    /// Called from many threads at once. Must not block for long: data that
    /// has to be fetched first is brought by [`SeriesSource::prefetch`].
    ///
    /// # Errors
    /// Whatever the store says; it ends the query.
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError>;

    /// Fetches the chunks of some rows. `None`, the default, says that
    /// nothing has to be fetched. The future is run on the caller's runtime.
    fn prefetch(&self, rows: Range<u32>) -> Option<BoxFuture<'static, Result<(), StorageError>>> {
        let _ = rows;
        None
    }

    /// What the user should know of the rows that were fetched since it was asked last,
    /// such as samples that are missing. Asked after each fetch; empty by default.
    fn take_warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Tells that rows that were fetched by [`SeriesSource::prefetch`] are read, so that
    /// what was fetched of them need not stand by. They may be fetched again. Called at
    /// most once for each fetch, with its rows; the default does nothing.
    fn release(&self, rows: Range<u32>) {
        let _ = rows;
    }

    /// Bytes of samples that this source holds for the query, such as those that a
    /// server has sent. They count against the query's memory from the select's
    /// answer to the query's end. What a store has anyway is not among them.
    fn held_bytes(&self) -> usize {
        0
    }

    /// Who has given the samples of series `row`, such as the addresses of servers.
    /// Errors say it of samples that cannot be read.
    fn origin(&self, row: u32) -> Option<String> {
        let _ = row;
        None
    }

    /// A guess of the samples in all series, for choosing how to run a plan. A
    /// native histogram costs as much as some floats.
    fn estimated_samples(&self) -> Option<u64> {
        None
    }
}
