//! A Prometheus data directory, read as it is on disk.
//!
//! `block` reads persistent blocks (index, chunk segments, tombstones),
//! `head` what Prometheus has not compacted yet (head chunks, WAL, WBL).
//! Nothing here ever writes to the directory.

pub mod block;
pub mod decbuf;
pub mod head;
