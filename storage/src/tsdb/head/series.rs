//! One series of the head: its labels and all its samples.
//!
//! A series is a handful of shared pointers. A view clones them; the reader
//! copies what a view holds before it changes it, except for the columns of
//! the newest samples, which only grow.

use std::sync::Arc;

use bytes::Bytes;
use quarrel_chunks::{Encoding, FloatEncoder, Xor2Encoder, XorEncoder};

use super::chunk_file::{self, DiskChunk};
use super::column::{OpenFloats, TARGET, end_of_range};
use super::histogram::WalHistogram;
use super::symbols::HeadSymbol;

/// Samples of an out-of-order chunk before Prometheus begins a new one, by
/// default. It decides which of two samples at one time is kept.
const OUT_OF_ORDER_CAPACITY: usize = 32;

/// A histogram at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSample {
    /// Start timestamp, ms; 0 where none is known.
    pub start: i64,
    /// Timestamp, ms.
    pub timestamp: i64,
    /// The histogram.
    pub histogram: Arc<WalHistogram>,
}

/// The samples of a [`HeadChunk`], in order of time.
#[derive(Clone, Debug, PartialEq)]
pub enum HeadChunkData {
    /// A Prometheus chunk.
    Encoded {
        /// How the bytes are encoded.
        encoding: Encoding,
        /// The bytes.
        bytes: Bytes,
    },
    /// Float columns of equal length.
    Samples {
        /// Milliseconds, ascending.
        timestamps: Vec<i64>,
        /// Values; stale markers as Prometheus's NaN.
        values: Vec<f64>,
    },
    /// Histograms, all integer or all float.
    Histograms(Arc<Vec<HistogramSample>>),
}

impl HeadChunkData {
    /// Whether the samples are histograms.
    pub fn is_histogram(&self) -> bool {
        match self {
            HeadChunkData::Encoded { encoding, .. } => encoding.is_histogram(),
            HeadChunkData::Samples { .. } => false,
            HeadChunkData::Histograms(_) => true,
        }
    }
}

/// Samples of one series in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadChunk {
    /// Time of the first sample, ms.
    pub min_time: i64,
    /// Time of the last sample, ms.
    pub max_time: i64,
    /// The samples.
    pub data: HeadChunkData,
    /// Whether they came out of order, so that the chunk may overlap others.
    pub out_of_order: bool,
}

/// A chunk that no sample is added to any more.
#[derive(Clone, Debug)]
enum Stored {
    Disk(DiskChunk),
    /// Floats that are yet to be encoded.
    Plain(OpenFloats),
    Floats {
        min_time: i64,
        max_time: i64,
        encoding: Encoding,
        bytes: Bytes,
    },
    Histograms(Arc<Vec<HistogramSample>>),
}

impl Stored {
    fn range(&self) -> (i64, i64) {
        match self {
            Stored::Disk(c) => (c.min_time, c.max_time),
            Stored::Plain(open) => open.range(),
            Stored::Floats {
                min_time, max_time, ..
            } => (*min_time, *max_time),
            Stored::Histograms(samples) => ends(samples),
        }
    }

    fn kind(&self) -> Kind {
        let encoding = match self {
            Stored::Disk(c) => c.encoding,
            Stored::Floats { encoding, .. } => *encoding,
            Stored::Plain(_) => return Kind::Float,
            Stored::Histograms(samples) => return kind_of(samples),
        };
        match encoding {
            Encoding::Xor | Encoding::Xor2 => Kind::Float,
            Encoding::Histogram | Encoding::HistogramSt => Kind::Histogram,
            Encoding::FloatHistogram | Encoding::FloatHistogramSt => Kind::FloatHistogram,
        }
    }

    fn compress(&mut self) {
        if let Stored::Plain(open) = self {
            let (min_time, max_time) = open.range();
            let (encoding, bytes) = encode(open);
            *self = Stored::Floats {
                min_time,
                max_time,
                encoding,
                bytes,
            };
        }
    }

    fn view(&self, out_of_order: bool) -> HeadChunk {
        let (min_time, max_time) = self.range();
        let data = match self {
            Stored::Disk(DiskChunk {
                encoding, bytes, ..
            })
            | Stored::Floats {
                encoding, bytes, ..
            } => HeadChunkData::Encoded {
                encoding: *encoding,
                bytes: bytes.clone(),
            },
            Stored::Plain(open) => return view_floats(open),
            Stored::Histograms(samples) => HeadChunkData::Histograms(samples.clone()),
        };
        HeadChunk {
            min_time,
            max_time,
            data,
            out_of_order,
        }
    }
}

fn ends(samples: &[HistogramSample]) -> (i64, i64) {
    match (samples.first(), samples.last()) {
        (Some(first), Some(last)) => (first.timestamp, last.timestamp),
        _ => (i64::MAX, i64::MIN),
    }
}

