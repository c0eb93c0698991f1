//! The state of a replay: all series, by reference and by labels.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::chunk_file::{ChunkRef, DiskChunks};
use super::error::HeadWarning;
use super::exemplars::Exemplars;
use super::metadata::AllMetadata;
use super::out_of_order::{OutOfOrderSample, OutOfOrderValue};
use super::record::{Record, RefHistogram, RefSample, SeriesBatch};
use super::series::{Label, Series};
use super::symbols::Interner;

/// Number of series in a page of a view.
pub(super) const PAGE: usize = 64;

/// Maps series references to series. References are usually small consecutive
/// numbers; they are large after very many series, or in a corrupt log.
#[derive(Debug, Default)]
struct RefMap {
    dense: Vec<u32>,
    sparse: FxHashMap<u64, u32>,
}

const NO_SERIES: u32 = u32::MAX;
/// Series examined in search of one with chunks to encode.
const LOOKS_PER_COMPRESSION: usize = 16;
/// References below this number have a slot each, 32 MiB in all.
const DENSE: u64 = 8 << 20;

impl RefMap {
    #[inline]
    fn get(&self, reference: u64) -> Option<u32> {
        match self.dense.get(reference as usize) {
            Some(&id) if reference < DENSE => (id != NO_SERIES).then_some(id),
            _ if reference < DENSE => None,
            _ => self.sparse.get(&reference).copied(),
        }
    }

    fn insert(&mut self, reference: u64, id: u32) {
        if reference >= DENSE {
            self.sparse.insert(reference, id);
            return;
        }
        let slot = reference as usize;
        if slot >= self.dense.len() {
            self.dense
                .resize((slot + 1).next_power_of_two().max(1024), NO_SERIES);
        }
        self.dense[slot] = id;
    }
}

/// Numbers of records that are left out: of unknown series (samples, others),
/// and histograms with an unknown schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unknown {
    samples: u64,
    others: u64,
    schemas: u64,
}

/// The replayed head.
#[derive(Debug)]
pub(super) struct State {
    pub min_valid_time: i64,
    pub interner: Interner,
    pub series: Vec<Series>,
    by_labels: HashTable<u32>,
    refs: RefMap,
    /// Chunks on disk, until the initial log is replayed.
    disk: DiskChunks,
    last_chunk: ChunkRef,
    unknown: Unknown,
    pub exemplars: Exemplars,
    pub metadata: AllMetadata,
    /// For each page of series, whether it has changed since the last view.
    pub dirty: Vec<bool>,
    /// Whether anything has changed since the last view.
    pub changed: bool,
    /// Whether the initial log is being replayed. Then complete chunks are
    /// encoded at once to save memory.
    starting: bool,
    /// The series to examine next for chunks to encode.
    compress_at: usize,
    /// Label pairs of the current series; the memory is reused.
    scratch: Vec<Label>,
}

fn hash(labels: &[Label]) -> u64 {
    FxBuildHasher.hash_one(labels)
}

impl State {
    pub fn new(min_valid_time: i64, disk: DiskChunks) -> Self {
        State {
            min_valid_time,
            interner: Interner::default(),
            series: Vec::new(),
            by_labels: HashTable::new(),
            refs: RefMap::default(),
            last_chunk: disk.last,
            disk,
            unknown: Unknown::default(),
            exemplars: Exemplars::default(),
            metadata: AllMetadata::default(),
            dirty: Vec::new(),
            changed: true,
            starting: true,
            compress_at: 0,
            scratch: Vec::new(),
        }
    }

    /// Ends the replay of the initial log. Drops chunks on disk of no series.
    pub fn end_of_start(&mut self) {
        self.starting = false;
        self.disk = DiskChunks::default();
    }

    pub fn warnings(&self, out: &mut Vec<HeadWarning>) {
        let Unknown {
            samples,
            others: markers,
            schemas,
        } = self.unknown;
        if samples + markers > 0 {
            out.push(HeadWarning::UnknownSeries { samples, markers });
        }
        if schemas > 0 {
            out.push(HeadWarning::UnknownSchema(schemas));
        }
    }

