//! Decodes the records of the WAL and the WBL.
//!
//! A record is a type byte and a content by type. Its numbers are deltas: to the
//! first sample of the record in the older formats, to the previous sample in
//! the newer ones, which also have start timestamps.

use super::exemplars::{Exemplar, TextLabels};
use super::histogram::{self, WalHistogram};
use super::metadata::Metadata;
use super::resolution;
use crate::tsdb::decbuf::{Decbuf, DecodeError};

/// One float sample of the series `reference`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RefSample {
    pub reference: u64,
    /// Start timestamp, ms; 0 for none.
    pub start: i64,
    pub timestamp: i64,
    pub value: f64,
}

/// One histogram sample.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RefHistogram {
    pub reference: u64,
    pub start: i64,
    pub timestamp: i64,
    pub histogram: WalHistogram,
}

/// Series with their labels; one buffer holds all text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SeriesBatch {
    pub text: Vec<u8>,
    /// Ends of all strings in `text`: name, value, name, value.
    pub ends: Vec<u32>,
    /// Reference of each series, and the end of its labels in `ends`.
    pub series: Vec<(u64, u32)>,
}

/// A decoded record.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Record {
    Series(SeriesBatch),
    Samples(Vec<RefSample>),
    Histograms {
        samples: Vec<RefHistogram>,
        /// Number of histograms with an unknown schema, which are left out.
        unknown_schema: u64,
    },
    /// Reference, first and last millisecond.
    Tombstones(Vec<(u64, i64, i64)>),
    /// Series reference and head chunk reference: all earlier out-of-order
    /// samples of the series are in chunks up to that one.
    MmapMarkers(Vec<(u64, u64)>),
    /// In a checkpoint: the WAL has no in-order samples before this time.
    MinValidTime(i64),
    Exemplars(Vec<(u64, Exemplar)>),
    Metadata(Vec<(u64, Metadata)>),
    /// Unknown types.
    Ignored,
}

mod kind {
    pub const SERIES: u8 = 1;
    pub const SAMPLES: u8 = 2;
    pub const TOMBSTONES: u8 = 3;
    pub const EXEMPLARS: u8 = 4;
    pub const MMAP_MARKERS: u8 = 5;
    pub const METADATA: u8 = 6;
    pub const HISTOGRAMS: u8 = 7;
    pub const FLOAT_HISTOGRAMS: u8 = 8;
    pub const CUSTOM_HISTOGRAMS: u8 = 9;
    pub const CUSTOM_FLOAT_HISTOGRAMS: u8 = 10;
    pub const SAMPLES_V2: u8 = 11;
    pub const HISTOGRAMS_V2: u8 = 12;
    pub const FLOAT_HISTOGRAMS_V2: u8 = 13;
    pub const MIN_VALID_TIME: u8 = 14;
}

/// Why a record cannot be decoded.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum RecordError {
    #[error(transparent)]
    Bytes(#[from] DecodeError),
    #[error("{0}")]
    Histogram(&'static str),
}

/// The log of a record; each has only some types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Log {
    /// The write-ahead log and its checkpoints.
    Wal,
    /// The write-behind log of out-of-order samples.
    Wbl,
}

/// Decodes a record. Samples reuse the memory of `reuse`.
///
/// # Errors
/// When the bytes are too short or too long.
pub(super) fn decode(
    log: Log,
    record: &[u8],
    reuse: Vec<RefSample>,
) -> Result<Record, RecordError> {
    let Some((&kind, rest)) = record.split_first() else {
        return Ok(Record::Ignored);
    };
    let mut buf = Decbuf::new(rest);
    Ok(match (log, kind) {
        (_, kind::SAMPLES) => Record::Samples(samples_v1(&mut buf, reuse)?),
        (_, kind::SAMPLES_V2) => Record::Samples(samples_v2(&mut buf, reuse)?),
        (_, kind::HISTOGRAMS | kind::CUSTOM_HISTOGRAMS) => histograms_v1(&mut buf, false)?,
        (_, kind::FLOAT_HISTOGRAMS | kind::CUSTOM_FLOAT_HISTOGRAMS) => {
            histograms_v1(&mut buf, true)?
        }
        (_, kind::HISTOGRAMS_V2) => histograms_v2(&mut buf, false)?,
        (_, kind::FLOAT_HISTOGRAMS_V2) => histograms_v2(&mut buf, true)?,
        (Log::Wal, kind::SERIES) => Record::Series(series(&mut buf)?),
        (Log::Wal, kind::TOMBSTONES) => Record::Tombstones(tombstones(&mut buf)?),
        (Log::Wal, kind::EXEMPLARS) => Record::Exemplars(exemplars(&mut buf)?),
        (Log::Wal, kind::METADATA) => Record::Metadata(metadata(&mut buf)?),
        (Log::Wal, kind::MIN_VALID_TIME) if rest.len() == 8 => {
            Record::MinValidTime(buf.be64()? as i64)
        }
        (Log::Wbl, kind::MMAP_MARKERS) => Record::MmapMarkers(markers(&mut buf)?),
        _ => Record::Ignored,
    })
}

