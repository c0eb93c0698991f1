//! The samples that a store gives: chunks, encoded or as plain columns.

use std::sync::Arc;

use arrow_buffer::{NullBuffer, ScalarBuffer};
use bytes::Bytes;
use quarrel_chunks::histogram::{BuiltChunk, Count, EncodeError, Histogram, HistogramBuilder};
use quarrel_chunks::{ChunkError, Encoding, aggregate};
use quarrel_functions::table::Aggregate;

use super::time_range::TimeRange;

/// Samples of one series in time order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Chunk {
    /// Time of the first sample, ms.
    pub min_time: i64,
    /// Time of the last sample, ms.
    pub max_time: i64,
    /// The samples.
    pub data: ChunkData,
    /// Closed time ranges whose samples are deleted (tombstones), sorted.
    pub deleted: Option<Arc<[TimeRange]>>,
    /// Which replica the samples are of, where a row has those of several, numbered
    /// in the order of preference; 0 where there is one alone.
    pub replica: u32,
}

/// The bytes or columns of a chunk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ChunkData {
    /// A Prometheus chunk, without length, encoding byte and checksum around it.
    Encoded {
        /// How the bytes are encoded.
        encoding: Encoding,
        /// The bytes, usually a view into a mapped file.
        bytes: Bytes,
    },
    /// Plain float columns of equal length.
    Floats {
        /// Milliseconds, strictly ascending; columns that are not end the query.
        timestamps: ScalarBuffer<i64>,
        /// Values; stale markers as Prometheus's NaN.
        values: ScalarBuffer<f64>,
        /// Start timestamps, ms; 0 where one is not known.
        start_timestamps: Option<ScalarBuffer<i64>>,
    },
    /// Aggregates of downsampled samples, as Thanos's Compactor makes them.
    Aggregates(Arc<Aggregates>),
    /// A float column over timestamps that many series share, with gaps. All
    /// three are of equal length.
    FloatGrid {
        /// Milliseconds, strictly ascending; columns that are not end the
        /// query. Cloning the buffer shares its memory.
        timestamps: ScalarBuffer<i64>,
        /// Values; what stands where `validity` is null does not matter.
        values: ScalarBuffer<f64>,
        /// Where the series has samples.
        validity: NullBuffer,
    },
}

/// Aggregates of the samples in each window of some minutes: an encoded chunk
/// for each kind of aggregate that the store has given. A window's values stand at
/// its last millisecond.
#[derive(Clone, Debug, Default)]
pub struct Aggregates {
    /// How many samples each window had.
    pub count: Option<EncodedChunk>,
    /// Their sum.
    pub sum: Option<EncodedChunk>,
    /// The least of them.
    pub min: Option<EncodedChunk>,
    /// The greatest of them.
    pub max: Option<EncodedChunk>,
    /// The counter, resets within the chunk applied: the first sample, the last one
    /// of each window, and the true last sample once more.
    pub counter: Option<EncodedChunk>,
}

/// The bytes of a Prometheus chunk, without length, encoding byte and checksum
/// around them.
#[derive(Clone, Debug)]
pub struct EncodedChunk {
    /// How the bytes are encoded.
    pub encoding: Encoding,
    /// The bytes.
    pub bytes: Bytes,
}

impl Chunk {
    /// Floats as two columns of equal length: milliseconds, strictly
    /// ascending, and values. Arrow buffers are taken as they are, a `Vec`
    /// without a copy. Columns that break these rules end the query that
    /// reads them.
    ///
    /// # Examples
    /// ```
    /// use quarrel_engine::storage::Chunk;
    ///
    /// let chunk = Chunk::floats(vec![0, 15_000, 30_000], vec![1.0, 2.0, 4.0]);
    /// assert_eq!((chunk.min_time, chunk.max_time), (0, 30_000));
    /// ```
    pub fn floats(
        timestamps: impl Into<ScalarBuffer<i64>>,
        values: impl Into<ScalarBuffer<f64>>,
    ) -> Self {
        let (timestamps, values) = (timestamps.into(), values.into());
        let (first, last) = (timestamps.first(), timestamps.last());
        let times = TimeRange {
            start: first.copied().unwrap_or(0),
            end: last.copied().unwrap_or(0),
        };
        let data = ChunkData::Floats {
            timestamps,
            values,
            start_timestamps: None,
        };
        Chunk::new(data, times)
    }

