//! Follows a log, WAL or WBL, from segment to segment as it grows.

use std::path::{Path, PathBuf};

use super::dir::segment_path;
use super::error::{HeadError, HeadWarning};
use super::record::{self, Log, Record, RefSample};
use super::segment::{FileId, SegmentReader, Step, Tail};

/// Takes a record and gives back memory for the next one's samples.
pub(super) type Sink<'a> = dyn FnMut(Record) -> Vec<RefSample> + 'a;

/// How far a log shall be read: segment and byte in it.
pub(super) type Limit = (u64, u64);

/// A place in a log, and the way on from there.
#[derive(Debug)]
pub(super) struct Follower {
    log: Log,
    dir: PathBuf,
    /// The segment to read next, or that is being read.
    number: u64,
    reader: Option<SegmentReader>,
    /// A corruption that reading cannot pass, until Prometheus repairs it.
    stopped: Option<HeadWarning>,
}

/// What came of one segment.
enum SegmentEnd {
    End,
    Corrupt(HeadWarning),
}

impl Follower {
    /// Will read from the beginning of segment `number` on.
    pub fn new(log: Log, dir: &Path, number: u64) -> Self {
        Follower {
            log,
            dir: dir.into(),
            number,
            reader: None,
            stopped: None,
        }
    }

    /// The segment that is being read.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How long the segment is that is being read; 0 if it is still to come.
    pub fn length(&self) -> Result<u64, HeadError> {
        let path = segment_path(&self.dir, self.number);
        match std::fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(e) => Err(HeadError::io(&path, e)),
        }
    }

    /// What ended the log before its end.
    pub fn warning(&self) -> Option<&HeadWarning> {
        self.stopped.as_ref()
    }

    /// Whether the file that is being read has been put away.
    pub fn has_moved(&self) -> Result<bool, HeadError> {
        let Some(reader) = &self.reader else {
            return Ok(false);
        };
        match FileId::of(reader.path()) {
            Ok(id) => Ok(id != reader.id()),
            Err(HeadError::Moved { .. }) => Ok(true),
            Err(e) => Err(e),
        }
    }

    /// Reads all records up to the end of the log, or to `limit` if that
    /// comes first.
    ///
    /// # Errors
    /// When the system refuses to read.
    pub fn poll(&mut self, limit: Option<Limit>, sink: &mut Sink<'_>) -> Result<(), HeadError> {
        loop {
            if limit.is_some_and(|l| self.number > l.0) {
                return Ok(());
            }
            // Whether a next segment exists is asked before the bytes are
            // read: if it does, no more will be added to this one.
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
            self.reader = match SegmentReader::open(&path, 0, Tail::Growing) {
                Ok(reader) => Some(reader),
                // The first segment of a log that is still to come.
                Err(HeadError::Moved { .. }) => None,
                Err(e) => return Err(e),
            };
        }
        Ok(self.reader.as_mut())
    }
}

fn exists(path: &Path) -> Result<bool, HeadError> {
    path.try_exists().map_err(|e| HeadError::io(path, e))
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
        let path = reader.path().to_owned();
        return Ok(SegmentEnd::Corrupt(HeadWarning::LogCorrupt {
            path,
            offset,
            detail,
        }));
    }
}

/// Reads a checkpoint, all of whose segments are closed.
///
/// # Errors
/// When it is corrupt anywhere: Prometheus refuses to start on it, too.
pub(super) fn read_checkpoint(
    segments: impl Iterator<Item = PathBuf>,
    sink: &mut Sink<'_>,
) -> Result<(), HeadError> {
    for path in segments {
        let mut reader = SegmentReader::open(&path, 0, Tail::Closed)?;
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

/// The time that a checkpoint's first record says all samples in order come
/// after, ms. Checkpoints of older versions have no such record.
pub(super) fn read_min_valid_time(first_segment: &Path) -> Result<Option<i64>, HeadError> {
    let mut reader = SegmentReader::open(first_segment, 0, Tail::Closed)?;
    if let Step::Record(bytes) = reader.next()?
        && let Ok(Record::MinValidTime(time)) = record::decode(Log::Wal, bytes, Vec::new())
    {
        return Ok(Some(time));
    }
    Ok(None)
}
