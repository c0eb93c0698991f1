//! What can go wrong with a template.

/// Why a template is refused or gives no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// It is no template, in the words of Go's parser where they are known.
    #[error("template: {name}:{line}: {message}")]
    Syntax {
        /// The name of the template.
        name: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// It fails as it does in Prometheus: this is Go's message, with the place.
    #[error("{0}")]
    Execution(String),
    /// It needs something that Go has and this engine has not.
    #[error("template {name}: {what} is not supported")]
    Unsupported {
        /// The name of the template.
        name: String,
        /// What it needs.
        what: String,
    },
}
