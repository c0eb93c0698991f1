//! The requests of a selection: windows of consecutive rows, each of which asks each
//! segment for all its chunks of these rows at once.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::downloads::Download;
use super::selection::Selection;

/// The windows whose requests are on their way, or done, by their numbers.
#[derive(Debug)]
pub(super) struct Windows {
    rows: u32,
    begun: Mutex<FxHashMap<u32, Window>>,
}

/// The requests of a window, once they have begun.
type Window = Arc<OnceLock<Vec<Arc<Download>>>>;

impl Windows {
    /// Windows of so many rows.
    pub fn new(rows: u32) -> Self {
        Windows {
            rows: rows.max(1),
            begun: Mutex::default(),
        }
    }

    /// Begins the window that has a row of the selection, unless it has begun.
    pub fn begin(&self, selection: &Selection, row: u32) {
        let rows = self.rows_of(row / self.rows, selection.rows);
        if rows.is_empty() {
            return;
        }
        let window = Arc::clone(self.begun.lock().entry(row / self.rows).or_default());
        window.get_or_init(|| selection.begin(rows));
    }

    /// Begins the next window once some rows of the second half of one were fetched.
    pub fn begin_next(&self, selection: &Selection, rows: Range<u32>) {
        let half = (rows.end.saturating_sub(1) % self.rows) >= self.rows / 2;
        let next = (rows.start / self.rows + 1).saturating_mul(self.rows);
        if half && next < selection.rows {
            self.begin(selection, next);
        }
    }

    /// Lets go of the windows before that of a row.
    pub fn release_before(&self, row: u32) {
        self.begun
            .lock()
            .retain(|&number, _| number >= row / self.rows);
    }

    fn rows_of(&self, number: u32, all: u32) -> Range<u32> {
        let start = number.saturating_mul(self.rows);
        start..start.saturating_add(self.rows).min(all)
    }
}
