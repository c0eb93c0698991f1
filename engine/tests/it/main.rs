//! The engine from outside, over series in memory.

mod answers;
mod fake;
mod joins;
mod limits;
mod stores;
mod support;
