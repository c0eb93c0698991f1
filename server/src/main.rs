//! The `quarrel` program.

use std::process::ExitCode;

/// Buffers of queries are many and short-lived: glibc's allocator would give
/// their pages back and fault them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    quarrel_server::cli::run()
}
