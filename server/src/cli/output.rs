//! Where reports go, and what the terminal shows meanwhile.

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::failure::{Failure, Outcome};

/// The time between two updates of the line.
const PERIOD: Duration = Duration::from_millis(100);

/// Writes a report to a file, or to standard output.
pub(super) fn write(report: &[u8], file: Option<&Path>) -> Outcome {
    match file {
        None => super::query::print(report),
        Some(path) => std::fs::write(path, report)
            .map_err(|error| Failure::unasked(format_args!("{}: {error}", path.display()))),
    }
}

/// A line on the terminal that shows how far it is.
pub(super) struct StatusLine {
    /// Whether stderr is a terminal.
    terminal: bool,
    drawn: Instant,
}

impl StatusLine {
    pub(super) fn start() -> Self {
        StatusLine {
            terminal: std::io::stderr().is_terminal(),
            drawn: Instant::now(),
        }
    }

    /// Draws the line anew, if it is time.
    pub(super) fn update(&mut self, line: impl FnOnce() -> String) {
        if self.terminal && self.drawn.elapsed() >= PERIOD {
            self.drawn = Instant::now();
            eprint!("\r\x1b[K{}", line());
        }
    }

    pub(super) fn clear(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}
