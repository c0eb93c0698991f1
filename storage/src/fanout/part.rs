//! A part of a fan-out.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use quarrel_engine::storage::{Matcher, Storage, TimeRange};

use super::PartView;
use crate::shard::Shard;

/// A storage, and what is known of it.
#[derive(Clone)]
pub struct Part {
    pub(super) storage: Arc<dyn Storage>,
    /// Sorted by name.
    pub(super) labels: Arc<[(String, String)]>,
    pub(super) shard: Option<Arc<Shard>>,
    range: Option<TimeRange>,
    name: Option<Arc<str>>,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("name", &self.name())
            .field("labels", &self.labels)
            .field("shard", &self.shard)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// The labels of a part cannot be labels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartError {
    /// A label has no name, or no value.
    #[error("label {name}={value:?}: names and values of external labels are not empty")]
    Empty {
        /// The label's name.
        name: String,
        /// Its value.
        value: String,
    },
    /// A label is there twice.
    #[error("label {0} is there twice")]
    Repeated(String),
}

impl Part {
    /// All of a storage.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Part {
            storage,
            labels: Arc::default(),
            shard: None,
            range: None,
            name: None,
        }
    }

    /// The same with labels that all of its series get, instead of their own of these
    /// names. They are matched, too.
    ///
    /// # Errors
    /// When a name or a value is empty, or a name is there twice.
    pub fn with_labels<N: Into<String>, V: Into<String>>(
        mut self,
        labels: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, PartError> {
        let labels = labels.into_iter().map(|(n, v)| (n.into(), v.into()));
        let mut labels: Vec<(String, String)> = labels.collect();
        labels.sort_unstable();
        if let Some((name, value)) = labels.iter().find(|(n, v)| n.is_empty() || v.is_empty()) {
            let (name, value) = (name.clone(), value.clone());
            return Err(PartError::Empty { name, value });
        }
        if let Some(pair) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(PartError::Repeated(pair[0].0.clone()));
        }
        self.labels = labels.into();
        Ok(self)
    }

    /// The same of which the range of its data is known, ms: it is not asked for what
    /// lies outside.
    #[must_use]
    pub fn with_range(mut self, range: TimeRange) -> Self {
        self.range = Some(range);
        self
    }

    /// The same of which one shard of its series is wanted.
    #[must_use]
    pub fn with_shard(mut self, shard: Shard) -> Self {
        self.shard = Some(Arc::new(shard));
        self
    }

    /// The same with a name for warnings, else that of the storage.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(super) fn name(&self) -> Cow<'_, str> {
        match &self.name {
            Some(name) => (&**name).into(),
            None => self.storage.name(),
        }
    }

    /// Whether it adds nothing to its storage.
    pub(super) fn is_plain(&self) -> bool {
        self.labels.is_empty() && self.shard.is_none() && self.range.is_none()
    }

    /// Whether it can have samples in a range.
    pub(super) fn has(&self, range: TimeRange) -> bool {
        self.range
            .is_none_or(|own| own.overlaps(range.start, range.end))
    }

    /// The matchers of labels that the part does not add; `None` if those that it adds
    /// do not match.
    pub(super) fn matchers(&self, matchers: &[Matcher]) -> Option<Vec<Matcher>> {
        let mut own = Vec::with_capacity(matchers.len());
        for matcher in matchers {
            let external = self.labels.iter().find(|(name, _)| name == matcher.name());
            match external {
                Some((_, value)) if !matcher.matches(value) => return None,
                Some(_) => {}
                None => own.push(matcher.clone()),
            }
        }
        Some(own)
    }
}

impl PartView {
    /// The range of its data, as far as it is known.
    pub(super) fn range(&self) -> Option<TimeRange> {
        self.part.range.or_else(|| self.view.time_range())
    }

    /// Whether it can have samples in a range.
    pub(super) fn has(&self, range: TimeRange) -> bool {
        let known = self.range();
        known.is_none_or(|own| own.overlaps(range.start, range.end))
    }
}
