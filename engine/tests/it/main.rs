//! The engine from outside, over series in memory.

mod annotations;
mod answers;
mod arrow;
mod downsampled;
mod fake;
mod flow;
mod generated;
mod group;
mod hostile;
mod joins;
mod limits;
mod native;
mod options;
mod oracle;
mod planning;
mod plans;
mod reading;
mod recursion;
mod replicas;
mod results;
mod stores;
mod streamed;
mod support;
mod threads;
