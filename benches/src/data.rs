//! Where data and Go programs are, and how they get there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BenchError;

/// A kind of data directory: a block, or several. `compliance/go/benchdata` says
/// what is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// 3,000 counters named `x`, 720 samples, 30 s apart.
    X,
    /// Counters, buckets and native histograms of 1,000 pods, 4 h at 30 s.
    Pods,
    /// What services export, 1,900 series, 26 h at 30 s in blocks of 2 h.
    Day,
    /// The same with 400 series, 31 days at 60 s in blocks of 14 days.
    Month,
    /// 100,000 series of an hour each, over 30 days.
    Churn,
    /// 100,000 series of an hour, all at once.
    Rules,
    /// A million series of 24 samples.
    Million,
    /// 500 native histograms of 100 buckets, 300 samples.
    Native,
    /// 6,000 and 115,000 series of classic buckets.
    Classic,
}

impl Shape {
    /// Its name in `mkblocks -bench-shape`.
    pub fn name(self) -> &'static str {
        match self {
            Shape::X => "x",
            Shape::Pods => "pods",
            Shape::Day => "day",
            Shape::Month => "month",
            Shape::Churn => "churn",
            Shape::Rules => "rules",
            Shape::Million => "million",
            Shape::Native => "native",
            Shape::Classic => "classic",
        }
    }

    /// Its data directory, which is built if it does not exist.
    ///
    /// # Errors
    /// When Go is missing, or the program fails.
    pub fn directory(self) -> Result<PathBuf, BenchError> {
        let dir = bench_folder("bench-data")?.join(self.name());
        if !dir.is_dir() {
            eprintln!("building the data called {}", self.name());
            let program = go_build(&go_module(), "./cmd/mkblocks", "mkblocks")?;
            let status = Command::new(program)
                .args(["-bench", "-bench-shape", self.name(), "-out"])
                .arg(&dir)
                .status()?;
            if !status.success() {
                return Err(format!("mkblocks, for {}: {status}", self.name()).into());
            }
        }
        Ok(dir)
    }
}

/// The Go module with the peers' engines and the program that builds blocks.
pub fn go_module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../compliance/go")
}

/// Cargo's target folder.
pub fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    )
}

/// A folder of this name in the target folder, which is made, as an absolute
/// path.
///
/// # Errors
/// When it cannot be made.
pub fn bench_folder(name: &str) -> Result<PathBuf, BenchError> {
    let folder = std::path::absolute(target_folder().join(name))?;
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Builds a program of a Go module and returns its path.
///
/// # Errors
/// When Go is missing, or the build fails.
pub fn go_build(module: &Path, package: &str, name: &str) -> Result<PathBuf, BenchError> {
    let program = bench_folder("bench-bin")?.join(name);
    // Prometheus's own program finds its targets without the clients of clouds.
    let status = Command::new("go")
        .args(["build", "-tags", "remove_all_sd", "-o"])
        .args([program.as_os_str(), package.as_ref()])
        .current_dir(module)
        .status()
        .map_err(|e| format!("the data of benches and the peers need Go: {e}"))?;
    if !status.success() {
        return Err(format!("go build {package}: {status}").into());
    }
    Ok(program)
}
