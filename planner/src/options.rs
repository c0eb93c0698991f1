//! Which experimental syntax is allowed.

/// Named as in Prometheus's parser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParserOptions {
    /// Experimental functions and aggregators
    /// (`--enable-feature=promql-experimental-functions`).
    pub enable_experimental_functions: bool,
    /// `fill`, `fill_left`, `fill_right`
    /// (`--enable-feature=promql-binop-fill-modifiers`).
    pub enable_binop_fill_modifiers: bool,
    /// Letters beyond ASCII and dots in names without quotes.
    pub enable_unquoted_utf8_names: bool,
}

impl ParserOptions {
    /// Everything allowed.
    pub fn all() -> Self {
        ParserOptions {
            enable_experimental_functions: true,
            enable_binop_fill_modifiers: true,
            enable_unquoted_utf8_names: true,
        }
    }
}
