//! The series of an answer, read series by series.

use std::iter::FusedIterator;
use std::ops::Range;
use std::sync::Arc;

use quarrel_functions::grid::Grid;

use super::sample::{Point, Points, SampleValue};
use crate::batch::{Row, SeriesBatch};
use crate::exec::memory::Held;
use crate::labels::{Label, LabelList, Symbol, SymbolTable, find_label};
use crate::operators::raw::RawSeries;

/// The series of an answer, kept in columns. Cheap to clone.
///
/// # Examples
/// ```
/// use quarrel_engine::SeriesSet;
///
/// fn print(set: &SeriesSet) {
///     for series in set {
///         println!("{}", series.metric());
///         for point in series.points() {
///             println!("  {} ms: {:?}", point.timestamp, point.value.as_float());
///         }
///     }
/// }
/// # let _ = print;
/// ```
#[derive(Debug, Clone)]
pub struct SeriesSet {
    pub(crate) symbols: Arc<SymbolTable>,
    pub(crate) labels: Arc<LabelList>,
    pub(crate) samples: Arc<Samples>,
    /// Where each series of the answer is: batch and row, or raw series and 0.
    pub(crate) order: Arc<[(u32, u32)]>,
    pub(crate) from: usize,
    pub(crate) len: usize,
    /// What its samples and its labels hold of the memory pool.
    pub(crate) _held: [Arc<Held>; 2],
}

#[derive(Debug)]
pub(crate) enum Samples {
    /// Rows of batches over a grid.
    Grid {
        grid: Grid,
        batches: Vec<SeriesBatch>,
    },
    /// Samples as they were stored.
    Raw(Vec<RawSeries>),
}

/// One series of an answer, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct SeriesRef<'a> {
    set: &'a SeriesSet,
    index: usize,
}

/// One series of an answer, with everything spelled out.
#[derive(Debug, Clone, PartialEq)]
pub struct Series<'a> {
    /// Name and value, sorted by name.
    pub labels: Vec<(String, String)>,
    /// In order of time.
    pub points: Vec<Point<'a>>,
}

/// Where the samples of a series are.
pub(super) enum Stored<'a> {
    Row(Grid, Row<'a>),
    Raw(&'a RawSeries),
}

impl SeriesSet {
    /// How many series there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// `len` of the series, from `from` on, without a copy.
    ///
    /// # Panics
    /// When the set has fewer than `from + len` series.
    pub fn slice(&self, from: usize, len: usize) -> SeriesSet {
        assert!(
            from.checked_add(len).is_some_and(|end| end <= self.len),
            "series {from}+{len} of {}",
            self.len
        );
        SeriesSet {
            from: self.from + from,
            len,
            ..self.clone()
        }
    }

    /// Series `index` in the answer's order.
    pub fn get(&self, index: usize) -> Option<SeriesRef<'_>> {
        (index < self.len).then_some(SeriesRef { set: self, index })
    }

    /// The first series.
    pub fn first(&self) -> Option<SeriesRef<'_>> {
        self.get(0)
    }

    /// All series in the answer's order.
    pub fn iter(&self) -> SeriesIter<'_> {
        SeriesIter {
            set: self,
            indices: 0..self.len,
        }
    }

    /// The strings behind the labels' symbols.
    pub fn symbols(&self) -> &Arc<SymbolTable> {
        &self.symbols
    }

    /// The labels that [`SeriesRef::row`] counts in: those of a selector, where
    /// the query left them as they are.
    pub fn labels(&self) -> &LabelList {
        &self.labels
    }

    /// Whether any sample is a native histogram.
    pub fn has_histograms(&self) -> bool {
        self.iter().any(|series| series.has_histograms())
    }

    /// The evaluation times, in ms, of which each sample has one; `None` where
    /// samples are as they were stored, each with a time of its own.
    pub fn times(&self) -> Option<impl ExactSizeIterator<Item = i64> + use<>> {
        match &*self.samples {
            Samples::Grid { grid, .. } => {
                let grid = *grid;
                Some((0..grid.len).map(move |step| grid.at(step)))
            }
            Samples::Raw(_) => None,
        }
    }

    /// All series spelled out.
    pub fn to_series(&self) -> Vec<Series<'_>> {
        let symbols = self.symbols.read();
        let text = |symbol: Symbol| symbols.get(symbol).to_string();
        self.iter()
            .map(|series| {
                let labels = series.labels().iter();
                Series {
                    labels: labels.map(|l| (text(l.name), text(l.value))).collect(),
                    points: series.points().collect(),
                }
            })
            .collect()
    }
}

