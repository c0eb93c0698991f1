//! Look-ups of label names and label values: those of the series that match.

use std::collections::BTreeSet;

use quarrel_engine::labels::Symbol;
use quarrel_engine::storage::{LabelsRequest, Matcher, SelectHints, StorageError};

use super::request::NO_SAMPLES;
use super::snapshot::RemoteReadSnapshot;
use crate::sent::collect::SentSeries;

/// A selector that all series match.
const EVERYTHING: &[Vec<Matcher>] = &[Vec::new()];

impl RemoteReadSnapshot {
    pub(super) async fn names(
        &self,
        request: LabelsRequest<'_>,
    ) -> Result<Vec<String>, StorageError> {
        let names = |series: &SentSeries, found: &mut BTreeSet<Symbol>| {
            let labels = series.labels.iter().flatten();
            found.extend(labels.map(|label| label.name));
        };
        self.texts(request, names).await
    }

    pub(super) async fn values(
        &self,
        name: &str,
        request: LabelsRequest<'_>,
    ) -> Result<Vec<String>, StorageError> {
        let values = |series: &SentSeries, found: &mut BTreeSet<Symbol>| {
            let Some(name) = series.symbols.read().find(name) else {
                return;
            };
            let labels = series.labels.iter().flatten();
            let labels = labels.filter(|label| label.name == name);
            found.extend(labels.map(|label| label.value));
        };
        self.texts(request, values).await
    }

    /// The texts that `find` finds in the series of any of the selectors, sorted.
    async fn texts(
        &self,
        request: LabelsRequest<'_>,
        find: impl Fn(&SentSeries, &mut BTreeSet<Symbol>),
    ) -> Result<Vec<String>, StorageError> {
        let selectors = match request.selectors {
            [] => EVERYTHING,
            selectors => selectors,
        };
        let mut hints = SelectHints::default();
        hints.function = NO_SAMPLES.to_string();
        let mut texts = BTreeSet::new();
        for matchers in selectors {
            let (range, control) = (request.range, request.control);
            let Some(series) = self.fetch(matchers, range, &hints, control).await? else {
                continue;
            };
            let mut found = BTreeSet::new();
            find(&series, &mut found);
            let symbols = series.symbols.read();
            texts.extend(
                found
                    .into_iter()
                    .map(|symbol| symbols.get(symbol).to_string()),
            );
        }
        Ok(texts.into_iter().collect())
    }
}