/// The type of a sample's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Float,
    Histogram,
    FloatHistogram,
}

impl Kind {
    pub fn of(histogram: &WalHistogram) -> Kind {
        if histogram.is_float() {
            Kind::FloatHistogram
        } else {
            Kind::Histogram
        }
    }
}

fn kind_of(samples: &[HistogramSample]) -> Kind {
    samples
        .first()
        .map_or(Kind::Float, |s| Kind::of(&s.histogram))
}

/// The newest samples in order.
#[derive(Clone, Debug)]
enum Open {
    None,
    Floats(OpenFloats),
    Histograms(Arc<Vec<HistogramSample>>),
}

/// The value of an out-of-order sample.
#[derive(Clone, Debug)]
pub(super) enum OutOfOrderValue {
    Float(f64),
    Histogram(Arc<WalHistogram>),
}

impl OutOfOrderValue {
    fn kind(&self) -> Kind {
        match self {
            OutOfOrderValue::Float(_) => Kind::Float,
            OutOfOrderValue::Histogram(h) => Kind::of(h),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct OutOfOrderSample {
    pub start: i64,
    pub timestamp: i64,
    pub value: OutOfOrderValue,
}

/// Samples that came out of order.
#[derive(Clone, Debug, Default)]
struct OutOfOrder {
    disk: Vec<DiskChunk>,
    full: Vec<Arc<Vec<OutOfOrderSample>>>,
    open: Vec<OutOfOrderSample>,
}

impl OutOfOrder {
    fn is_empty(&self) -> bool {
        self.disk.is_empty() && self.full.is_empty() && self.open.is_empty()
    }
}

/// A label: name and value.
pub(super) type Label = (HeadSymbol, HeadSymbol);

/// A series. Cloning makes a view.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// No sample at or before this is taken in order, ms.
    last_time: i64,
    open: Open,
    stored: Arc<Vec<Stored>>,
    out_of_order: Option<Arc<OutOfOrder>>,
    pub labels: Arc<[Label]>,
    /// Closed ranges of deleted samples, sorted and apart.
    tombstones: Option<Arc<Vec<(i64, i64)>>>,
    /// The type of the last sample taken in order.
    last_kind: Kind,
    /// A float at this time or later begins a new chunk, ms.
    next_chunk_at: i64,
    /// Deleted for good; nothing is added any more.
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

    /// What a series record does: the chunks on disk under its reference
    /// become the series', and samples that the log had before are forgotten,
    /// since Prometheus writes a second record for the same labels only after
    /// it has put the series' samples into a block.
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
            let ooo = Arc::make_mut(self.out_of_order.get_or_insert_default());
            ooo.disk = chunk_file::merge(std::mem::take(&mut ooo.disk), out_of_order, true);
        }
    }

    pub fn delete(&mut self) {
        *self = Series {
            deleted: true,
            ..Series::new(self.labels.clone())
        };
    }

    /// The type of the newest sample in order, which decides what a float
    /// stale marker becomes.
    fn newest_kind(&self) -> Kind {
        match (&self.open, self.stored.last()) {
            (Open::Floats(_), _) => Kind::Float,
            (Open::Histograms(samples), _) => kind_of(samples),
            (Open::None, Some(stored)) => stored.kind(),
            (Open::None, None) => self.last_kind,
        }
    }

    /// Adds a float if it is in order. A chunk that it completes is encoded
    /// at once if `encode` says so.
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

    /// Puts the newest samples among the stored chunks.
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

    /// Encodes plain floats among the stored chunks.
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

    /// Adds an out-of-order sample; one at a time that the open chunk has
    /// already is dropped.
    pub fn insert(&mut self, sample: OutOfOrderSample) {
        let ooo = Arc::make_mut(self.out_of_order.get_or_insert_default());
        if ooo.open.len() == OUT_OF_ORDER_CAPACITY {
            ooo.full.push(Arc::new(std::mem::take(&mut ooo.open)));
        }
        let at = ooo.open.partition_point(|s| s.timestamp < sample.timestamp);
        if ooo
            .open
            .get(at)
            .is_none_or(|s| s.timestamp != sample.timestamp)
        {
            ooo.open.insert(at, sample);
        }
    }

    /// The open out-of-order samples stand in a chunk on disk.
    pub fn out_of_order_mapped(&mut self) {
        if let Some(ooo) = &mut self.out_of_order
            && !ooo.open.is_empty()
        {
            Arc::make_mut(ooo).open.clear();
        }
    }

