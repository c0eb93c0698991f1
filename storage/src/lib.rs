//! Connectors: where quarrel's engine reads its samples from.
//!
//! Each connector is a module behind a cargo feature of the same name and
//! implements the engine's `Storage` trait. No PromQL semantics live here.

pub mod conformance;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "tsdb")]
pub mod tsdb;
