//! Samples of series that a look-up found, as their store has them.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Begun, SeriesLabels};
use crate::error::{LimitError, QueryError};
use crate::exec::context::QueryContext;
use crate::exec::memory::Held;
use crate::selections::check_order;
use crate::storage::{Chunk, SelectControl as _, SelectHints, SelectRequest, SeriesSource};

/// Series that a look-up found, with their samples in chunks, for those who pass
/// them on. Labels are there, chunks are fetched as they are read: within the
/// look-up's time limit, and until its handle cancels it.
pub struct SeriesReader {
    /// The labels, sorted and all different.
    pub series: SeriesLabels,
    warnings: Mutex<Vec<String>>,
    source: Arc<dyn SeriesSource>,
    context: Arc<QueryContext>,
    _held: Held,
}

impl std::fmt::Debug for SeriesReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeriesReader")
            .field("series", &self.series.labels.len())
            .finish_non_exhaustive()
    }
}

impl SeriesReader {
    /// Fetches the chunks of some rows, where the store has to.
    ///
    /// # Errors
    /// Those of the store, and the look-up's limits.
    pub async fn prefetch(&self, rows: Range<u32>) -> Result<(), QueryError> {
        let Some(fetching) = self.source.prefetch(rows) else {
            return self.context.check();
        };
        let waiting = self.context.wait_on_runtime(fetching);
        self.context.guard(waiting).await?;
        self.warnings.lock().extend(self.source.take_warnings());
        Ok(())
    }

    /// What the user should know of the series, and of the chunks fetched so far, since
    /// it was asked last.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.warnings.lock())
    }

    /// Lets go of what was fetched of some rows: see [`SeriesSource::release`].
    pub fn release(&self, rows: Range<u32>) {
        self.source.release(rows);
    }

    /// Appends the chunks of series `row`, fetched before: see
    /// [`SeriesSource::chunks`].
    ///
    /// # Errors
    /// Those of the store, and the look-up's limits.
    pub fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), QueryError> {
        self.context.check()?;
        Ok(self.source.chunks(row, out)?)
    }

    /// Counts samples that were read.
    ///
    /// # Errors
    /// [`LimitError::SamplesRead`] when there are more than the look-up may read.
    pub fn count_samples(&self, samples: u64) -> Result<(), QueryError> {
        self.context.count_decoded(samples)
    }
}

impl Begun {
    /// Selects the series of all selectors, of which there is one.
    pub(super) async fn reader(self) -> Result<SeriesReader, QueryError> {
        let [matchers] = &self.selectors[..] else {
            let what = "samples are those of one selector";
            return Err(QueryError::BadData(what.into()));
        };
        let control = self.control();
        let hints = SelectHints::default();
        let symbols = &self.context.symbols;
        let request = SelectRequest::new(matchers, self.range, &hints, symbols);
        let selected = self.snapshot.select(request.with_control(&control)).await;
        let selected = selected.map_err(|error| control.reason(error))?;
        if let Some(limit) = self.max_selected
            && selected.labels.len() as u64 > limit
        {
            return Err(LimitError::SelectedSeries { limit }.into());
        }
        control.check().map_err(|error| control.reason(error))?;
        check_order(&selected.labels, selected.projected, &self.context)?;
        let mut warnings = self.snapshot.warnings();
        warnings.extend(selected.warnings);
        let account = control.settle(selected.labels.bytes())?;
        Ok(SeriesReader {
            series: SeriesLabels {
                labels: selected.labels,
                symbols: Arc::clone(symbols),
            },
            warnings: Mutex::new(warnings),
            source: selected.series,
            context: Arc::clone(&self.context),
            _held: account.hand_on(),
        })
    }
}
