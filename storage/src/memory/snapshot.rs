//! Snapshots of the memory store.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt, ready};
use quarrel_engine::labels::{Label, LabelList, Symbol, SymbolTable};
use quarrel_engine::storage::{
    Chunk, LabelsRequest, Matcher, SelectControl, SelectRequest, Selected, SeriesSource, Snapshot,
    StorageError, TimeRange,
};

use super::contents::{Contents, Series};
use crate::translation::Known;

pub(super) struct MemorySnapshot {
    pub(super) symbols: Arc<SymbolTable>,
    pub(super) contents: Arc<Contents>,
}

/// Selected series, in label order.
struct Rows {
    series: Vec<Arc<Series>>,
    range: TimeRange,
}

impl SeriesSource for Rows {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let series = self.series.get(row as usize).ok_or_else(|| {
            StorageError::Other(format!(
                "row {row} of {} selected series",
                self.series.len()
            ))
        })?;
        series.chunks(self.range, out);
        Ok(())
    }

    fn estimated_samples(&self) -> Option<u64> {
        Some(self.series.iter().map(|s| estimate(s, self.range)).sum())
    }
}

/// Estimates the samples in a range as if they were evenly spaced.
fn estimate(series: &Series, range: TimeRange) -> u64 {
    let Some((first, last)) = series.times() else {
        return 0;
    };
    let samples = series.len() as f64;
    let whole = last as f64 - first as f64;
    let inside = last.min(range.end) as f64 - first.max(range.start) as f64;
    if whole <= 0.0 {
        samples as u64
    } else {
        (samples * inside.max(0.0) / whole).ceil() as u64
    }
}

impl MemorySnapshot {
    /// The series that match and overlap the range, in label order.
    fn matching(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        control: &dyn SelectControl,
    ) -> Result<Vec<Arc<Series>>, StorageError> {
        let index = self.contents.index(&self.symbols);
        let ranks = index.select(matchers, control)?;
        let series = ranks
            .into_iter()
            .map(|rank| &self.contents.series[index.series(rank) as usize]);
        Ok(series
            .filter(|series| series.overlaps(range))
            .cloned()
            .collect())
    }

    fn select_now(&self, request: &SelectRequest<'_>) -> Result<Selected, StorageError> {
        let control = request.control;
        let series = self.matching(request.matchers, request.range, control)?;
        let labels: usize = series.iter().map(|s| s.labels.len()).sum();
        control.reserve(labels * size_of::<Label>() + series.len() * 2 * size_of::<usize>())?;
        let mut labels = LabelList::with_capacity(series.len(), 8);
        let mut known = Known::default();
        let mut translation = known.between(&self.symbols, request.symbols);
        for series in &series {
            labels.push(series.labels.iter().map(|label| translation.label(label)));
        }
        let range = request.range;
        Ok(Selected::new(labels, Arc::new(Rows { series, range })))
    }

    /// The series that match any of the selectors; all series without a selector.
    fn matching_any(&self, request: LabelsRequest<'_>) -> Result<Vec<Arc<Series>>, StorageError> {
        let LabelsRequest {
            selectors,
            range,
            control,
            ..
        } = request;
        if selectors.is_empty() {
            return self.matching(&[], range, control);
        }
        let mut all = Vec::new();
        for matchers in selectors {
            all.extend(self.matching(matchers, range, control)?);
        }
        Ok(all)
    }

    fn names_now(&self, request: LabelsRequest<'_>) -> Result<Vec<String>, StorageError> {
        let LabelsRequest {
            selectors, range, ..
        } = request;
        if selectors.is_empty() && self.covers_all(range) {
            let index = self.contents.index(&self.symbols);
            return Ok(index.names().iter().map(|n| n.name.clone()).collect());
        }
        let series = self.matching_any(request)?;
        let names: BTreeSet<u32> = series
            .iter()
            .flat_map(|s| s.labels.iter().map(|l| l.name.0))
            .collect();
        Ok(self.sorted_texts(names))
    }

    fn values_now(
        &self,
        name: &str,
        request: LabelsRequest<'_>,
    ) -> Result<Vec<String>, StorageError> {
        let LabelsRequest {
            selectors, range, ..
        } = request;
        let index = self.contents.index(&self.symbols);
        let Some(of_name) = index.name(name) else {
            return Ok(Vec::new());
        };
        if selectors.is_empty() {
            let live = |i: &usize| {
                of_name
                    .ranks(*i)
                    .iter()
                    .any(|&rank| self.contents.series[index.series(rank) as usize].overlaps(range))
            };
            let live = (0..of_name.len()).filter(live);
            return Ok(live.map(|i| of_name.value(i)).collect());
        }
        let Some(name) = self.symbols.lookup(name) else {
            return Ok(Vec::new());
        };
        let series = self.matching_any(request)?;
        let of_label =
            |s: &Arc<Series>| s.labels.iter().find(|l| l.name == name).map(|l| l.value.0);
        Ok(self.sorted_texts(series.iter().filter_map(of_label).collect()))
    }

    fn covers_all(&self, range: TimeRange) -> bool {
        let inside = |(first, last)| range.start <= first && last <= range.end;
        let series = &self.contents.series;
        series.iter().all(|s| s.times().is_some_and(inside))
    }

    fn sorted_texts(&self, symbols: BTreeSet<u32>) -> Vec<String> {
        let table = self.symbols.read();
        let mut texts: Vec<String> = symbols
            .into_iter()
            .map(|s| table.get(Symbol(s)).to_string())
            .collect();
        texts.sort_unstable();
        texts
    }
}

impl Snapshot for MemorySnapshot {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        async move { self.select_now(&request) }.boxed()
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        ready(self.names_now(request)).boxed()
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        ready(self.values_now(name, request)).boxed()
    }

    fn series_count(&self) -> Option<u64> {
        Some(self.contents.series.len() as u64)
    }

    fn time_range(&self) -> Option<TimeRange> {
        let times = || self.contents.series.iter().filter_map(|s| s.times());
        let start = times().map(|(first, _)| first).min()?;
        let end = times().map(|(_, last)| last).max()?;
        Some(TimeRange { start, end })
    }
}