    /// Applies a record of the WAL. Returns the memory of its samples.
    pub fn apply_wal(&mut self, record: Record) -> Vec<RefSample> {
        match record {
            Record::Samples(samples) => {
                self.samples(&samples);
                return samples;
            }
            Record::Series(batch) => self.add_series(&batch),
            Record::Histograms {
                samples,
                unknown_schema,
            } => {
                self.unknown.schemas += unknown_schema;
                self.histograms(samples);
            }
            Record::Tombstones(stones) => {
                stones.into_iter().for_each(|s| self.tombstone(s));
            }
            // As in Prometheus, a warning tells nothing of those of unknown series.
            Record::Exemplars(exemplars) => {
                for (reference, exemplar) in exemplars {
                    if let Some(id) = self.find(reference) {
                        self.exemplars.add(id, exemplar);
                        self.changed = true;
                    }
                }
            }
            Record::Metadata(metadata) => {
                for (reference, metadata) in metadata {
                    if let Some(id) = self.find(reference) {
                        self.metadata.set(id, metadata);
                        self.changed = true;
                    }
                }
            }
            Record::MmapMarkers(_) | Record::MinValidTime(_) | Record::Ignored => {}
        }
        Vec::new()
    }

    /// Applies a record of the WBL. Returns the memory of its samples.
    pub fn apply_wbl(&mut self, record: Record) -> Vec<RefSample> {
        match record {
            Record::Samples(samples) => {
                for s in &samples {
                    let value = OutOfOrderValue::Float(s.value);
                    self.insert(s.reference, s.start, s.timestamp, value);
                }
                return samples;
            }
            Record::Histograms {
                samples,
                unknown_schema,
            } => {
                self.unknown.schemas += unknown_schema;
                for s in samples {
                    let value = OutOfOrderValue::Histogram(Arc::new(s.histogram));
                    self.insert(s.reference, s.start, s.timestamp, value);
                }
            }
            Record::MmapMarkers(markers) => {
                for (reference, chunk) in markers {
                    // A later chunk is not among the files that were read.
                    if ChunkRef(chunk) > self.last_chunk {
                        continue;
                    }
                    match self.find(reference) {
                        Some(id) => self.touch(id).out_of_order_mapped(),
                        None => self.unknown.others += 1,
                    }
                }
            }
            _ => {}
        }
        Vec::new()
    }

    #[inline]
    fn find(&self, reference: u64) -> Option<u32> {
        self.refs
            .get(reference)
            .filter(|id| !self.series[*id as usize].deleted)
    }

    /// Returns a series for a change and marks its page.
    #[inline]
    fn touch(&mut self, id: u32) -> &mut Series {
        self.dirty[id as usize / PAGE] = true;
        self.changed = true;
        &mut self.series[id as usize]
    }

    fn samples(&mut self, samples: &[RefSample]) {
        let encode = self.starting;
        for s in samples {
            if s.timestamp < self.min_valid_time {
                continue;
            }
            match self.find(s.reference) {
                Some(id) => {
                    self.touch(id)
                        .push_float(s.start, s.timestamp, s.value, encode);
                }
                None => self.unknown.samples += 1,
            }
        }
    }

    fn histograms(&mut self, samples: Vec<RefHistogram>) {
        for s in samples {
            if s.timestamp < self.min_valid_time {
                continue;
            }
            match self.find(s.reference) {
                Some(id) => self
                    .touch(id)
                    .push_histogram(s.start, s.timestamp, s.histogram),
                None => self.unknown.samples += 1,
            }
        }
    }

    fn insert(&mut self, reference: u64, start: i64, timestamp: i64, value: OutOfOrderValue) {
        match self.find(reference) {
            Some(id) => self.touch(id).insert(OutOfOrderSample {
                start,
                timestamp,
                value,
            }),
            None => self.unknown.samples += 1,
        }
    }

