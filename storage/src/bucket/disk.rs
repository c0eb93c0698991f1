//! Files of the cache directory: written under another name, then renamed, so that they
//! are whole or not there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::tsdb::block::is_ulid;

/// Reads a file; `None` if it is not there or cannot be read.
pub(super) async fn read(runtime: &Handle, path: PathBuf) -> Option<Bytes> {
    let reading = runtime.spawn_blocking(move || match fs::read(&path) {
        Ok(bytes) => Some(Bytes::from(bytes)),
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(file = %path.display(), %error, "Cannot read the cache directory");
            }
            None
        }
    });
    reading.await.ok().flatten()
}

/// Writes a file. That it cannot be written costs time when it would be read.
pub(super) async fn write(runtime: &Handle, path: PathBuf, bytes: Bytes) {
    let writing = runtime.spawn_blocking(move || {
        if let Err(error) = write_now(&path, &bytes) {
            tracing::warn!(file = %path.display(), %error, "Cannot write the cache directory");
        }
    });
    // It does not panic, and is not aborted.
    let _ = writing.await;
}

fn write_now(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let number = NEXT.fetch_add(1, Relaxed);
    let making = path.with_extension(format!("tmp-{}-{number}", process::id()));
    let written = fs::write(&making, bytes).and_then(|()| fs::rename(&making, path));
    if written.is_err() {
        // It may not even be there.
        let _ = fs::remove_file(&making);
    }
    written
}

/// Removes what is kept of blocks for which `keeps` does not hold.
pub(super) fn retain(dir: &Path, keeps: impl Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_stale = name
            .to_str()
            .is_some_and(|name| is_ulid(name) && !keeps(name));
        if is_stale && let Err(error) = fs::remove_dir_all(entry.path()) {
            let file = entry.path();
            tracing::warn!(file = %file.display(), %error, "Cannot clean the cache directory");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_whole_and_stale_ones_go() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = ("01M85E79XRE5Y0GPF7ZGGT2A8W", "01M85E79XRE5Y0GPF7ZGGT2A8V");
        for name in [one, two, "other"] {
            write_now(&dir.path().join(name).join("x"), b"abc").unwrap();
        }
        write_now(&dir.path().join(one).join("x"), b"de").unwrap();
        retain(dir.path(), |name| name == one);
        let left = |name: &str| fs::read(dir.path().join(name).join("x")).ok();
        assert_eq!(left(one).as_deref(), Some(&b"de"[..]));
        assert!(left(two).is_none() && left("other").is_some());
        assert_eq!(fs::read_dir(dir.path().join(one)).unwrap().count(), 1);
        assert!(write_now(&dir.path().join(one).join("x/y"), b"").is_err());
    }
}