    /// As [`Chunk::floats`], with a start timestamp for each sample, ms: when its
    /// counter began, 0 where that is not known.
    pub fn floats_with_start(
        start_timestamps: impl Into<ScalarBuffer<i64>>,
        timestamps: impl Into<ScalarBuffer<i64>>,
        values: impl Into<ScalarBuffer<f64>>,
    ) -> Self {
        let mut chunk = Chunk::floats(timestamps, values);
        if let ChunkData::Floats {
            start_timestamps: known,
            ..
        } = &mut chunk.data
        {
            *known = Some(start_timestamps.into());
        }
        chunk
    }

    /// Floats over a grid of timestamps that many series share: `validity`
    /// says at which of them the series has a sample. Rules as in
    /// [`Chunk::floats`].
    ///
    /// # Examples
    /// ```
    /// use arrow_buffer::{NullBuffer, ScalarBuffer};
    /// use quarrel_engine::storage::Chunk;
    ///
    /// let grid: ScalarBuffer<i64> = vec![0, 15_000, 30_000].into();
    /// let validity = NullBuffer::from(vec![false, true, true]);
    /// let chunk = Chunk::float_grid(grid.clone(), vec![0.0, 2.0, 4.0], validity);
    /// assert_eq!((chunk.min_time, chunk.max_time), (15_000, 30_000));
    /// ```
    pub fn float_grid(
        timestamps: impl Into<ScalarBuffer<i64>>,
        values: impl Into<ScalarBuffer<f64>>,
        validity: NullBuffer,
    ) -> Self {
        let (timestamps, values) = (timestamps.into(), values.into());
        let mut runs = validity.valid_slices();
        let first = runs.next();
        let last = runs.last().or(first);
        let time = |at: usize| timestamps.get(at).copied().unwrap_or(0);
        let times = TimeRange {
            start: first.map_or(0, |(start, _)| time(start)),
            end: last.map_or(0, |(_, end)| time(end - 1)),
        };
        let data = ChunkData::FloatGrid {
            timestamps,
            values,
            validity,
        };
        Chunk::new(data, times)
    }

    /// The bytes of a Prometheus chunk whose samples lie in `times`, without
    /// length, encoding byte and checksum around them.
    pub fn encoded(encoding: Encoding, bytes: impl Into<Bytes>, times: TimeRange) -> Self {
        let bytes = bytes.into();
        let data = ChunkData::Encoded { encoding, bytes };
        Chunk::new(data, times)
    }

    /// Native histograms (timestamp in milliseconds, histogram) in order of
    /// time. They take a new chunk wherever Prometheus begins one, so there
    /// may be several.
    ///
    /// # Errors
    /// When a histogram is malformed.
    ///
    /// # Examples
    /// ```
    /// use quarrel_engine::storage::Chunk;
    /// use quarrel_engine::storage::histogram_chunks::{Histogram, HistogramLayout, Span};
    ///
    /// let layout = HistogramLayout {
    ///     schema: 0,
    ///     zero_threshold: 0.001,
    ///     positive_spans: vec![Span { offset: 0, length: 2 }],
    ///     ..HistogramLayout::default()
    /// };
    /// let histogram = |count: u64| Histogram {
    ///     layout: layout.clone(),
    ///     count: 3 * count,
    ///     sum: 4.5,
    ///     buckets: vec![count, 2 * count],
    ///     ..Histogram::default()
    /// };
    /// let (one, two) = (histogram(1), histogram(2));
    /// let chunks = Chunk::histograms([(0, &one), (15_000, &two)])?;
    /// assert_eq!((chunks.len(), chunks[0].max_time), (1, 15_000));
    /// # Ok::<(), quarrel_engine::storage::histogram_chunks::EncodeError>(())
    /// ```
    pub fn histograms<'a, C: Count>(
        samples: impl IntoIterator<Item = (i64, &'a Histogram<C>)>,
    ) -> Result<Vec<Self>, EncodeError> {
        let mut builder = HistogramBuilder::new(false);
        for (timestamp, histogram) in samples {
            builder.push(0, timestamp, histogram)?;
        }
        Ok(builder.finish()?.into_iter().map(Chunk::from).collect())
    }

