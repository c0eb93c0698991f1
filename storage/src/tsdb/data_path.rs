//! Opens what lies in a data directory: all files and listings go through here.
//!
//! Anything may stand under the name of a file of Prometheus. Opening never
//! waits, as it would for the writer of a FIFO, and takes regular files alone,
//! also behind symbolic links. A path prints below its data directory, so that
//! errors do not tell where on the machine the directory is.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions, ReadDir};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quarrel_engine::storage::StorageError;

/// How errors call the data directory itself.
const ROOT: &str = "the data directory";

/// A data directory, or a file or directory in it. Prints without the path of
/// the data directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DataPath {
    root: Arc<Path>,
    /// Empty for the data directory itself.
    below: PathBuf,
}

impl DataPath {
    /// A data directory.
    pub fn root(dir: &Path) -> DataPath {
        DataPath {
            root: dir.into(),
            below: PathBuf::new(),
        }
    }

    /// A block's directory, in whichever data directory it is.
    pub fn block(dir: &Path) -> DataPath {
        match (dir.parent(), dir.file_name()) {
            (Some(root), Some(name)) => DataPath::root(root).join(name),
            _ => DataPath::root(dir),
        }
    }

    /// What has this name in the directory.
    pub fn join(&self, name: impl AsRef<Path>) -> DataPath {
        DataPath {
            root: Arc::clone(&self.root),
            below: self.below.join(name),
        }
    }

    /// The path of the data directory.
    pub fn root_path(&self) -> &Path {
        &self.root
    }

    /// The path for the system.
    pub fn full(&self) -> PathBuf {
        if self.below.as_os_str().is_empty() {
            // Joining nothing would add a slash.
            return self.root.to_path_buf();
        }
        self.root.join(&self.below)
    }

    /// The path below the data directory, for errors.
    pub fn shown(&self) -> &Path {
        if self.below.as_os_str().is_empty() {
            Path::new(ROOT)
        } else {
            &self.below
        }
    }

    /// The last component.
    pub fn name(&self) -> Option<&OsStr> {
        self.below.file_name().or_else(|| self.root.file_name())
    }

    /// What the system knows about it, symbolic links followed.
    pub fn metadata(&self) -> io::Result<Metadata> {
        fs::metadata(self.full())
    }

    /// Whether nothing has this name, not even a symbolic link that leads nowhere.
    pub fn is_absent(&self) -> bool {
        let found = fs::symlink_metadata(self.full());
        found.is_err_and(|e| e.kind() == io::ErrorKind::NotFound)
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// Those of the system, and for anything but a regular file.
    pub fn open(&self) -> io::Result<(File, Metadata)> {
        let path = self.full();
        // Opening a device can do something, so it is not even tried.
        regular(fs::metadata(&path)?)?;
        // Another file may stand there by now. A FIFO opens at once by these
        // flags, and a terminal does not become that of the process.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC)
            .open(path)?;
        let metadata = regular(file.metadata()?)?;
        Ok((file, metadata))
    }

    /// Reads a regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`DataPath::open`], and for a larger file, before it is read.
    pub fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        let (file, metadata) = self.open()?;
        if metadata.len() > limit {
            return Err(too_large(limit));
        }
        let mut bytes = Vec::with_capacity(metadata.len() as usize);
        // It may grow meanwhile.
        file.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(too_large(limit));
        }
        Ok(bytes)
    }

    /// The entries of a directory.
    pub fn entries(&self) -> io::Result<ReadDir> {
        fs::read_dir(self.full())
    }

    /// The error for a failed system call.
    pub fn io(&self, error: io::Error) -> StorageError {
        StorageError::Io {
            path: self.shown().into(),
            error,
        }
    }

    /// The error for corrupt bytes.
    pub fn corrupt(&self, detail: impl Into<String>) -> StorageError {
        StorageError::Corrupt {
            file: self.to_string(),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for DataPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().display().fmt(f)
    }
}

fn regular(metadata: Metadata) -> io::Result<Metadata> {
    if metadata.is_file() {
        Ok(metadata)
    } else {
        Err(io::Error::other("is not a regular file"))
    }
}

/// The error for a file that is larger than `limit` bytes.
pub(crate) fn too_large(limit: u64) -> io::Error {
    io::Error::other(format!("has more than {limit} bytes"))
}

/// The identity of a file, which tells it from a later file of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// That of the file with this metadata.
    pub fn of(metadata: &Metadata) -> FileId {
        FileId {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

#[cfg(test)]
mod tests;
