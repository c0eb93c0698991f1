//! Random queries over the labels, values and types of real data.
//!
//! A [`Schema`] is what is known of the data, a [`Generator`] makes queries with
//! their times. It is directed by types and by the labels that each part of a
//! query has, so that most queries give data; a few are wrong on purpose
//! ([`Options::broken`]). Functions and aggregators come from the table of
//! functions, so that none is forgotten. What is not there: queries that are
//! slow on purpose.
//!
//! # Examples
//! ```
//! use quarrel_compliance::random::{Generator, Options, Schema};
//!
//! let queries = || Generator::new(Schema::example(), 7, Options::default());
//! for (a, b) in queries().zip(queries()).take(100) {
//!     assert_eq!(a, b, "the same seed gives the same queries");
//!     println!("{}: {}", a.origin, a.query);
//! }
//! ```

mod aggregate;
mod binary;
mod broken;
mod catalog;
mod dice;
mod forms;
mod functions;
mod generator;
mod histograms;
mod labels;
mod literals;
mod metric;
mod options;
mod part;
mod regex;
mod scalars;
mod schema;
mod selector;
#[cfg(test)]
mod tests;
mod times;
mod wrong;

pub use generator::Generator;
pub use metric::{Metric, MetricKind};
pub use options::Options;
pub use schema::Schema;
