//! A part of a query.

use std::sync::Arc;

use super::metric::Metric;

/// A part of a query, and what is known of its rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) text: String,
    /// Whether it needs no parentheses as an operand.
    pub(super) atom: bool,
    /// The labels that its rows may have, without `__name__`.
    pub(super) labels: Vec<String>,
    /// The metric that its rows come from, if it is one.
    pub(super) metric: Option<Arc<Metric>>,
}

impl Part {
    /// An atom whose rows have no labels.
    pub(super) fn atom(text: impl Into<String>) -> Self {
        Part {
            text: text.into(),
            atom: true,
            ..Part::default()
        }
    }

    /// An operation whose rows have no labels.
    pub(super) fn operation(text: impl Into<String>) -> Self {
        Part {
            text: text.into(),
            ..Part::default()
        }
    }

    /// An atom with the rows of a metric.
    pub(super) fn of(metric: &Arc<Metric>, text: impl Into<String>) -> Self {
        Part {
            text: text.into(),
            atom: true,
            labels: metric.labels.clone(),
            metric: Some(metric.clone()),
        }
    }

    /// The same rows under another text, an atom.
    pub(super) fn call(mut self, text: String) -> Self {
        self.text = text;
        self.atom = true;
        self
    }

    /// The same rows under another text, an operation.
    pub(super) fn operated(mut self, text: String) -> Self {
        self.text = text;
        self.atom = false;
        self
    }

    /// The same rows with other labels.
    pub(super) fn labeled(mut self, labels: Vec<String>) -> Self {
        self.labels = labels;
        self
    }

    /// The same rows with one more label.
    pub(super) fn with_label(mut self, label: &str) -> Self {
        if label != "__name__" && !self.labels.iter().any(|l| l == label) {
            self.labels.push(label.into());
        }
        self
    }
}

/// The labels of both lists.
pub(super) fn common(a: &[String], b: &[String]) -> Vec<String> {
    a.iter()
        .filter(|label| b.contains(label))
        .cloned()
        .collect()
}

/// The labels of the first list that are not in the second.
pub(super) fn without(labels: &[String], drop: &[String]) -> Vec<String> {
    let kept = labels.iter().filter(|label| !drop.contains(label));
    kept.cloned().collect()
}
