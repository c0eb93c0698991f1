//! What the Go module in `bindings/go` links: quarrel behind a C ABI.
//!
//! Go calls Rust, Rust never calls Go. A query that needs samples stops, hands
//! a request to its caller, and goes on when it is called again with the
//! answer ([`run`]). So samples are read by the goroutine that runs the query,
//! no Go code runs on a foreign thread or above a Rust frame, and a panic of
//! either side stays on that side.
//!
//! What crosses the border is numbers, and bytes that are copied at once:
//! requests and answers are messages of little-endian fields ([`message`]).
//! Objects are handles, numbers that are used once ([`handles`]), so that a
//! stale or a made-up one is an error. The functions and the only `unsafe` of
//! this crate are in [`abi`].
//!
//! What it is bad at: an answer is spelled out, label strings for each series,
//! and the samples of all series of a select are at hand before the first is
//! decoded.

mod abi;
mod answer;
mod failure;
mod handles;
mod message;
mod options;
mod run;
mod samples;
mod storage;

#[cfg(test)]
mod tests;
