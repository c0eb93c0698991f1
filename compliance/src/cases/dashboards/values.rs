//! Values of variables.

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
}
