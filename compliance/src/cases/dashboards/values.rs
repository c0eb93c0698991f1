//! Values of variables, and how they are written into a query.

use super::format;

/// The value of a variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bound {
    /// The chosen values.
    pub values: Vec<String>,
    /// Whether several may be chosen, so that values are regular expressions.
    pub is_list: bool,
    /// Whether the value is written as it is: a custom value of "All", a
    /// duration.
    pub is_literal: bool,
}

impl Bound {
    /// One value, written as it is.
    pub fn literal(value: impl Into<String>) -> Self {
        Bound {
            values: vec![value.into()],
            is_list: false,
            is_literal: true,
        }
    }

    /// As Grafana's Prometheus data source writes it: several values are
    /// alternatives in a regular expression, all within a PromQL string.
    pub fn for_promql(&self) -> String {
        if self.is_literal {
            return self.values.join(",");
        }
        if !self.is_list {
            return format::in_string(&self.values.join(","));
        }
        let escaped = self.values.iter();
        let escaped = escaped.map(|value| format::in_string(&format::in_regex(value)));
        let escaped: Vec<String> = escaped.collect();
        match &*escaped {
            [one] => one.clone(),
            several => format!("({})", several.join("|")),
        }
    }
}
