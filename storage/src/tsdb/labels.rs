//! Label names and values of a view.

use quarrel_engine::storage::{LabelsRequest, StorageError, TimeRange};

use super::block::Block;
use super::head::Head;
use super::snapshot::View;

impl View {
    fn overlapping(&self, range: TimeRange) -> impl Iterator<Item = &Block> {
        let overlaps = move |b: &&Block| b.meta().overlaps(range.start, range.end);
        self.blocks.iter().map(|b| &*b.block).filter(overlaps)
    }

    /// The head, if its in-order samples overlap the range: Prometheus does not
    /// consider others for names and values.
    fn head_for_labels(&self, range: TimeRange) -> Option<&Head> {
        let in_order = self.head.in_order_range();
        in_order
            .filter(|(start, end)| range.overlaps(*start, *end))
            .map(|_| &*self.head)
    }

    /// Implements `Snapshot::label_names`. As in Prometheus, all series of a
    /// block that overlaps the range count.
    pub fn label_names(&self, request: LabelsRequest<'_>) -> Result<Vec<String>, StorageError> {
        let LabelsRequest {
            selectors,
            range,
            control,
            ..
        } = request;
        let mut names = Vec::new();
        for block in self.overlapping(range) {
            if selectors.is_empty() {
                names.extend(block.index().label_names()?);
            }
            for matchers in selectors {
                names.extend(block.label_names(matchers, &self.cache, control)?);
            }
        }
        if let Some(head) = self.head_for_labels(range) {
            if selectors.is_empty() {
                names.extend(head.label_names(&[], control)?);
            }
            for matchers in selectors {
                names.extend(head.label_names(matchers, control)?);
            }
        }
        Ok(sorted(names))
    }

    /// Implements `Snapshot::label_values`; ranges as in [`View::label_names`].
    pub fn label_values(
        &self,
        name: &str,
        request: LabelsRequest<'_>,
    ) -> Result<Vec<String>, StorageError> {
        let LabelsRequest {
            selectors,
            range,
            control,
            ..
        } = request;
        let mut values = Vec::new();
        for block in self.overlapping(range) {
            if selectors.is_empty() {
                values.extend(block.label_values(name, &[], &self.cache, control)?);
            }
            for matchers in selectors {
                values.extend(block.label_values(name, matchers, &self.cache, control)?);
            }
        }
        if let Some(head) = self.head_for_labels(range) {
            if selectors.is_empty() {
                values.extend(head.label_values(name, &[], control)?);
            }
            for matchers in selectors {
                values.extend(head.label_values(name, matchers, control)?);
            }
        }
        Ok(sorted(values))
    }
}

/// All texts in order, each once. Those of one source are mostly sorted already,
/// which the sort notices.
fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts.dedup();
    texts
}
