//! What is filled in from an endpoint's data.

use std::collections::BTreeMap;

/// The names of variables; the list's comment says what they are.
pub(super) static NAMES: [&str; 14] = [
    "counter",
    "counter_label",
    "counter_other",
    "counter_value",
    "gauge",
    "gauge_label",
    "gauge_other",
    "gauge_value",
    "histogram",
    "histogram_label",
    "info",
    "info_label",
    "native",
    "native_label",
];

/// Metrics and labels that the queries of the list are about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    values: BTreeMap<&'static str, String>,
}

/// A variable that the list does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no variable {name:?}, there are {}", NAMES.join(", "))]
pub struct UnknownVariable {
    /// The name that was given.
    pub name: String,
}

impl Variables {
    /// The names that there are.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Sets a value, as a user may choose.
    ///
    /// # Errors
    /// If there is no such variable.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> Result<(), UnknownVariable> {
        let known = NAMES.iter().find(|known| **known == name);
        let known = known.ok_or_else(|| UnknownVariable { name: name.into() })?;
        self.values.insert(known, value.into());
        Ok(())
    }

    /// All variables, those without a value included.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        NAMES.iter().map(|name| (*name, self.get(name)))
    }

    /// Sets a value where the name is known to be one.
    pub(super) fn put(&mut self, name: &'static str, value: &str) {
        debug_assert!(NAMES.contains(&name));
        self.values.insert(name, value.into());
    }
}
