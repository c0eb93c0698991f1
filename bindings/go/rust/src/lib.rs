//! The static library of the Go module in `bindings/go`: quarrel behind a C
//! ABI.
//!
//! Go calls Rust, Rust never calls Go. A query that needs samples stops, hands
//! a request to its caller, and continues when it is called again with the
//! answer (`run`). So samples are read by the goroutine that runs the query,
//! no Go code runs on a foreign thread or above a Rust frame, and a panic of
//! either side stays on that side.
//!
//! Numbers, and bytes that are copied at once, cross the border: requests and
//! answers are messages of little-endian fields (`message`). Objects are
//! handles, numbers that are used once (`handles`), so that a stale or a
//! made-up one is an error. The functions and the only `unsafe` of this crate
//! are in `abi`.
//!
//! What it is bad at: an answer holds the label strings of each series in full,
//! and the samples of all series of a select are in memory before the first is
//! decoded.

use mimalloc::MiMalloc;

/// Of the Rust side alone. Small queries spend a tenth of their time in malloc
/// otherwise.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

mod abi;
mod answer;
mod c;
mod failure;
mod handles;
mod message;
mod options;
mod parts;
mod run;
mod samples;
mod storage;
mod texts;
mod writer;

#[cfg(test)]
mod tests;
