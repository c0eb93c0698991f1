//! The head at one moment.

use std::sync::{Arc, OnceLock};

use quarrel_engine::storage::{SelectControl, StorageError};
use quarrel_matchers::Matcher;
use rustc_hash::FxHashSet;

use super::chunk::HeadChunk;
use super::error::HeadWarning;
use super::exemplars::Ring;
use super::index::{SharedIndex, ViewIndex};
use super::metadata::BySeries;
use super::series::{Label, Series, join};
use super::state::PAGE;
use super::symbols::{HeadSymbol, Symbols};

/// Options of reading a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadOptions {
    /// In-order samples before this time (ms) are left out, since persistent
    /// blocks have them: the greatest max time of all blocks except those of
    /// out-of-order samples, or `i64::MIN`.
    pub min_valid_time_ms: i64,
}

impl Default for HeadOptions {
    fn default() -> Self {
        HeadOptions {
            min_valid_time_ms: i64::MIN,
        }
    }
}

/// An immutable view of a head. Queries hold it while the reader refreshes.
#[derive(Debug)]
pub struct Head {
    pub(super) symbols: Symbols,
    pub(super) pages: Vec<Arc<Vec<Series>>>,
    pub(super) length: u32,
    pub(super) min_valid_time: i64,
    pub(super) warnings: Vec<HeadWarning>,
    /// The first and the last segment of the write-ahead log that were read.
    pub(super) segments: (u64, u64),
    pub(super) exemplars: Arc<Ring>,
    pub(super) metadata: Arc<BySeries>,
    pub(super) shared_index: Arc<SharedIndex>,
    pub(super) index: OnceLock<ViewIndex>,
    pub(super) time_ranges: OnceLock<[Option<(i64, i64)>; 2]>,
}

/// The number of a series in one [`Head`].
pub type SeriesId = u32;

impl Head {
    /// Series that satisfy all matchers, in label order; all series without a
    /// matcher. Series without samples are left out.
    ///
    /// # Errors
    /// The end of the query.
    pub fn select(
        &self,
        matchers: &[Matcher],
        control: &dyn SelectControl,
    ) -> Result<Vec<SeriesId>, StorageError> {
        let series = |id| self.get(id);
        self.index()
            .select(&self.symbols, matchers, series, control)
    }

    /// How many series there are, those without samples included.
    pub fn series_count(&self) -> u32 {
        self.length
    }

