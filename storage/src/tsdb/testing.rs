//! Helpers of the tests of data directories.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Copies a directory with everything in it.
pub fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// What may stand in place of a regular file.
#[derive(Clone, Copy, Debug)]
pub enum Odd {
    Fifo,
    Socket,
    /// A symbolic link to a device that never ends.
    Zero,
    /// A symbolic link to a device.
    Full,
    Directory,
}

impl Odd {
    pub const ALL: [Odd; 5] = [Odd::Fifo, Odd::Socket, Odd::Zero, Odd::Full, Odd::Directory];

    /// Puts it there instead of a file; missing directories are made.
    pub fn put(self, path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.exists() {
            fs::remove_file(path).unwrap();
        }
        match self {
            Odd::Fifo => {
                let made = Command::new("mkfifo").arg(path).status().unwrap();
                assert!(made.success());
            }
            Odd::Socket => drop(UnixListener::bind(path).unwrap()),
            Odd::Zero => symlink("/dev/zero", path).unwrap(),
            Odd::Full => symlink("/dev/full", path).unwrap(),
            Odd::Directory => fs::create_dir(path).unwrap(),
        }
    }
}

/// Runs `work`, which must come to an end.
pub fn ends<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    let most = Duration::from_secs(10);
    ended.recv_timeout(most).expect("no end, or a panic")
}
