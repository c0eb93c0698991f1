//! A series of the head: its labels and samples.
//!
//! A series is a few shared pointers. A view clones them. The reader copies what
//! a view holds before it changes it, except for the open chunk, which only
//! grows.

use std::sync::Arc;

use super::chunk::{HeadChunk, HistogramSample, Kind, Stored, ends, kind_of, view_floats};
use super::chunk_file::{self, DiskChunk};
use super::column::{OpenFloats, TARGET, end_of_range};
use super::histogram::WalHistogram;
use super::out_of_order::{OutOfOrder, OutOfOrderSample};
use super::symbols::HeadSymbol;

/// The open in-order chunk.
#[derive(Clone, Debug)]
enum Open {
    None,
    Floats(OpenFloats),
    Histograms(Arc<Vec<HistogramSample>>),
}

/// A label: name and value.
pub(super) type Label = (HeadSymbol, HeadSymbol);

/// A series. Cloning makes a view.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// In-order samples are later than this time, ms.
    last_time: i64,
    open: Open,
    stored: Arc<Vec<Stored>>,
    out_of_order: Option<Arc<OutOfOrder>>,
    pub labels: Arc<[Label]>,
    /// Closed ranges of deleted samples, sorted and disjoint.
    tombstones: Option<Arc<Vec<(i64, i64)>>>,
    /// The type of the last in-order sample.
    last_kind: Kind,
    /// The time from which on a float begins a new chunk, ms.
    next_chunk_at: i64,
    /// Whether the series is deleted; then no sample is added.
    pub deleted: bool,
}

impl Series {
    pub fn new(labels: Arc<[Label]>) -> Self {
        Series {
            next_chunk_at: i64::MIN,
            last_time: i64::MIN,
            open: Open::None,
            stored: Arc::default(),
            out_of_order: None,
            labels,
            tombstones: None,
            last_kind: Kind::Float,
            deleted: false,
        }
    }

    /// Applies a series record: the series gets the chunks on disk of its
    /// reference and drops earlier samples of the log. Prometheus writes a
    /// second record for the same labels only after it has written the samples
    /// to a block.
    pub fn reset(&mut self, in_order: &[DiskChunk], out_of_order: &[DiskChunk]) {
        let existing = self.stored.iter().filter_map(|s| match s {
            Stored::Disk(chunk) => Some(chunk.clone()),
            _ => None,
        });
        let merged = chunk_file::merge(existing.collect(), in_order, false);
        self.last_time = merged.last().map_or(i64::MIN, |c| c.max_time);
        self.stored = Arc::new(merged.into_iter().map(Stored::Disk).collect());
        self.open = Open::None;
        if !out_of_order.is_empty() {
            Arc::make_mut(self.out_of_order.get_or_insert_default()).merge(out_of_order);
        }
    }

    pub fn delete(&mut self) {
        *self = Series {
            deleted: true,
            ..Series::new(self.labels.clone())
        };
    }

    /// Number of its chunks.
    pub fn chunk_count(&self) -> usize {
        let open = usize::from(!matches!(self.open, Open::None));
        let out_of_order = self.out_of_order.as_ref();
        self.stored.len() + open + out_of_order.map_or(0, |chunks| chunks.chunk_count())
    }

    /// The type of the newest in-order sample, which is also that of a following
    /// stale marker.
    fn newest_kind(&self) -> Kind {
        match (&self.open, self.stored.last()) {
            (Open::Floats(_), _) => Kind::Float,
            (Open::Histograms(samples), _) => kind_of(samples),
            (Open::None, Some(stored)) => stored.kind(),
            (Open::None, None) => self.last_kind,
        }
    }

