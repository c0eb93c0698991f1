//! The `quarrel` program.

use std::process::ExitCode;

/// Queries allocate many short-lived buffers: glibc's allocator returns their
/// pages to the system and faults them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    quarrel_server::cli::run()
}
