//! What queries may use.

/// What the queries of a [`Generator`](super::Generator) may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Experimental functions and aggregators, fill modifiers, `anchored` and
    /// `smoothed`, and durations that are expressions.
    pub experimental: bool,
    /// How many of 100 queries are wrong on purpose. A few of these are right by
    /// chance.
    pub broken: u8,
    /// Whether no query looks beyond the last time of the schema, where a live
    /// server may still write.
    pub past: bool,
}

impl Default for Options {
    /// The stable language, and 6 of 100 queries wrong.
    fn default() -> Self {
        Options {
            experimental: false,
            broken: 6,
            past: false,
        }
    }
}
