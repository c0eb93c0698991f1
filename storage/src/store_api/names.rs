//! Look-ups of label names and label values.

use std::sync::Arc;
use std::time::Instant;

use futures::stream::{FuturesUnordered, StreamExt};
use quarrel_engine::storage::{LabelsRequest, Matcher, SelectControl, StorageError, TimeRange};

use super::endpoint::Client;
use super::failure::{Asked, Cause, StoreFailure};
use super::metrics::StoreMethod;
use super::observe::CallOutcome;
use super::query::StoreQuery;
use super::request;
use super::snapshot::{Pinned, StoreSnapshot};
use crate::sorted::merge_texts;
use crate::tasks::Task;

/// One question to one store.
struct Question {
    store: Pinned,
    query: Arc<StoreQuery>,
    /// The label whose values are asked for; `None` for all names.
    label: Option<String>,
    range: TimeRange,
    matchers: Vec<Matcher>,
}

/// Names or values, and warnings.
type Texts = (Vec<String>, Vec<String>);

impl StoreSnapshot {
    /// The values of a label, or all names.
    ///
    /// # Errors
    /// The end of the query, and a store's failure if the answer of some is not enough.
    pub(super) async fn names_now(
        &self,
        label: Option<&str>,
        request: LabelsRequest<'_>,
    ) -> Result<Vec<String>, StorageError> {
        self.check_any()?;
        let replica_labels = &self.query.replica_labels;
        if label.is_some_and(|label| replica_labels.iter().any(|name| name == label)) {
            // Series without these labels have no value of them.
            return Ok(Vec::new());
        }
        let mut answers: FuturesUnordered<Task<Result<Texts, StoreFailure>>> = self
            .questions(label, &request)
            .into_iter()
            .map(|question| Task::spawn(&self.runtime, question.ask()))
            .collect();
        let mut lists = Vec::new();
        let mut warnings = Vec::new();
        for matchers in selectors_of(&request) {
            warnings.extend(self.lost_with(request.range, matchers));
        }
        loop {
            let began = Instant::now();
            let answer = answers.next().await;
            request.control.waited(began.elapsed());
            match answer {
                None => break,
                Some(Ok(Ok((mut texts, of_store)))) => {
                    reserve(&texts, request.control)?;
                    if label.is_none() {
                        texts.retain(|name| !replica_labels.contains(name));
                    }
                    lists.push(texts);
                    warnings.extend(of_store);
                }
                Some(Ok(Err(failure))) => self.failed(failure, &mut warnings)?,
                Some(Err(error)) => return Err(StorageError::Other(error.to_string())),
            }
        }
        let mut told = self.warnings.lock();
        told.extend(warnings);
        told.sort_unstable();
        told.dedup();
        Ok(merge_texts(lists, 0))
    }

    /// What is to be asked of each store, for each selector.
    fn questions(&self, label: Option<&str>, request: &LabelsRequest<'_>) -> Vec<Question> {
        let of = |matchers: &Vec<Matcher>| {
            let stores = self.stores_with(request.range, matchers);
            let question = |store: &Pinned| Question {
                store: store.clone(),
                query: Arc::clone(&self.query),
                label: label.map(str::to_string),
                range: request.range,
                matchers: matchers.clone(),
            };
            stores.map(question).collect::<Vec<_>>()
        };
        selectors_of(request).iter().flat_map(of).collect()
    }
}

/// The selectors of a request; one of everything if it has none.
fn selectors_of<'a>(request: &LabelsRequest<'a>) -> &'a [Vec<Matcher>] {
    const EVERYTHING: &[Vec<Matcher>] = &[Vec::new()];
    match request.selectors {
        [] => EVERYTHING,
        selectors => selectors,
    }
}

impl Question {
    async fn ask(self) -> Result<Texts, StoreFailure> {
        let method = match self.label {
            Some(_) => StoreMethod::LabelValues,
            None => StoreMethod::LabelNames,
        };
        let counters = self.store.endpoint.counters.of(method);
        counters.begin();
        let began = Instant::now();
        let matchers = self.query.printed(&self.matchers);
        let (query, endpoint) = (&self.query, &self.store.endpoint.address);
        let mut observed = query.observed(endpoint, method.full_name(), &matchers);
        let headers = observed.as_ref().map(|call| call.headers());
        let answer = self.answer(&headers.unwrap_or_default()).await;
        let elapsed = began.elapsed();
        counters.end(elapsed, answer.is_err());
        if let Some(call) = &mut observed {
            let bytes = |(texts, _): &Texts| texts.iter().map(|text| text.len() as u64).sum();
            call.end(CallOutcome {
                elapsed,
                messages: u64::from(answer.is_ok()),
                bytes: answer.as_ref().map_or(0, bytes),
                error: answer.as_ref().err().map(ToString::to_string),
                ..CallOutcome::default()
            });
        }
        answer.map_err(|cause| StoreFailure {
            store: Arc::clone(&self.store.name),
            asked: match self.label {
                Some(_) => Asked::LabelValues,
                None => Asked::LabelNames,
            },
            cause,
        })
    }

    async fn answer(&self, headers: &[(&'static str, String)]) -> Result<Texts, Cause> {
        let endpoint = &self.store.endpoint;
        let facts = self.store.info.store.as_ref();
        let supported = facts.is_some_and(|facts| facts.supports_without_replica_labels);
        let (query, range, matchers) = (&self.query, self.range, &self.matchers);
        let (texts, warnings) = match &self.label {
            Some(label) => {
                let message = request::label_values(query, label, range, matchers, supported);
                let ask = |mut client: Client| {
                    let message = request::with_headers(query, headers, message.clone());
                    async move { client.label_values(message).await }
                };
                let answer = endpoint.ask(ask).await?;
                (answer.values, answer.warnings)
            }
            None => {
                let message = request::label_names(query, range, matchers, supported);
                let ask = |mut client: Client| {
                    let message = request::with_headers(query, headers, message.clone());
                    async move { client.label_names(message).await }
                };
                let answer = endpoint.ask(ask).await?;
                (answer.names, answer.warnings)
            }
        };
        match warnings.first() {
            Some(warning) if !query.partial_response => Err(Cause::Warned(warning.clone())),
            _ => Ok((texts, warnings)),
        }
    }
}

/// Counts what a store has sent.
fn reserve(texts: &[String], control: &dyn SelectControl) -> Result<(), StorageError> {
    let bytes: usize = texts
        .iter()
        .map(|text| text.capacity() + size_of::<String>())
        .sum();
    control.reserve(bytes)?;
    control.check()
}
