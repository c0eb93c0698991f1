//! The engine from outside, over series in memory.

mod answers;
mod fake;
mod generated;
mod joins;
mod limits;
mod oracle;
mod stores;
mod support;
