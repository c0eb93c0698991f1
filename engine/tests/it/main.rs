//! The engine from outside, over series in memory.

mod answers;
mod deep;
mod fake;
mod generated;
mod joins;
mod limits;
mod notes;
mod options;
mod oracle;
mod plans;
mod stores;
mod support;
mod threads;
