//! Anonymous memory of processes. Pages of mapped blocks are not part of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

/// The file in which the kernel tells a process's memory.
pub struct Status(File);

impl Status {
    /// That of a process: a number, or `self`.
    pub fn open(process: &str) -> io::Result<Self> {
        File::open(format!("/proc/{process}/status")).map(Status)
    }

    /// Its anonymous memory now, bytes; `None` if it has ended.
    pub fn anonymous(&self) -> Option<u64> {
        let mut buffer = [0; 4096];
        let read = self.0.read_at(&mut buffer, 0).ok()?;
        parse_anonymous(buffer.get(..read)?)
    }
}

fn parse_anonymous(status: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(status);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// Samples the memory of a process each millisecond.
pub struct Watch {
    idle: u64,
    done: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Watch {
    /// Begins to watch a process, above what it has now.
    pub fn start(status: Status) -> Self {
        let idle = status.anonymous().unwrap_or(0);
        Watch::above(status, idle)
    }

    /// Begins to watch a process, above what it had when it was idle.
    pub fn above(status: Status, idle: u64) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&done);
        let thread = std::thread::spawn(move || {
            let mut peak = 0;
            loop {
                // The last sample comes after the end, when the answer is there.
                let last = stop.load(Relaxed);
                peak = peak.max(status.anonymous().unwrap_or(0));
                if last {
                    return peak;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Watch { idle, done, thread }
    }

    /// Ends the watch: the peak above what was there at first.
    pub fn stop(self) -> u64 {
        self.done.store(true, Relaxed);
        self.thread.join().unwrap_or(0).saturating_sub(self.idle)
    }
}

#[cfg(test)]
mod tests {
    use super::{Status, Watch, parse_anonymous};

    #[test]
    fn reads_the_kernels_line() {
        let status = b"VmRSS:\t     9 kB\nRssAnon:\t    12 kB\n";
        assert_eq!(parse_anonymous(status), Some(12 * 1024));
        for bad in ["", "RssAnon:", "RssAnon: x kB"] {
            assert_eq!(parse_anonymous(bad.as_bytes()), None);
        }
    }

    #[test]
    fn sees_what_is_there_at_the_end() {
        let watch = Watch::start(Status::open("self").expect("a status"));
        let held = std::hint::black_box(vec![1_u8; 64 << 20]);
        let peak = watch.stop();
        assert!(peak > 32 << 20, "{peak} of {}", held.len());
    }
}
