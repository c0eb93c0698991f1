//! Compares quarrel's reading of data directories with that of Prometheus.
//!
//! Go programs of `compliance/go` write data directories and print what
//! Prometheus reads from copies of them. The tests are in `tests/`: `head` for
//! the head alone, `tsdb` for whole directories. They need Go, so they are
//! ignored unless asked for:
//!
//! ```sh
//! cargo test -p quarrel-peer-tests --tests -- --ignored
//! ```
//!
//! The library holds what the tests share.

mod digest;
mod files;
mod go;

pub use digest::{Fnv, hex, label_line};
pub use files::{copy_dir, demo_data};
pub use go::{build, headlab, live_writer};