    /// Adds a float if it is in order. With `encode` a completed chunk is encoded
    /// at once.
    #[inline]
    pub fn push_float(&mut self, start: i64, timestamp: i64, value: f64, encode: bool) {
        if timestamp <= self.last_time {
            return;
        }
        if value.to_bits() == STALE && self.newest_kind() != Kind::Float {
            let float = self.newest_kind() == Kind::FloatHistogram;
            return self.push_histogram(start, timestamp, WalHistogram::stale(float, value));
        }
        match &mut self.open {
            Open::Floats(open)
                if (start == 0 || open.has_start())
                    && open.has_room(timestamp, self.last_time, &mut self.next_chunk_at) =>
            {
                open.push(start, timestamp, value);
            }
            _ => {
                self.seal();
                if encode {
                    self.compress_last();
                }
                let mut open = OpenFloats::new(start != 0, !self.stored.is_empty());
                open.push(start, timestamp, value);
                self.open = Open::Floats(open);
                self.next_chunk_at = end_of_range(timestamp);
            }
        }
        self.last_time = timestamp;
        self.last_kind = Kind::Float;
    }

    /// Adds a histogram if it is in order.
    pub fn push_histogram(&mut self, start: i64, timestamp: i64, histogram: WalHistogram) {
        if timestamp <= self.last_time {
            return;
        }
        let kind = Kind::of(&histogram);
        let sample = HistogramSample {
            start,
            timestamp,
            histogram: Arc::new(histogram),
        };
        match &mut self.open {
            Open::Histograms(open) if open.len() < TARGET && kind_of(open) == kind => {
                Arc::make_mut(open).push(sample);
            }
            _ => {
                self.seal();
                self.open = Open::Histograms(Arc::new(vec![sample]));
            }
        }
        self.last_time = timestamp;
        self.last_kind = kind;
    }

    /// Adds the open chunk to the stored chunks.
    fn seal(&mut self) {
        let stored = match std::mem::replace(&mut self.open, Open::None) {
            Open::None => return,
            Open::Floats(open) => Stored::Plain(open),
            Open::Histograms(samples) => Stored::Histograms(samples),
        };
        Arc::make_mut(&mut self.stored).push(stored);
    }

    /// Whether the last stored chunk is plain floats.
    pub fn can_compress(&self) -> bool {
        matches!(self.stored.last(), Some(Stored::Plain(_)))
    }

    /// Encodes the stored chunks of plain floats.
    pub fn compress(&mut self) {
        Arc::make_mut(&mut self.stored)
            .iter_mut()
            .for_each(Stored::compress);
    }

    fn compress_last(&mut self) {
        if let Some(last) = Arc::make_mut(&mut self.stored).last_mut() {
            last.compress();
        }
    }

    /// Adds an out-of-order sample.
    pub fn insert(&mut self, sample: OutOfOrderSample) {
        Arc::make_mut(self.out_of_order.get_or_insert_default()).insert(sample);
    }

    /// Drops the open out-of-order samples, which are in a chunk on disk.
    pub fn out_of_order_mapped(&mut self) {
        if let Some(ooo) = self.out_of_order.as_mut().filter(|ooo| ooo.has_open()) {
            Arc::make_mut(ooo).clear_open();
        }
    }

    pub fn add_tombstone(&mut self, from: i64, to: i64) {
        let list = Arc::make_mut(self.tombstones.get_or_insert_default());
        // Adjacent ranges become one.
        let first = list.partition_point(|r| r.1 < from.saturating_sub(1));
        let end = list.partition_point(|r| r.0 <= to.saturating_add(1));
        let joined = match list.get(first..end) {
            Some([a, .., b]) => (a.0.min(from), b.1.max(to)),
            Some([a]) => (a.0.min(from), a.1.max(to)),
            _ => (from, to),
        };
        list.splice(first..end.max(first), [joined]);
    }

