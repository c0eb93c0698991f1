//! One view of a store, without replica labels.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::{BoxFuture, FutureExt, ready};
use quarrel_engine::labels::Symbol;
use quarrel_engine::storage::{
    Deduplication, LabelsRequest, SelectRequest, Selected, Snapshot, StorageError, TimeRange,
};

use super::rows::Rows;
use super::unite::unite;

/// The function that the engine's hints name where series are looked up, of which no
/// samples are read.
const SERIES_LOOKUP: &str = "series";

pub(super) struct ReplicasSnapshot {
    pub inner: Arc<dyn Snapshot>,
    /// The names of the replica labels, sorted.
    pub labels: Arc<[String]>,
    pub deduplication: Deduplication,
    /// Whether the store has given a replica label, as far as is known.
    pub seen: Arc<AtomicBool>,
}

impl ReplicasSnapshot {
    async fn select_rows(&self, mut request: SelectRequest<'_>) -> Result<Selected, StorageError> {
        if request.hints.function != SERIES_LOOKUP {
            request.range = self.deduplication.reach(request.range);
        }
        let selected = self.select_whole(request).await?;
        let names = self.given(&selected, &request);
        if names.is_empty() {
            return Ok(selected);
        }
        let Selected {
            labels,
            series,
            warnings,
            ..
        } = selected;
        let united = unite(&labels, &names, &request)?;
        let rows = Rows::new(series, united.rows, united.ends);
        Ok(Selected::new(united.labels, Arc::new(rows))
            .with_deduplication(self.deduplication)
            .with_warnings(warnings))
    }

    /// Selects rows, whose labels are all there if any of them has a replica label.
    async fn select_whole(&self, request: SelectRequest<'_>) -> Result<Selected, StorageError> {
        let whole = request.with_projection(None);
        let Some(projection) = request.projection else {
            return self.inner.select(whole).await;
        };
        if self.seen.load(Ordering::Relaxed) {
            return self.inner.select(whole).await;
        }
        let mut names = [projection, &self.labels].concat();
        names.sort_unstable();
        names.dedup();
        let selected = self
            .inner
            .select(request.with_projection(Some(&names)))
            .await?;
        // Rows that differ in labels that are left out are no replicas.
        if selected.projected && !self.given(&selected, &request).is_empty() {
            return self.inner.select(whole).await;
        }
        Ok(selected)
    }

    /// The symbols of those replica labels that rows have.
    fn given(&self, selected: &Selected, request: &SelectRequest<'_>) -> Vec<Symbol> {
        let symbols = request.symbols.read();
        let names = self.labels.iter().filter_map(|name| symbols.find(name));
        let mut names: Vec<Symbol> = names.collect();
        if !names.is_empty() {
            let mut labels = selected.labels.iter().flatten();
            if labels.any(|label| names.contains(&label.name)) {
                self.seen.store(true, Ordering::Relaxed);
            } else {
                names.clear();
            }
        }
        names
    }
}

impl Snapshot for ReplicasSnapshot {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        self.select_rows(request).boxed()
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        async move {
            let mut names = self.inner.label_names(request).await?;
            names.retain(|name| !self.labels.contains(name));
            Ok(names)
        }
        .boxed()
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        match self.labels.iter().any(|label| label == name) {
            true => ready(Ok(Vec::new())).boxed(),
            false => self.inner.label_values(name, request),
        }
    }

    fn warnings(&self) -> Vec<String> {
        self.inner.warnings()
    }

    fn series_count(&self) -> Option<u64> {
        self.inner.series_count()
    }

    fn is_fed_by_caller(&self) -> bool {
        self.inner.is_fed_by_caller()
    }

    fn time_range(&self) -> Option<TimeRange> {
        self.inner.time_range()
    }
}
