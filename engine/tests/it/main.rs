//! The engine from outside, over series in memory.

mod annotations;
mod answers;
mod fake;
mod generated;
mod joins;
mod limits;
mod options;
mod oracle;
mod plans;
mod recursion;
mod stores;
mod support;
mod threads;
