//! The series of an answer with their labels as text.

use quarrel_engine::labels::{Label, Symbol, Symbols};
use quarrel_engine::{SampleValue, SeriesSet};

use super::number::number;

/// Label names of an answer, and which of them distinguish its series.
pub(super) struct Names {
    /// The metric name first, then in the order of the texts.
    pub(super) all: Vec<Symbol>,
    /// The names whose value is not the same in all series.
    pub(super) different: Vec<Symbol>,
}

impl Names {
    pub(super) fn of(set: &SeriesSet, symbols: &Symbols<'_>) -> Self {
        let mut all: Vec<Symbol> = set
            .iter()
            .flat_map(|series| series.labels().iter().map(|label| label.name))
            .collect();
        all.sort_unstable();
        all.dedup();
        all.sort_by_key(|&name| (name != Symbol::NAME, symbols.get(name)));
        let different = all
            .iter()
            .copied()
            .filter(|&name| {
                let mut values = set.iter().map(|series| value_of(series.labels(), name));
                let first = values.next();
                values.any(|value| Some(value) != first)
            })
            .collect();
        Names { all, different }
    }

    /// The labels that are the same in all series, as a selector writes them;
    /// empty if there are none, or only one series.
    pub(super) fn common(&self, set: &SeriesSet, symbols: &Symbols<'_>) -> String {
        if set.len() < 2 || self.all.len() == self.different.len() {
            return String::new();
        }
        let first = set.iter().take(1);
        let labels: Vec<Label> = first
            .flat_map(|series| series.labels())
            .copied()
            .filter(|label| !self.different.contains(&label.name))
            .collect();
        symbols.display(&labels)
    }

    /// The columns of a table: the labels that distinguish the series; all
    /// labels of a single series.
    pub(super) fn columns(&self, set: &SeriesSet) -> &[Symbol] {
        if set.len() < 2 {
            &self.all
        } else {
            &self.different
        }
    }
}

/// The value of a label, the empty symbol where it is missing.
pub(super) fn value_of(labels: &[Label], name: Symbol) -> Symbol {
    labels
        .iter()
        .find(|label| label.name == name)
        .map_or(Symbol::EMPTY, |label| label.value)
}

/// Some labels of a series on one line, such as `job="x", mode="y"`; `{}` if
/// it has none of them.
pub(super) fn short(labels: &[Label], names: &[Symbol], symbols: &Symbols<'_>) -> String {
    let kept: Vec<Label> = labels
        .iter()
        .copied()
        .filter(|label| names.contains(&label.name))
        .collect();
    match kept.as_slice() {
        [] => "{}".to_string(),
        [only] if only.name == Symbol::NAME => symbols.get(only.value).to_string(),
        _ => symbols.display(&kept),
    }
}

/// A sample for people to read.
pub(super) fn sample(value: SampleValue<'_>) -> String {
    match value {
        SampleValue::Float(value) => number(value),
        SampleValue::Histogram(h) => h.to_text(),
    }
}
