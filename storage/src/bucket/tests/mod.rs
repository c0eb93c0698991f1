//! Tests of buckets in memory.

mod conformance;
mod cost;
mod discovery;
mod downsampled;
mod faults;
mod queries;
