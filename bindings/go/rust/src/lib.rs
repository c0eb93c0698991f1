//! The static library of the Go module in `bindings/go`, and of other languages:
//! quarrel behind a C ABI (`quarrel.h`).
//!
//! The caller calls Rust, Rust never calls back. A query that needs samples stops,
//! hands a request to its caller, and continues when it is called again with the
//! answer (`run`). So samples are read by the thread that runs the query, no foreign
//! code runs on the engine's threads or above a Rust frame, and a panic of either
//! side stays on that side.
//!
//! Objects are handles, numbers that are used once (`handles`), so that a stale or
//! a made-up one is an error. Requests and answers are messages of little-endian
//! fields (`message`), series are written into memory of the query (`parts`,
//! `samples`), and floats of an answer into memory of the caller (`answer`). `c` has
//! calls of single series and Arrow instead. `unsafe` is in `abi`, `allocator`, `c`,
//! `parts` and `texts`.
//!
//! What it is bad at: the chunks of all series of a query are in memory until it
//! ends, and do not count for its limit of bytes.

mod abi;
mod allocator;
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
