//! Tests of buckets in memory.

mod conformance;
mod cost;
mod discovery;
mod faults;
mod queries;
