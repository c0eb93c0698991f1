//! The float samples of one series: sealed segments, which snapshots share, and
//! open columns, which grow.

use std::sync::OnceLock;

use arrow_buffer::ScalarBuffer;
use quarrel_engine::storage::{Chunk, TimeRange};

/// Number of samples at which open columns are sealed: the most that an append
/// after a snapshot copies. More would make appends slower, less would make
/// more chunks.
const SEAL_AT: usize = 4096;

/// The series has another value at this time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Duplicate {
    pub(super) timestamp: i64,
}

/// Float samples in order of time, at most one at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct FloatColumns {
    /// Not empty, disjoint, ascending.
    segments: Vec<Segment>,
    /// Later than all segments.
    open_timestamps: Vec<i64>,
    open_values: Vec<f64>,
    /// A copy of the open columns, made by the first reader after an append.
    open_segment: OnceLock<Segment>,
}

#[derive(Clone, Debug)]
struct Segment {
    timestamps: ScalarBuffer<i64>,
    values: ScalarBuffer<f64>,
}

impl Segment {
    fn new(timestamps: Vec<i64>, values: Vec<f64>) -> Self {
        Segment {
            timestamps: timestamps.into(),
            values: values.into(),
        }
    }

    fn first(&self) -> i64 {
        self.timestamps.first().copied().unwrap_or(i64::MAX)
    }

    fn last(&self) -> i64 {
        self.timestamps.last().copied().unwrap_or(i64::MIN)
    }

    /// The samples within a range, without a copy.
    fn chunk(&self, range: TimeRange) -> Option<Chunk> {
        let from = self.timestamps.partition_point(|&t| t < range.start);
        let to = self.timestamps.partition_point(|&t| t <= range.end);
        if from >= to {
            return None;
        }
        let len = to - from;
        let timestamps = self.timestamps.slice(from, len);
        Some(Chunk::floats(timestamps, self.values.slice(from, len)))
    }
}

impl FloatColumns {
    pub(super) fn len(&self) -> usize {
        self.segments
            .iter()
            .map(|p| p.timestamps.len())
            .sum::<usize>()
            + self.open_timestamps.len()
    }

    pub(super) fn first(&self) -> Option<i64> {
        let open = self.open_timestamps.first().copied();
        self.segments.first().map(Segment::first).or(open)
    }

    pub(super) fn last(&self) -> Option<i64> {
        let sealed = self.segments.last().map(Segment::last);
        self.open_timestamps.last().copied().or(sealed)
    }

    /// Adds a sample in any order. A repeated sample changes nothing.
    pub(super) fn push(&mut self, timestamp: i64, value: f64) -> Result<(), Duplicate> {
        if self.last().is_some_and(|last| timestamp <= last) {
            return self.insert(timestamp, value);
        }
        self.open_segment = OnceLock::new();
        self.open_timestamps.push(timestamp);
        self.open_values.push(value);
        if self.open_timestamps.len() >= SEAL_AT {
            self.seal();
        }
        Ok(())
    }

    fn seal(&mut self) {
        self.open_segment = OnceLock::new();
        if !self.open_timestamps.is_empty() {
            let timestamps = std::mem::take(&mut self.open_timestamps);
            self.segments.push(Segment::new(
                timestamps,
                std::mem::take(&mut self.open_values),
            ));
        }
    }

    /// Inserts an out-of-order sample. Copies the segment that it falls into.
    fn insert(&mut self, timestamp: i64, value: f64) -> Result<(), Duplicate> {
        let at = self.segments.partition_point(|p| p.last() < timestamp);
        let Some(segment) = self.segments.get_mut(at) else {
            self.open_segment = OnceLock::new();
            return insert_into(
                &mut self.open_timestamps,
                &mut self.open_values,
                timestamp,
                value,
            );
        };
        let mut timestamps = segment.timestamps.to_vec();
        let mut values = segment.values.to_vec();
        insert_into(&mut timestamps, &mut values, timestamp, value)?;
        *segment = Segment::new(timestamps, values);
        Ok(())
    }

    /// Adds samples in order of time, at most one at a time. On an error no
    /// sample is added.
    pub(super) fn extend(
        &mut self,
        timestamps: Vec<i64>,
        values: Vec<f64>,
    ) -> Result<(), Duplicate> {
        let Some(&first) = timestamps.first() else {
            return Ok(());
        };
        if self.last().is_some_and(|last| first <= last) {
            let (timestamps, values) = self.merged(&timestamps, &values)?;
            self.segments.clear();
            self.open_timestamps.clear();
            self.open_values.clear();
            self.open_segment = OnceLock::new();
            self.segments.push(Segment::new(timestamps, values));
            return Ok(());
        }
        self.seal();
        self.segments.push(Segment::new(timestamps, values));
        Ok(())
    }

    /// Merges the samples with others.
    fn merged(
        &self,
        timestamps: &[i64],
        values: &[f64],
    ) -> Result<(Vec<i64>, Vec<f64>), Duplicate> {
        let mut all_timestamps = Vec::with_capacity(self.len() + timestamps.len());
        let mut all_values = Vec::with_capacity(self.len() + timestamps.len());
        let mut new = timestamps
            .iter()
            .copied()
            .zip(values.iter().copied())
            .peekable();
        let mut push = |timestamp: i64, value: f64| {
            all_timestamps.push(timestamp);
            all_values.push(value);
        };
        for (timestamp, value) in self.iter() {
            while let Some((t, v)) = new.next_if(|&(t, _)| t < timestamp) {
                push(t, v);
            }
            if let Some((_, v)) = new.next_if(|&(t, _)| t == timestamp)
                && v.to_bits() != value.to_bits()
            {
                return Err(Duplicate { timestamp });
            }
            push(timestamp, value);
        }
        new.for_each(|(t, v)| push(t, v));
        Ok((all_timestamps, all_values))
    }

    fn iter(&self) -> impl Iterator<Item = (i64, f64)> + '_ {
        let open = self.open_timestamps.iter().zip(&self.open_values);
        let sealed = self
            .segments
            .iter()
            .flat_map(|p| p.timestamps.iter().zip(p.values.iter()));
        sealed.chain(open).map(|(&t, &v)| (t, v))
    }

    /// Appends the samples within a range as chunks.
    pub(super) fn chunks(&self, range: TimeRange, out: &mut Vec<Chunk>) {
        let from = self.segments.partition_point(|p| p.last() < range.start);
        let sealed = self.segments[from..]
            .iter()
            .take_while(|p| p.first() <= range.end);
        out.extend(sealed.filter_map(|p| p.chunk(range)));
        if self
            .open_timestamps
            .first()
            .is_some_and(|&first| first <= range.end)
        {
            let open = self.open_segment.get_or_init(|| {
                Segment::new(self.open_timestamps.clone(), self.open_values.clone())
            });
            out.extend(open.chunk(range));
        }
    }
}

fn insert_into(
    timestamps: &mut Vec<i64>,
    values: &mut Vec<f64>,
    timestamp: i64,
    value: f64,
) -> Result<(), Duplicate> {
    match timestamps.binary_search(&timestamp) {
        Ok(at) if values[at].to_bits() == value.to_bits() => Ok(()),
        Ok(_) => Err(Duplicate { timestamp }),
        Err(at) => {
            timestamps.insert(at, timestamp);
            values.insert(at, value);
            Ok(())
        }
    }
}