    /// The same chunk with deleted samples: closed ranges, sorted.
    #[must_use]
    pub fn with_deleted(mut self, ranges: impl Into<Arc<[TimeRange]>>) -> Self {
        let ranges = ranges.into();
        self.deleted = (!ranges.is_empty()).then_some(ranges);
        self
    }

    /// Aggregates of downsampled samples that lie in `times`.
    pub fn aggregates(aggregates: Aggregates, times: TimeRange) -> Self {
        Chunk::new(ChunkData::Aggregates(Arc::new(aggregates)), times)
    }

    /// The same chunk as samples of one of several replicas.
    #[must_use]
    pub fn with_replica(mut self, replica: u32) -> Self {
        self.replica = replica;
        self
    }

    /// Samples that lie in `times`.
    pub fn new(data: ChunkData, times: TimeRange) -> Self {
        Chunk {
            min_time: times.start,
            max_time: times.end,
            data,
            deleted: None,
            replica: 0,
        }
    }
}

impl From<BuiltChunk> for Chunk {
    fn from(built: BuiltChunk) -> Self {
        let (start, end) = (built.min_time, built.max_time);
        Chunk::encoded(built.encoding, built.bytes, TimeRange { start, end })
    }
}

impl ChunkData {
    /// Whether there are native histograms in it.
    pub fn is_histogram(&self) -> bool {
        match self {
            ChunkData::Encoded { encoding, .. } => encoding.is_histogram(),
            ChunkData::Aggregates(aggregates) => aggregates.is_histogram(),
            ChunkData::Floats { .. } | ChunkData::FloatGrid { .. } => false,
        }
    }
}

impl Aggregates {
    /// The aggregates in the bytes of a downsampled chunk, as Thanos's blocks have
    /// them: without length, encoding byte and checksum around them.
    ///
    /// # Errors
    /// When the bytes are corrupt, as far as they are looked at.
    pub fn decode(bytes: &Bytes) -> Result<Self, ChunkError> {
        let parts = aggregate::split(bytes)?.map(|part| {
            part.map(|part| EncodedChunk {
                encoding: part.encoding,
                bytes: bytes.slice(part.bytes),
            })
        });
        let [count, sum, min, max, counter] = parts;
        Ok(Aggregates {
            count,
            sum,
            min,
            max,
            counter,
        })
    }

    /// The aggregate of a kind, if the store has given it.
    pub fn get(&self, aggregate: Aggregate) -> Option<&EncodedChunk> {
        match aggregate {
            Aggregate::Count => self.count.as_ref(),
            Aggregate::Sum => self.sum.as_ref(),
            Aggregate::Min => self.min.as_ref(),
            Aggregate::Max => self.max.as_ref(),
            Aggregate::Counter => self.counter.as_ref(),
        }
    }

    /// Whether they are of native histograms, as far as it can be seen: of these
    /// the sum and the counter are histograms.
    pub fn is_histogram(&self) -> bool {
        let chunks = [&self.sum, &self.counter];
        (chunks.into_iter().flatten()).any(|chunk| chunk.encoding.is_histogram())
    }
}