    pub fn add_tombstone(&mut self, from: i64, to: i64) {
        let list = Arc::make_mut(self.tombstones.get_or_insert_default());
        // Ranges that touch become one.
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

    /// Drops in-order chunks that end before `min_valid_time` (ms); whether
    /// there were any.
    pub fn truncate(&mut self, min_valid_time: i64) -> bool {
        let before = self.stored.len();
        if self.stored.iter().any(|s| s.range().1 < min_valid_time) {
            Arc::make_mut(&mut self.stored).retain(|s| s.range().1 >= min_valid_time);
        }
        let mut changed = self.stored.len() != before;
        if self.last_time < min_valid_time && !matches!(self.open, Open::None) {
            // What is forgotten still decides the type of a stale marker.
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

    /// The times of the first and the last sample, in order and out of order.
    pub fn time_range(&self) -> Option<(i64, i64)> {
        let mut range = (i64::MAX, i64::MIN);
        let mut widen = |(from, to): (i64, i64)| {
            range = (range.0.min(from), range.1.max(to));
        };
        self.stored.iter().map(Stored::range).for_each(&mut widen);
        match &self.open {
            Open::None => {}
            Open::Floats(open) => widen(open.range()),
            Open::Histograms(samples) => widen(ends(samples)),
        }
        if let Some(ooo) = &self.out_of_order {
            ooo.disk
                .iter()
                .for_each(|c| widen((c.min_time, c.max_time)));
            for run in ooo
                .full
                .iter()
                .map(|r| r.as_slice())
                .chain([ooo.open.as_slice()])
            {
                if let (Some(first), Some(last)) = (run.first(), run.last()) {
                    widen((first.timestamp, last.timestamp));
                }
            }
        }
        (range.0 <= range.1).then_some(range)
    }

    /// The chunks that have a share in the closed range of time (ms), by
    /// their first sample; of two that begin at one time the one in order is
    /// first, and of two out of order the older one.
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
            let disk = ooo.disk.iter().filter(|c| wanted((c.min_time, c.max_time)));
            out.extend(disk.map(|c| Stored::Disk(c.clone()).view(true)));
            let mut runs = Vec::new();
            ooo.full
                .iter()
                .for_each(|run| split_by_kind(run, &mut runs));
            split_by_kind(&ooo.open, &mut runs);
            out.extend(
                runs.into_iter()
                    .filter(|c| wanted((c.min_time, c.max_time))),
            );
            out[first..].sort_by_key(|c| c.min_time);
        }
    }
}

/// Prometheus's stale marker.
const STALE: u64 = 0x7ff0_0000_0000_0002;

fn view_floats(open: &OpenFloats) -> HeadChunk {
    let (min_time, max_time) = open.range();
    let data = if open.has_start() {
        let (encoding, bytes) = encode(open);
        HeadChunkData::Encoded { encoding, bytes }
    } else {
        HeadChunkData::Samples {
            timestamps: open.timestamps(),
            values: open.values(),
        }
    };
    HeadChunk {
        min_time,
        max_time,
        data,
        out_of_order: false,
    }
}

fn encode(open: &OpenFloats) -> (Encoding, Bytes) {
    if open.has_start() {
        return encode_with_start(open.iter());
    }
    let mut encoder = XorEncoder::new();
    for (_, timestamp, value) in open.iter() {
        encoder.append(timestamp, value);
    }
    (encoder.encoding(), Bytes::copy_from_slice(encoder.bytes()))
}

fn encode_with_start(samples: impl Iterator<Item = (i64, i64, f64)>) -> (Encoding, Bytes) {
    let mut encoder = Xor2Encoder::new();
    for (start, timestamp, value) in samples {
        encoder.append_with_start(start, timestamp, value);
    }
    (encoder.encoding(), Bytes::copy_from_slice(encoder.bytes()))
}

/// One chunk for each run of samples of one type.
fn split_by_kind(samples: &[OutOfOrderSample], out: &mut Vec<HeadChunk>) {
    for run in samples.chunk_by(|a, b| a.value.kind() == b.value.kind()) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        let floats = || {
            run.iter().filter_map(|s| match s.value {
                OutOfOrderValue::Float(v) => Some((s.start, s.timestamp, v)),
                OutOfOrderValue::Histogram(_) => None,
            })
        };
        let histograms = run.iter().filter_map(|s| match &s.value {
            OutOfOrderValue::Float(_) => None,
            OutOfOrderValue::Histogram(histogram) => Some(HistogramSample {
                start: s.start,
                timestamp: s.timestamp,
                histogram: histogram.clone(),
            }),
        });
        let data = match first.value.kind() {
            Kind::Float if run.iter().any(|s| s.start != 0) => {
                let (encoding, bytes) = encode_with_start(floats());
                HeadChunkData::Encoded { encoding, bytes }
            }
            Kind::Float => {
                let (timestamps, values) = floats().map(|(_, t, v)| (t, v)).unzip();
                HeadChunkData::Samples { timestamps, values }
            }
            _ => HeadChunkData::Histograms(Arc::new(histograms.collect())),
        };
        out.push(HeadChunk {
            min_time: first.timestamp,
            max_time: last.timestamp,
            data,
            out_of_order: true,
        });
    }
}