    /// A series.
    ///
    /// # Panics
    /// When `id` is of another head.
    pub fn series(&self, id: SeriesId) -> HeadSeries<'_> {
        HeadSeries {
            symbols: &self.symbols,
            series: self.get(id),
        }
    }

    /// The names of all labels of series that satisfy the matchers, sorted.
    ///
    /// # Errors
    /// The end of the query.
    pub fn label_names(
        &self,
        matchers: &[Matcher],
        control: &dyn SelectControl,
    ) -> Result<Vec<String>, StorageError> {
        let names = if matchers.is_empty() {
            self.index().names(|id| self.get(id))
        } else {
            let ids = self.select(matchers, control)?;
            ids.iter()
                .flat_map(|id| self.get(*id).labels.iter().map(|l| l.0))
                .collect()
        };
        Ok(self.texts(names))
    }

    /// The values of a label in series that satisfy the matchers, sorted.
    ///
    /// # Errors
    /// The end of the query.
    pub fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        control: &dyn SelectControl,
    ) -> Result<Vec<String>, StorageError> {
        let values = if matchers.is_empty() {
            self.index().values(&self.symbols, name, |id| self.get(id))
        } else {
            let is_it = |l: &&Label| self.symbols.get(l.0) == name;
            let value = |id: &u32| Some(self.get(*id).labels.iter().find(is_it)?.1);
            let ids = self.select(matchers, control)?;
            ids.iter().filter_map(value).collect()
        };
        Ok(self.texts(values))
    }

    fn texts(&self, symbols: FxHashSet<HeadSymbol>) -> Vec<String> {
        let mut texts: Vec<_> = symbols
            .iter()
            .map(|s| self.symbols.get(*s).to_owned())
            .collect();
        texts.sort_unstable();
        texts
    }

    /// The numbers of the first and the last segment of the write-ahead log behind
    /// its checkpoint, 0 if there is none.
    pub fn wal_segments(&self) -> (u64, u64) {
        self.segments
    }

    /// The strings of all labels.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The time before which in-order samples are left out, ms: that of the
    /// options, or that of the checkpoint if it is later. As in Prometheus, a
    /// chunk that begins before and ends after it is complete; its first samples
    /// are in a block, too.
    pub fn min_valid_time(&self) -> i64 {
        self.min_valid_time
    }

    /// The times of the first and the last sample, ms.
    pub fn time_range(&self) -> Option<(i64, i64)> {
        let [in_order, out_of_order] = self.time_ranges();
        in_order.into_iter().chain(out_of_order).reduce(join)
    }

    /// The times of the first and the last in-order sample, ms, from
    /// [`Head::min_valid_time`] on.
    pub fn in_order_range(&self) -> Option<(i64, i64)> {
        let (from, to) = self.time_ranges()[0]?;
        let from = from.max(self.min_valid_time);
        (from <= to).then_some((from, to))
    }

    /// The times of the first and the last out-of-order sample, ms.
    pub fn out_of_order_range(&self) -> Option<(i64, i64)> {
        self.time_ranges()[1]
    }

    fn time_ranges(&self) -> [Option<(i64, i64)>; 2] {
        *self.time_ranges.get_or_init(|| {
            let series = self.pages.iter().flat_map(|p| p.iter());
            series
                .map(Series::time_ranges)
                .fold([None, None], |all, new| {
                    [0, 1].map(|i| all[i].into_iter().chain(new[i]).reduce(join))
                })
        })
    }

    /// Warnings about data that is left out.
    pub fn warnings(&self) -> &[HeadWarning] {
        &self.warnings
    }

    fn get(&self, id: SeriesId) -> &Series {
        &self.pages[id as usize / PAGE][id as usize % PAGE]
    }

    fn index(&self) -> &ViewIndex {
        self.index.get_or_init(|| {
            ViewIndex::build(&self.shared_index, &self.symbols, self.length, |id| {
                &self.get(id).labels
            })
        })
    }
}

/// A series of a [`Head`].
#[derive(Clone, Copy, Debug)]
pub struct HeadSeries<'a> {
    symbols: &'a Symbols,
    series: &'a Series,
}

impl<'a> HeadSeries<'a> {
    /// Names and values of the labels, sorted by name.
    pub fn labels(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let HeadSeries { symbols, series } = *self;
        series
            .labels
            .iter()
            .map(|(n, v)| (symbols.get(*n), symbols.get(*v)))
    }

    /// The labels as symbols of the head.
    pub fn label_symbols(&self) -> &'a [(HeadSymbol, HeadSymbol)] {
        &self.series.labels
    }

    /// The value of a label, if the series has it.
    pub fn label(&self, name: &str) -> Option<&'a str> {
        self.labels().find(|l| l.0 == name).map(|l| l.1)
    }

    /// Appends the chunks that overlap the closed range of time (ms), sorted by
    /// their first sample. Out-of-order chunks may overlap others; of two chunks
    /// that begin at one time the in-order one comes first.
    /// [`merge_overlapping`](super::merge_overlapping) merges them.
    pub fn chunks(&self, from: i64, to: i64, out: &mut Vec<HeadChunk>) {
        self.series.chunks(from, to, out);
    }

    /// An estimate of the samples in the closed range of time (ms); `None` if no
    /// chunk overlaps it.
    pub fn samples_in(&self, from: i64, to: i64) -> Option<usize> {
        self.series.samples_in(from, to)
    }

    /// Closed ranges of time (ms) whose samples are deleted, sorted and disjoint.
    pub fn tombstones(&self) -> &'a [(i64, i64)] {
        self.series.tombstones()
    }

    /// The times of the first and the last sample, ms.
    pub fn time_range(&self) -> Option<(i64, i64)> {
        self.series.time_range()
    }
}
