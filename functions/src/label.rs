//! The pure parts of `label_replace` and `label_join`.

use quarrel_matchers::{RegexBudget, Replacer, TooLong};

/// Whether Prometheus takes a text as a label name: any UTF-8 text that is
/// not empty.
pub fn is_valid_label_name(name: &str) -> bool {
    !name.is_empty()
}

/// An argument that `label_replace` or `label_join` refuses, in Prometheus's
/// words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// No regular expression.
    #[error("invalid regular expression in label_replace(): {0}")]
    Regex(String),
    /// No label name to write to.
    #[error("invalid destination label name in {function}(): {name}")]
    Destination {
        /// Which function.
        function: &'static str,
        /// The name.
        name: String,
    },
    /// No label name to read from.
    #[error("invalid source label name in label_join(): {0}")]
    Source(String),
}

/// `label_replace(v, destination, replacement, source, regex)`
#[derive(Clone, Debug)]
pub struct LabelReplace {
    replacer: Replacer,
    replacement: String,
    /// The label that is written.
    pub destination: String,
    /// The label that is read; it need not exist.
    pub source: String,
}

impl LabelReplace {
    /// Parses the arguments; the expression's automaton is built within `budget`.
    ///
    /// # Errors
    /// When the regular expression or the destination is none.
    pub fn new(
        destination: &str,
        replacement: &str,
        source: &str,
        regex: &str,
        budget: &RegexBudget,
    ) -> Result<Self, LabelError> {
        let replacer =
            Replacer::new_within(regex, budget).map_err(|_| LabelError::Regex(regex.to_owned()))?;
        check_destination("label_replace", destination)?;
        Ok(LabelReplace {
            replacer,
            replacement: replacement.to_owned(),
            destination: destination.to_owned(),
            source: source.to_owned(),
        })
    }

    /// The destination's new value for a source's value (empty where the label
    /// is missing): `None` where the expression does not match and all labels
    /// stay; an empty value takes the destination away.
    ///
    /// # Errors
    /// When the value would have more than `most` bytes; it is not made then.
    pub fn value(&self, source: &str, most: usize) -> Result<Option<String>, TooLong> {
        self.replacer
            .replace_within(source, &self.replacement, most)
    }
}

/// `label_join(v, destination, separator, sources...)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelJoin {
    separator: String,
    /// The label that is written.
    pub destination: String,
    /// The labels that are read; they need not exist.
    pub sources: Vec<String>,
}

impl LabelJoin {
    /// Checks the arguments.
    ///
    /// # Errors
    /// When a label name is none.
    pub fn new(
        destination: &str,
        separator: &str,
        sources: Vec<String>,
    ) -> Result<Self, LabelError> {
        if let Some(name) = sources.iter().find(|name| !is_valid_label_name(name)) {
            return Err(LabelError::Source(name.clone()));
        }
        check_destination("label_join", destination)?;
        Ok(LabelJoin {
            separator: separator.to_owned(),
            destination: destination.to_owned(),
            sources,
        })
    }

    /// How many bytes the destination's new value has.
    pub fn length<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> usize {
        let (mut count, mut length) = (0, 0);
        for value in values {
            count += 1;
            length += value.len();
        }
        length + self.separator.len() * usize::saturating_sub(count, 1)
    }

    /// Writes the destination's new value from the sources' values, in their
    /// order, empty where a label is missing. An empty value takes the
    /// destination away.
    pub fn value<'a>(&self, values: impl IntoIterator<Item = &'a str>, joined: &mut String) {
        joined.clear();
        for (i, value) in values.into_iter().enumerate() {
            if i > 0 {
                joined.push_str(&self.separator);
            }
            joined.push_str(value);
        }
    }
}

fn check_destination(function: &'static str, name: &str) -> Result<(), LabelError> {
    if is_valid_label_name(name) {
        return Ok(());
    }
    Err(LabelError::Destination {
        function,
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_where_the_whole_value_matches() {
        let budget = RegexBudget::default();
        let port = LabelReplace::new("port", "$2-$1", "instance", "(.*):(.*)", &budget).unwrap();
        let value = |source| port.value(source, 100).unwrap();
        assert_eq!(value("host:90").as_deref(), Some("90-host"));
        assert_eq!(value("host"), None);
        assert!(port.value("host:90", 6).is_err());
        assert_eq!(
            (port.destination.as_str(), port.source.as_str()),
            ("port", "instance")
        );
        let always = LabelReplace::new("a", "x", "missing", ".*", &budget).unwrap();
        assert_eq!(always.value("", 1).unwrap().as_deref(), Some("x"));
    }

    #[test]
    fn joins_missing_labels_as_empty() {
        let sources = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let join = LabelJoin::new("d", ", ", sources).unwrap();
        let mut text = "before".to_owned();
        join.value(["x", "", "z"], &mut text);
        assert_eq!(text, "x, , z");
        assert_eq!(join.length(["x", "", "z"]), text.len());
        let none = LabelJoin::new("d", "-", vec![]).unwrap();
        none.value([], &mut text);
        assert_eq!((text.as_str(), none.length([])), ("", 0));
    }

    #[test]
    fn refusals_are_worded_as_in_prometheus() {
        let budget = RegexBudget::default();
        let text = |error: LabelError| error.to_string();
        assert_eq!(
            text(LabelReplace::new("", "", "", "(", &budget).unwrap_err()),
            "invalid regular expression in label_replace(): ("
        );
        assert_eq!(
            text(LabelReplace::new("", "", "", ".", &budget).unwrap_err()),
            "invalid destination label name in label_replace(): "
        );
        assert_eq!(
            text(LabelJoin::new("", "", vec![String::new()]).unwrap_err()),
            "invalid source label name in label_join(): "
        );
        assert_eq!(
            text(LabelJoin::new("", "", vec![]).unwrap_err()),
            "invalid destination label name in label_join(): "
        );
    }
}
