//! Go's `text/template` with the functions of Prometheus, for the labels and
//! annotations of alerts.
//!
//! A text is cut into tokens (`lexer.rs`), parsed into a tree (`parser.rs`,
//! `tree.rs`) and run (`exec.rs`). Functions stand in one table
//! (`functions.rs`), each with the types of its parameters. Failures have the
//! words and the places that Go gives them, since Prometheus writes them into
//! annotations.
//!
//! It has all actions of Go's templates: trim markers, comments, pipelines,
//! variables, fields, `if`, `with`, `range`, `break`, `continue`, `define`,
//! `template` and `block`.
//!
//! # What is not supported
//! These are refused by name ([`TemplateError::Unsupported`]):
//! - complex numbers, and strings that are not UTF-8,
//! - printing a whole answer of `query`, which shows addresses in Go,
//! - methods of times and durations that take or give more than texts and
//!   numbers, such as `Add`,
//! - fields of native histograms beyond `Count`, `Sum`, `Schema`, `ZeroCount` and
//!   `ZeroThreshold`,
//! - blocks and parentheses deeper than 200,
//! - templates that take a million steps, or make 16 MiB.
//!
//! These differ: `printf` takes no notice of the flag `#` for floats and for
//! `%v`, and prints what a pointer points to where Go prints its address.
//!
//! # Examples
//! ```
//! use std::sync::Arc;
//! use quarrel_compliance::template::{AlertData, Environment, Sample, SampleValue, Template};
//!
//! struct Nothing;
//!
//! impl Environment for Nothing {
//!     fn query(&self, _: &str) -> Result<Vec<Arc<Sample>>, String> {
//!         Ok(Vec::new())
//!     }
//!     fn now_ms(&self) -> i64 {
//!         0
//!     }
//!     fn server_url(&self) -> Option<&str> {
//!         None
//!     }
//! }
//!
//! let template = Template::parse("t", "{{ .Labels.job }} is at {{ .Value | humanizePercentage }}")?;
//! let data = AlertData {
//!     labels: Arc::new([("job".to_string(), "api".to_string())].into()),
//!     external_labels: Arc::default(),
//!     external_url: "".into(),
//!     value: SampleValue::Float(0.125),
//! };
//! assert_eq!(template.expand(data, &Nothing)?, "api is at 12.5%");
//! # Ok::<(), quarrel_compliance::template::TemplateError>(())
//! ```

mod budget;
mod builtins;
mod call;
mod error;
mod escape;
mod exec;
mod floats;
mod functions;
mod humanize;
mod lexer;
mod methods;
mod number;
mod parser;
mod place;
mod printf;
mod prometheus;
#[cfg(test)]
mod tests;
mod time;
mod title;
mod tree;
mod value;

use std::sync::Arc;

pub use call::Environment;
pub use error::TemplateError;
pub use value::{AlertData, Labels, Sample, SampleValue};

/// A parsed template.
#[derive(Debug)]
pub struct Template {
    name: String,
    text: String,
    tree: tree::Tree,
}

impl Template {
    /// Parses a text.
    ///
    /// # Errors
    /// When it is no template, or needs what is not supported.
    pub fn parse(name: impl Into<String>, text: impl Into<String>) -> Result<Self, TemplateError> {
        let (name, text) = (name.into(), text.into());
        let tree = parser::parse(&name, &text)?;
        Ok(Template { name, text, tree })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text that the template makes of an alert's data.
    ///
    /// # Errors
    /// When it fails, or needs what is not supported.
    pub fn expand(
        &self,
        data: AlertData,
        environment: &dyn Environment,
    ) -> Result<String, TemplateError> {
        let data = value::Value::Alert(Arc::new(data));
        let result = exec::execute(&self.name, &self.text, &self.tree, data, environment);
        result.map_err(|stop| match stop {
            exec::Stop::Failed(message) => TemplateError::Execution(message),
            exec::Stop::Unsupported(what) => TemplateError::Unsupported {
                name: self.name.clone(),
                what,
            },
        })
    }
}
