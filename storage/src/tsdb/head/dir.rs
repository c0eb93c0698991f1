//! Lists the files of a head.

use std::time::{Duration, SystemTime};

use super::error::HeadError;
use crate::tsdb::data_path::DataPath;

/// The numbered files of one directory, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Numbered {
    pub dir: DataPath,
    /// Number and file name.
    pub files: Vec<(u64, String)>,
}

impl Numbered {
    pub fn first(&self) -> Option<u64> {
        self.files.first().map(|f| f.0)
    }

    pub fn last(&self) -> Option<u64> {
        self.files.last().map(|f| f.0)
    }

    pub fn path(&self, file: &(u64, String)) -> DataPath {
        self.dir.join(&file.1)
    }
}

/// The content of a data directory's `wal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WalListing {
    pub segments: Numbered,
    /// The newest checkpoint: its number and directory.
    pub checkpoint: Option<(u64, DataPath)>,
}

/// Detects files that are created, deleted or renamed in a directory.
#[derive(Debug)]
pub(in crate::tsdb) struct Watch {
    dir: DataPath,
    /// The state at the last check, if every later change will change it.
    seen: Option<Seen>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Absent,
    /// A symbolic link that leads nowhere.
    Dangling,
    /// The directory's modification time.
    At(SystemTime),
}

impl Seen {
    fn of(dir: &DataPath) -> Option<Seen> {
        match dir.metadata().and_then(|m| m.modified()) {
            Ok(time) => Some(Seen::At(time)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Some(match dir.is_absent() {
                true => Seen::Absent,
                false => Seen::Dangling,
            }),
            Err(_) => None,
        }
    }

    /// Whether a further change would change the modification time: file systems
    /// count time in steps.
    fn is_final(&self) -> bool {
        match self {
            Seen::Absent | Seen::Dangling => true,
            Seen::At(time) => time.elapsed().is_ok_and(|age| age > STEP),
        }
    }
}

/// Longest step of a file system's modification times.
const STEP: Duration = Duration::from_secs(2);

impl Watch {
    pub fn new(dir: &DataPath) -> Self {
        Watch {
            dir: dir.clone(),
            seen: None,
        }
    }

    pub fn dir(&self) -> &DataPath {
        &self.dir
    }

    /// Whether nothing has changed since the last call of
    /// [`Watch::may_have_changed`].
    pub fn is_unchanged(&self) -> bool {
        self.seen.is_some() && self.seen == Seen::of(&self.dir)
    }

    /// Whether there was no such directory at the last check. It cannot come without
    /// changing the one that it is in.
    pub fn was_absent(&self) -> bool {
        self.seen == Some(Seen::Absent)
    }

    /// Whether the directory may have changed since the last call. Call it
    /// before listing the directory.
    pub fn may_have_changed(&mut self) -> bool {
        if self.is_unchanged() {
            return false;
        }
        self.seen = Seen::of(&self.dir).filter(Seen::is_final);
        true
    }
}

/// Most attempts at a listing without a gap: a listing during deletions may have
/// an older file and lack a newer one.
const LISTINGS: usize = 3;

fn list<T>(mut once: impl FnMut() -> Result<T, HeadError>) -> Result<T, HeadError> {
    for _ in 1..LISTINGS {
        match once() {
            Err(HeadError::MissingSegment { .. }) => {}
            result => return result,
        }
    }
    once()
}

const CHECKPOINT_PREFIX: &str = "checkpoint.";

/// Names in a directory; none if it does not exist.
fn names(dir: &DataPath) -> Result<Vec<String>, HeadError> {
    let entries = match dir.entries() {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(HeadError::io(dir, e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| HeadError::io(dir, e))?;
        // Names of Prometheus are UTF-8.
        if let Ok(name) = entry.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

fn numbered(dir: &DataPath, names: &[String]) -> Result<Numbered, HeadError> {
    let mut files: Vec<(u64, String)> = names
        .iter()
        .filter_map(|n| Some((n.parse().ok()?, n.clone())))
        .collect();
    files.sort();
    for pair in files.windows(2) {
        if pair[1].0 != pair[0].0.wrapping_add(1) {
            return Err(HeadError::MissingSegment {
                dir: dir.shown().into(),
                missing: pair[0].0.wrapping_add(1),
            });
        }
    }
    Ok(Numbered {
        dir: dir.clone(),
        files,
    })
}

/// Lists the numbered files in `dir`.
///
/// # Errors
/// When a number is missing between two others.
pub(super) fn list_numbered(dir: &DataPath) -> Result<Numbered, HeadError> {
    list(|| numbered(dir, &names(dir)?))
}

/// Lists `wal`: segments and the newest checkpoint.
///
/// # Errors
/// When a number is missing between two others.
pub(super) fn list_wal(dir: &DataPath) -> Result<WalListing, HeadError> {
    list(|| {
        let names = names(dir)?;
        let checkpoint = names
            .iter()
            .filter_map(|n| {
                // The name of an incomplete checkpoint ends in `.tmp`.
                let number = n.strip_prefix(CHECKPOINT_PREFIX)?.parse::<u64>().ok()?;
                Some((number, dir.join(n)))
            })
            .max_by_key(|c| c.0);
        Ok(WalListing {
            segments: numbered(dir, &names)?,
            checkpoint,
        })
    })
}

/// The name of segment `number`.
pub(super) fn segment_path(dir: &DataPath, number: u64) -> DataPath {
    dir.join(format!("{number:08}"))
}
