//! The versions of Go's syntax that Prometheus uses.

/// The use of a pattern. Prometheus parses matchers and `label_replace` with
/// different versions of Go's syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// In a matcher: `.` matches a newline.
    Matcher,
    /// In `label_replace`: Unicode classes have looser names.
    Replacer,
}