    pub fn tombstones(&self) -> &[(i64, i64)] {
        self.tombstones.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Drops in-order chunks that end before `min_valid_time` (ms). Returns
    /// whether there were any.
    pub fn truncate(&mut self, min_valid_time: i64) -> bool {
        let before = self.stored.len();
        if self.stored.iter().any(|s| s.range().1 < min_valid_time) {
            Arc::make_mut(&mut self.stored).retain(|s| s.range().1 >= min_valid_time);
        }
        let mut changed = self.stored.len() != before;
        if self.last_time < min_valid_time && !matches!(self.open, Open::None) {
            // Dropped samples still decide the type of a stale marker.
            self.last_kind = self.newest_kind();
            self.open = Open::None;
            changed = true;
        }
        if self.tombstones().iter().any(|r| r.1 < min_valid_time) {
            let kept: Vec<_> = self
                .tombstones()
                .iter()
                .copied()
                .filter(|r| r.1 >= min_valid_time)
                .collect();
            self.tombstones = (!kept.is_empty()).then(|| Arc::new(kept));
            changed = true;
        }
        changed
    }

    pub fn has_samples(&self) -> bool {
        !matches!(self.open, Open::None)
            || !self.stored.is_empty()
            || self
                .out_of_order
                .as_ref()
                .is_some_and(|ooo| !ooo.is_empty())
    }

    /// The times of the first and the last sample, in-order or out-of-order.
    pub fn time_range(&self) -> Option<(i64, i64)> {
        let [in_order, out_of_order] = self.time_ranges();
        in_order.into_iter().chain(out_of_order).reduce(join)
    }

    /// The times of the first and the last in-order sample, and of the first and
    /// the last out-of-order sample.
    pub fn time_ranges(&self) -> [Option<(i64, i64)>; 2] {
        let open = match &self.open {
            Open::None => None,
            Open::Floats(open) => Some(open.range()),
            Open::Histograms(samples) => Some(ends(samples)),
        };
        let in_order = self
            .stored
            .iter()
            .map(Stored::range)
            .chain(open)
            .reduce(join);
        let mut out_of_order = None;
        if let Some(ooo) = &self.out_of_order {
            ooo.ranges(|r| out_of_order = Some(out_of_order.map_or(r, |all| join(all, r))));
        }
        [in_order, out_of_order]
    }

    /// An estimate of the samples in the closed range of time (ms); `None` if no
    /// chunk overlaps it.
    pub fn samples_in(&self, from: i64, to: i64) -> Option<usize> {
        let wanted = |r: &(i64, i64)| r.0 <= to && from <= r.1;
        let mut chunks = self.stored.iter().filter(|s| wanted(&s.range())).count();
        if let Some(ooo) = &self.out_of_order {
            ooo.ranges(|r| chunks += usize::from(wanted(&r)));
        }
        let open = match &self.open {
            Open::Floats(open) if wanted(&open.range()) => open.len(),
            Open::Histograms(samples) if wanted(&ends(samples)) => samples.len(),
            _ => 0,
        };
        (chunks + open > 0).then_some(chunks * TARGET + open)
    }

    /// The chunks that overlap the closed range of time (ms), sorted by their
    /// first sample. Of two that begin at one time the in-order one is first, of
    /// two out-of-order ones the older one.
    pub fn chunks(&self, from: i64, to: i64, out: &mut Vec<HeadChunk>) {
        let first = out.len();
        let wanted = |r: (i64, i64)| r.0 <= to && from <= r.1;
        let stored = self.stored.iter().filter(|s| wanted(s.range()));
        out.extend(stored.map(|s| s.view(false)));
        match &self.open {
            Open::Floats(open) if wanted(open.range()) => out.push(view_floats(open)),
            Open::Histograms(samples) if wanted(ends(samples)) => {
                out.push(Stored::Histograms(samples.clone()).view(false));
            }
            _ => {}
        }
        if let Some(ooo) = &self.out_of_order {
            let mut all = Vec::new();
            ooo.chunks(&mut all);
            out.extend(all.into_iter().filter(|c| wanted((c.min_time, c.max_time))));
            out[first..].sort_by_key(|c| c.min_time);
        }
    }
}

/// The smallest range that covers both.
pub(super) fn join(a: (i64, i64), b: (i64, i64)) -> (i64, i64) {
    (a.0.min(b.0), a.1.max(b.1))
}

/// Prometheus's stale marker.
const STALE: u64 = 0x7ff0_0000_0000_0002;