fn labels<'a>(buf: &mut Decbuf<'a>, mut each: impl FnMut(&'a [u8])) -> Result<(), RecordError> {
    for _ in 0..buf.uvarint64()? {
        each(buf.uvarint_bytes()?);
        each(buf.uvarint_bytes()?);
    }
    Ok(())
}

fn series(buf: &mut Decbuf<'_>) -> Result<SeriesBatch, RecordError> {
    let mut batch = SeriesBatch::default();
    while !buf.is_empty() {
        let reference = buf.be64()?;
        let SeriesBatch { text, ends, series } = &mut batch;
        labels(buf, |s| {
            text.extend_from_slice(s);
            // Records have at most 1 GiB.
            ends.push(text.len() as u32);
        })?;
        series.push((reference, ends.len() as u32));
    }
    Ok(batch)
}

/// Fewest bytes of a float sample: two varints and the value.
const LEAST_SAMPLE: usize = 10;

fn samples_v1(
    buf: &mut Decbuf<'_>,
    mut samples: Vec<RefSample>,
) -> Result<Vec<RefSample>, RecordError> {
    samples.clear();
    if buf.is_empty() {
        return Ok(samples);
    }
    let (first_ref, first_time) = (buf.be64()?, buf.be64()? as i64);
    samples.reserve(buf.len() / LEAST_SAMPLE);
    while !buf.is_empty() {
        let reference = first_ref.wrapping_add(buf.varint64()? as u64);
        let timestamp = first_time.wrapping_add(buf.varint64()?);
        let value = f64::from_bits(buf.be64()?);
        samples.push(RefSample {
            reference,
            start: 0,
            timestamp,
            value,
        });
    }
    Ok(samples)
}

/// Decodes reference, timestamp and start timestamp, each a delta.
#[derive(Default)]
struct DeltasV2 {
    seen_first: bool,
    first_time: i64,
    first_start: i64,
    reference: u64,
    start: i64,
}

impl DeltasV2 {
    fn next(&mut self, buf: &mut Decbuf<'_>) -> Result<(u64, i64, i64), RecordError> {
        if !self.seen_first {
            self.seen_first = true;
            self.reference = buf.varint64()? as u64;
            self.first_time = buf.varint64()?;
            self.first_start = buf.varint64()?;
            self.start = self.first_start;
            return Ok((self.reference, self.first_time, self.start));
        }
        self.reference = self.reference.wrapping_add(buf.varint64()? as u64);
        let timestamp = self.first_time.wrapping_add(buf.varint64()?);
        self.start = match buf.u8()? {
            0 => 0,
            1 => self.start,
            _ => self.first_start.wrapping_add(buf.varint64()?),
        };
        Ok((self.reference, timestamp, self.start))
    }
}

fn samples_v2(
    buf: &mut Decbuf<'_>,
    mut samples: Vec<RefSample>,
) -> Result<Vec<RefSample>, RecordError> {
    samples.clear();
    samples.reserve(buf.len() / LEAST_SAMPLE);
    let mut deltas = DeltasV2::default();
    while !buf.is_empty() {
        let (reference, timestamp, start) = deltas.next(buf)?;
        let value = f64::from_bits(buf.be64()?);
        samples.push(RefSample {
            reference,
            start,
            timestamp,
            value,
        });
    }
    Ok(samples)
}

