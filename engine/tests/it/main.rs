//! The engine from outside, over series in memory.

mod answers;
mod support;