    fn tombstone(&mut self, (reference, from, to): (u64, i64, i64)) {
        if (from, to) == (i64::MIN, i64::MAX) {
            // The series itself is deleted. An unknown one needs no warning.
            if let Some(id) = self.find(reference) {
                self.delete(id);
            }
            return;
        }
        if to < self.min_valid_time || from > to {
            return;
        }
        match self.find(reference) {
            Some(id) => self.touch(id).add_tombstone(from, to),
            None => self.unknown.others += 1,
        }
    }

    fn delete(&mut self, id: u32) {
        let key = hash(&self.series[id as usize].labels);
        if let Ok(entry) = self.by_labels.find_entry(key, |other| *other == id) {
            entry.remove();
        }
        self.touch(id).delete();
    }

    fn add_series(&mut self, batch: &SeriesBatch) {
        let mut label = 0;
        for (reference, end) in &batch.series {
            self.scratch.clear();
            while label < *end as usize {
                let at = |i: usize| {
                    if i == 0 {
                        0
                    } else {
                        batch.ends[i - 1] as usize
                    }
                };
                let name = &batch.text[at(label)..at(label + 1)];
                let value = &batch.text[at(label + 1)..at(label + 2)];
                label += 2;
                if !value.is_empty() {
                    let pair = (self.interner.intern(name), self.interner.intern(value));
                    self.scratch.push(pair);
                }
            }
            let symbols = &self.interner.symbols;
            if !self
                .scratch
                .is_sorted_by(|a, b| symbols.get(a.0) <= symbols.get(b.0))
            {
                self.scratch
                    .sort_by(|a, b| symbols.get(a.0).cmp(symbols.get(b.0)));
            }
            self.add_one(*reference);
        }
    }

    /// Assigns `reference` to the series with the labels in `scratch`.
    fn add_one(&mut self, reference: u64) {
        let key = hash(&self.scratch);
        let found = self
            .by_labels
            .find(key, |id| *self.series[*id as usize].labels == *self.scratch)
            .copied();
        let id = found.unwrap_or_else(|| {
            let id = self.series.len() as u32;
            self.series
                .push(Series::new(self.scratch.as_slice().into()));
            if self.dirty.len() * PAGE < self.series.len() {
                self.dirty.push(true);
            }
            self.by_labels
                .insert_unique(key, id, |id| hash(&self.series[*id as usize].labels));
            id
        });
        self.refs.insert(reference, id);
        let in_order = self
            .disk
            .in_order
            .get(&reference)
            .map_or(&[][..], Vec::as_slice);
        let out_of_order = self
            .disk
            .out_of_order
            .get(&reference)
            .map_or(&[][..], Vec::as_slice);
        self.dirty[id as usize / PAGE] = true;
        self.changed = true;
        self.series[id as usize].reset(in_order, out_of_order);
    }

    /// Encodes complete chunks of at most `series` series; later calls continue
    /// with the others. Chunks of all series are often complete at once, and no
    /// refresh should encode them all.
    pub fn compress(&mut self, series: usize) {
        let looks = self
            .series
            .len()
            .min(LOOKS_PER_COMPRESSION * series.min(self.series.len()));
        let mut left = series;
        for _ in 0..looks {
            if left == 0 {
                return;
            }
            self.compress_at = (self.compress_at + 1) % self.series.len();
            if self.series[self.compress_at].can_compress() {
                // Plain and encoded chunks have the same samples.
                self.dirty[self.compress_at / PAGE] = true;
                self.series[self.compress_at].compress();
                left -= 1;
            }
        }
    }

    /// Raises the time before which in-order samples are left out.
    pub fn set_min_valid_time(&mut self, min_valid_time: i64) {
        if min_valid_time <= self.min_valid_time {
            return;
        }
        self.min_valid_time = min_valid_time;
        self.changed = true;
        for (id, series) in self.series.iter_mut().enumerate() {
            if series.truncate(min_valid_time) {
                self.dirty[id / PAGE] = true;
            }
        }
    }
}