impl<'a> IntoIterator for &'a SeriesSet {
    type Item = SeriesRef<'a>;
    type IntoIter = SeriesIter<'a>;

    fn into_iter(self) -> SeriesIter<'a> {
        self.iter()
    }
}

/// The series of a [`SeriesSet`] in its order.
#[derive(Debug, Clone)]
pub struct SeriesIter<'a> {
    set: &'a SeriesSet,
    indices: Range<usize>,
}

impl<'a> SeriesIter<'a> {
    fn at(&self, index: usize) -> SeriesRef<'a> {
        let set = self.set;
        SeriesRef { set, index }
    }
}

impl<'a> Iterator for SeriesIter<'a> {
    type Item = SeriesRef<'a>;

    fn next(&mut self) -> Option<SeriesRef<'a>> {
        let index = self.indices.next()?;
        Some(self.at(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.indices.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<SeriesRef<'a>> {
        let index = self.indices.nth(n)?;
        Some(self.at(index))
    }
}

impl DoubleEndedIterator for SeriesIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let index = self.indices.next_back()?;
        Some(self.at(index))
    }
}

impl ExactSizeIterator for SeriesIter<'_> {}
impl FusedIterator for SeriesIter<'_> {}

impl<'a> SeriesRef<'a> {
    pub(super) fn stored(&self) -> Stored<'a> {
        let (outer, inner) = self.set.order[self.set.from + self.index];
        match &*self.set.samples {
            Samples::Grid { grid, batches } => {
                Stored::Row(*grid, batches[outer as usize].row(inner as usize))
            }
            Samples::Raw(series) => Stored::Raw(&series[outer as usize]),
        }
    }

    /// The place of its labels in [`SeriesSet::labels`].
    pub fn row(&self) -> u32 {
        match self.stored() {
            Stored::Row(_, row) => row.series,
            Stored::Raw(series) => series.row,
        }
    }

    /// Its labels as symbols of [`SeriesSet::symbols`], sorted by name.
    pub fn labels(&self) -> &'a [Label] {
        self.set.labels.get(self.row() as usize)
    }

    /// The value of the label `name`, if the series has it. For many look-ups,
    /// [`SeriesRef::labels`] and [`SymbolTable::read`] take one lock.
    pub fn label(&self, name: &str) -> Option<String> {
        let symbols = self.set.symbols.read();
        let value = find_label(self.labels(), symbols.find(name)?)?;
        Some(symbols.get(value).to_string())
    }

    /// Its labels as Prometheus prints them, such as `up{job="api"}`.
    pub fn metric(&self) -> String {
        self.set.symbols.read().display(self.labels())
    }

    /// Its samples in order of time.
    pub fn points(&self) -> Points<'a> {
        match self.stored() {
            Stored::Row(grid, row) => Points::of_row(grid, row),
            Stored::Raw(series) => Points::of_raw(series),
        }
    }

    /// How many of its samples are floats.
    pub fn float_count(&self) -> usize {
        match self.stored() {
            Stored::Row(_, row) => row.count(),
            Stored::Raw(series) => series.timestamps.len(),
        }
    }

    /// Calls a function with time and value of each float, in order of time; for
    /// many samples it is faster than [`SeriesRef::points`].
    pub fn for_each_float(&self, mut call: impl FnMut(i64, f64)) {
        match self.stored() {
            Stored::Row(grid, row) => {
                let first = row.first_step as usize;
                if row.is_full() {
                    let mut timestamp = grid.at(first);
                    for &value in row.values {
                        call(timestamp, value);
                        timestamp = timestamp.saturating_add(grid.step_ms);
                    }
                } else {
                    let floats = row.floats();
                    floats.for_each(|i| call(grid.at(first + i), row.values[i]));
                }
            }
            Stored::Raw(series) => {
                let samples = series.timestamps.iter().zip(&series.values);
                samples.for_each(|(&timestamp, &value)| call(timestamp, value));
            }
        }
    }

    /// The value of its first sample: in a vector, of its only one.
    pub fn value(&self) -> Option<SampleValue<'a>> {
        self.points().next().map(|point| point.value)
    }

    /// Whether any of its samples is a native histogram.
    pub fn has_histograms(&self) -> bool {
        match self.stored() {
            Stored::Row(_, row) => row.has_histograms(),
            Stored::Raw(series) => !series.histogram_timestamps.is_empty(),
        }
    }
}
