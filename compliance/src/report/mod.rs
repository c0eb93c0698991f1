//! What a comparison found, for people and for programs.

mod escape;
mod html;
mod json;
mod junit;
mod markdown;
mod plot;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod write;

pub(crate) use escape::escape;
pub use summary::Report;
pub use write::{Format, UnknownFormat};
