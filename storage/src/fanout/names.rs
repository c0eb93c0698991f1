//! Look-ups of label names and label values.

use futures::future::join_all;
use quarrel_engine::storage::{LabelsRequest, Matcher, StorageError};

use super::{FanoutSnapshot, PartView};
use crate::sorted::merge_texts;

impl FanoutSnapshot {
    /// The values of a label, or all names.
    ///
    /// # Errors
    /// The end of the query, and a part's failure if the answer of some is not enough.
    pub(super) async fn texts(
        &self,
        label: Option<&str>,
        request: LabelsRequest<'_>,
    ) -> Result<Vec<String>, StorageError> {
        let with = self.views.iter().filter(|part| part.has(request.range));
        let with = with.filter_map(|view| Some((view, view.selectors(request.selectors)?)));
        let asked: Vec<(&PartView, Vec<Vec<Matcher>>)> = with.collect();
        let answers = asked.iter().map(|(view, selectors)| {
            let own = LabelsRequest::new(selectors, request.range);
            view.texts(label, own.with_control(request.control))
        });
        let answers = join_all(answers).await;
        let mut lists = Vec::with_capacity(answers.len());
        for ((view, _), answer) in asked.iter().zip(answers) {
            match answer {
                Ok(texts) => lists.push(texts),
                Err(error) => {
                    let warning = self.failed(&view.part, error)?;
                    self.warnings.lock().push(warning);
                }
            }
        }
        request.control.check()?;
        Ok(merge_texts(lists, 0))
    }
}

impl PartView {
    /// The selectors that the part can match, without the labels that it adds; `None` if
    /// there is none.
    fn selectors(&self, selectors: &[Vec<Matcher>]) -> Option<Vec<Vec<Matcher>>> {
        let own = selectors.iter().filter_map(|of| self.part.matchers(of));
        let own: Vec<Vec<Matcher>> = own.collect();
        (selectors.is_empty() || !own.is_empty()).then_some(own)
    }

    async fn texts(
        &self,
        label: Option<&str>,
        request: LabelsRequest<'_>,
    ) -> Result<Vec<String>, StorageError> {
        let added = &self.part.labels;
        let of_label = label.map(|label| added.iter().find(|(name, _)| name == label));
        match (label, of_label.flatten()) {
            (Some(label), None) => self.view.label_values(label, request).await,
            // All of its series have it, if there is one.
            (Some(_), Some((_, value))) => {
                let names = self.view.label_names(request).await?;
                Ok(names.first().map(|_| value.clone()).into_iter().collect())
            }
            (None, _) => {
                let mut names = self.view.label_names(request).await?;
                if !names.is_empty() {
                    names.extend(added.iter().map(|(name, _)| name.clone()));
                }
                Ok(names)
            }
        }
    }
}