fn tombstones(buf: &mut Decbuf<'_>) -> Result<Vec<(u64, i64, i64)>, RecordError> {
    let mut stones = Vec::new();
    while !buf.is_empty() {
        stones.push((buf.be64()?, buf.varint64()?, buf.varint64()?));
    }
    Ok(stones)
}

fn markers(buf: &mut Decbuf<'_>) -> Result<Vec<(u64, u64)>, RecordError> {
    let mut markers = Vec::new();
    while !buf.is_empty() {
        markers.push((buf.be64()?, buf.be64()?));
    }
    Ok(markers)
}

/// Names and values of labels, or of what is stored like them.
fn text_labels(buf: &mut Decbuf<'_>) -> Result<TextLabels, RecordError> {
    let mut texts = Vec::new();
    labels(buf, |bytes| {
        texts.push(String::from_utf8_lossy(bytes).into_owned());
    })?;
    let mut texts = texts.into_iter();
    Ok(std::iter::from_fn(|| Some((texts.next()?, texts.next()?))).collect())
}

fn exemplars(buf: &mut Decbuf<'_>) -> Result<Vec<(u64, Exemplar)>, RecordError> {
    let mut all = Vec::new();
    if buf.is_empty() {
        return Ok(all);
    }
    let (first_ref, first_time) = (buf.be64()?, buf.be64()? as i64);
    while !buf.is_empty() {
        let reference = first_ref.wrapping_add(buf.varint64()? as u64);
        let timestamp = first_time.wrapping_add(buf.varint64()?);
        let value = f64::from_bits(buf.be64()?);
        let labels = text_labels(buf)?;
        let exemplar = Exemplar {
            labels,
            value,
            timestamp,
        };
        all.push((reference, exemplar));
    }
    Ok(all)
}

fn metadata(buf: &mut Decbuf<'_>) -> Result<Vec<(u64, Metadata)>, RecordError> {
    let mut all = Vec::new();
    while !buf.is_empty() {
        let reference = buf.uvarint64()?;
        let kind = Metadata::kind(buf.u8()?);
        let (mut help, mut unit) = (String::new(), String::new());
        for (name, value) in text_labels(buf)? {
            match name.as_str() {
                "HELP" => help = value,
                "UNIT" => unit = value,
                _ => {}
            }
        }
        all.push((reference, Metadata { kind, help, unit }));
    }
    Ok(all)
}

#[derive(Default)]
struct HistogramBatch {
    samples: Vec<RefHistogram>,
    unknown_schema: u64,
}

impl HistogramBatch {
    fn read(
        &mut self,
        buf: &mut Decbuf<'_>,
        float: bool,
        (reference, timestamp, start): (u64, i64, i64),
    ) -> Result<(), RecordError> {
        let mut histogram = histogram::decode(buf, float)?;
        if histogram.has_known_schema() {
            resolution::reduce(&mut histogram).map_err(RecordError::Histogram)?;
            self.samples.push(RefHistogram {
                reference,
                start,
                timestamp,
                histogram,
            });
        } else {
            self.unknown_schema += 1;
        }
        Ok(())
    }

    fn done(self) -> Record {
        Record::Histograms {
            samples: self.samples,
            unknown_schema: self.unknown_schema,
        }
    }
}

fn histograms_v1(buf: &mut Decbuf<'_>, float: bool) -> Result<Record, RecordError> {
    let mut batch = HistogramBatch::default();
    if buf.is_empty() {
        return Ok(batch.done());
    }
    let (first_ref, first_time) = (buf.be64()?, buf.be64()? as i64);
    while !buf.is_empty() {
        let reference = first_ref.wrapping_add(buf.varint64()? as u64);
        let timestamp = first_time.wrapping_add(buf.varint64()?);
        batch.read(buf, float, (reference, timestamp, 0))?;
    }
    Ok(batch.done())
}

fn histograms_v2(buf: &mut Decbuf<'_>, float: bool) -> Result<Record, RecordError> {
    let mut batch = HistogramBatch::default();
    let mut deltas = DeltasV2::default();
    while !buf.is_empty() {
        let sample = deltas.next(buf)?;
        batch.read(buf, float, sample)?;
    }
    Ok(batch.done())
}
