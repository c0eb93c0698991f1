//! Follows a growing log (WAL or WBL) from segment to segment.

use std::io::ErrorKind;

use super::dir::segment_path;
use super::error::{HeadError, HeadWarning};
use super::record::{self, Log, Record, RefSample};
use super::segment::{SegmentReader, Step, Tail};
use crate::tsdb::data_path::{DataPath, FileId};

/// Takes a record and returns memory for the samples of the next one.
pub(super) type Sink<'a> = dyn FnMut(Record) -> Vec<RefSample> + 'a;

/// The end of a read: segment and offset in it.
pub(super) type Limit = (u64, u64);

/// Reads a log from a position on.
#[derive(Debug)]
pub(super) struct Follower {
    log: Log,
    dir: DataPath,
    /// The current or next segment.
    number: u64,
    reader: Option<SegmentReader>,
    /// A corruption that ends the log until Prometheus repairs it.
    stopped: Option<HeadWarning>,
}

/// How the read of a segment ends.
enum SegmentEnd {
    End,
    Corrupt(HeadWarning),
}

impl Follower {
    /// A follower that starts at the beginning of segment `number`.
    pub fn new(log: Log, dir: &DataPath, number: u64) -> Self {
        Follower {
            log,
            dir: dir.clone(),
            number,
            reader: None,
            stopped: None,
        }
    }

    /// The current segment.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The length of the current segment; 0 if it does not exist yet.
    pub fn length(&self) -> Result<u64, HeadError> {
        let path = segment_path(&self.dir, self.number);
        match path.metadata() {
            Ok(metadata) => Ok(metadata.len()),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(0),
            Err(e) => Err(HeadError::io(&path, e)),
        }
    }

    /// The corruption that ends the log early.
    pub fn warning(&self) -> Option<&HeadWarning> {
        self.stopped.as_ref()
    }

    /// Whether the current file was deleted or replaced.
    pub fn was_replaced(&self) -> Result<bool, HeadError> {
        let Some(reader) = &self.reader else {
            return Ok(false);
        };
        match reader.path().metadata() {
            Ok(metadata) => Ok(FileId::of(&metadata) != reader.id()),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(true),
            Err(e) => Err(HeadError::io(reader.path(), e)),
        }
    }

    /// Reads all records up to the end of the log or to `limit`, whichever comes
    /// first.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn poll(&mut self, limit: Option<Limit>, sink: &mut Sink<'_>) -> Result<(), HeadError> {
        loop {
            if limit.is_some_and(|l| self.number > l.0) {
                return Ok(());
            }
            // Check for a next segment before reading: if it exists, this one
            // does not grow any more.
            let closed = match limit {
                Some((last, _)) if self.number == last => false,
                _ => exists(&segment_path(&self.dir, self.number + 1))?,
            };
            let end = limit
                .filter(|l| self.number == l.0)
                .map_or(u64::MAX, |l| l.1);
            let log = self.log;
            let Some(reader) = self.open()? else {
                return Ok(());
            };
            reader.set_limit(end);
            reader.set_tail(if closed { Tail::Closed } else { Tail::Growing });
            let end = read_segment(log, reader, sink)?;
            match end {
                SegmentEnd::Corrupt(warning) => {
                    self.stopped = Some(warning);
                    return Ok(());
                }
                SegmentEnd::End => self.stopped = None,
            }
            if !closed {
                return Ok(());
            }
            self.number += 1;
            self.reader = None;
        }
    }

    fn open(&mut self) -> Result<Option<&mut SegmentReader>, HeadError> {
        if self.reader.is_none() {
            let path = segment_path(&self.dir, self.number);
            self.reader = match SegmentReader::open(path, 0, Tail::Growing) {
                Ok(reader) => Some(reader),
                // The first segment does not exist yet.
                Err(HeadError::Changed { .. }) => None,
                Err(e) => return Err(e),
            };
        }
        Ok(self.reader.as_mut())
    }
}

fn exists(path: &DataPath) -> Result<bool, HeadError> {
    match path.metadata() {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(HeadError::io(path, e)),
    }
}

fn read_segment(
    log: Log,
    reader: &mut SegmentReader,
    sink: &mut Sink<'_>,
) -> Result<SegmentEnd, HeadError> {
    let mut reuse = Vec::new();
    loop {
        let offset = reader.position();
        let detail = match reader.next()? {
            Step::End => return Ok(SegmentEnd::End),
            Step::Corrupt(detail) => detail,
            Step::Record(bytes) => match record::decode(log, bytes, std::mem::take(&mut reuse)) {
                Ok(record) => {
                    reuse = sink(record);
                    continue;
                }
                Err(e) => {
                    let detail = e.to_string();
                    reader.back_to(offset);
                    detail
                }
            },
        };
        let path = reader.path().shown().to_owned();
        return Ok(SegmentEnd::Corrupt(HeadWarning::LogCorrupt {
            path,
            offset,
            detail,
        }));
    }
}

/// Reads a checkpoint, whose segments are all closed.
///
/// # Errors
/// When any part is corrupt: Prometheus does not start on it either.
pub(super) fn read_checkpoint(
    segments: impl Iterator<Item = DataPath>,
    sink: &mut Sink<'_>,
) -> Result<(), HeadError> {
    for path in segments {
        let mut reader = SegmentReader::open(path, 0, Tail::Closed)?;
        if let SegmentEnd::Corrupt(HeadWarning::LogCorrupt {
            path,
            offset,
            detail,
        }) = read_segment(Log::Wal, &mut reader, sink)?
        {
            return Err(HeadError::Corrupt {
                path,
                offset,
                detail,
            });
        }
    }
    Ok(())
}

/// The min valid time of in-order samples in a checkpoint's first record, ms.
/// Checkpoints of older versions have no such record.
pub(super) fn read_min_valid_time(first_segment: &DataPath) -> Result<Option<i64>, HeadError> {
    let mut reader = SegmentReader::open(first_segment.clone(), 0, Tail::Closed)?;
    if let Step::Record(bytes) = reader.next()?
        && let Ok(Record::MinValidTime(time)) = record::decode(Log::Wal, bytes, Vec::new())
    {
        return Ok(Some(time));
    }
    Ok(None)
}
