//! The Go programs of `compliance/go`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;

/// The program `headlab`, built once in each process.
///
/// # Panics
/// As [`build`].
pub fn headlab() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("headlab"))
}

/// Builds a program of `compliance/go/cmd` and returns its path.
///
/// # Panics
/// When Go is missing, or the program does not build.
pub fn build(name: &str) -> PathBuf {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compliance/go");
    let binary = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&binary)
        .arg(format!("./cmd/{name}"))
        .current_dir(module)
        .status()
        .unwrap_or_else(|e| panic!("Go is missing, the comparison with Prometheus needs it: {e}"));
    assert!(status.success(), "go build ./cmd/{name} failed: {status}");
    binary
}

/// Starts a Prometheus that writes to `dir` for some seconds.
///
/// # Panics
/// When the program cannot be built or started.
pub fn live_writer(dir: &Path, seconds: u32) -> Child {
    Command::new(headlab())
        .arg("live")
        .arg(dir)
        .arg(seconds.to_string())
        .spawn()
        .unwrap()
}
