//! A list of queries that covers all of PromQL, for any endpoint: its metrics
//! and labels are filled in from the endpoint's data.

mod arguments;
mod discover;
mod list;
#[cfg(test)]
mod tests;
mod variables;

pub use discover::discover;
pub use list::{Builtin, builtin};
pub use variables::{UnknownVariable, Variables};
